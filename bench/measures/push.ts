// From a signed webhook to committed rows: 50 a second for five minutes, each for another conversation, with an API that takes 50 ms;
// once in sync, once while history is being loaded. The time runs from the sending to the commit that Postgres noted for the rows.

import type { Bench, Measure } from '../bench.ts';
import type { BenchDatabase } from '../postgres.ts';
import { startOurs } from '../program.ts';
import { type Row, row } from '../row.ts';

const perSecond = 50;
const latencyMs = 50;
/** As entered at Twilio; a proxy is supposed to lead to the worker. */
const url = 'https://hooks.example.com/twilio';

interface Run {
  name: string;
  conversations: number;
  /** Whether history is loaded before webhooks are sent, or meanwhile. */
  inSync: boolean;
}

export const push: Measure = {
  name: 'push',
  async run(bench) {
    const seconds = bench.size(300, 4);
    // More than can be loaded in the time at 32 requests in 50 ms.
    const loading = { name: 'while history loads', conversations: bench.size(240_000, 4_000), inSync: false };
    const inSync = { name: 'in sync', conversations: bench.size(20_000, 400), inSync: true };
    return [...(await measureRun(bench, inSync, seconds)), ...(await measureRun(bench, loading, seconds))];
  },
};

async function measureRun(bench: Bench, run: Run, seconds: number): Promise<Row[]> {
  await using simulator = await bench.simulator({ conversations: run.conversations }, { switches: { latencyMs } });
  if (run.inSync) await simulator.order('turn', { latencyMs: 0 });
  const database = await bench.server.database();
  const env = { ...bench.env(simulator, database), HTTP_PORT: '0', WEBHOOK_PORT: '0', WEBHOOK_URL: url };
  const worker = startOurs(['run'], env);
  const [, target = ''] = await worker.saw(/"url":"(http:[^"]+)","msg":"taking webhooks"/);
  if (run.inSync) {
    await worker.saw(/"msg":"in sync"/);
    await simulator.order('turn', { latencyMs });
  } else {
    // What is measured is the loading, not the start of the process.
    await worker.saw(/"sweep":"backfill"/);
  }
  const sent = await simulator.order('push', { url, target, perSecond, count: perSecond * seconds });
  const refused = Object.entries(sent.statuses).filter(([status]) => status !== '204');
  if (refused.length > 0) throw new Error(`webhooks were answered with ${refused.map(String).join('; ')}`);
  const waits = await waitsOf(bench, database, sent.sentMs);
  const ended = await worker.stop();
  await bench.server.drop(database);
  const least = waits[0] ?? 0;
  const spread = `${least.toFixed(3)} to ${waits.at(-1)?.toFixed(3)} s`;
  bench.say(`push: ${waits.length} ${run.name}, ${spread}, peak memory ${(ended.peakBytes / 1e6).toFixed(0)} MB`);
  const share = (part: number, name: string, bar: number): Row => {
    const value = waits[Math.ceil(waits.length * part) - 1] ?? Number.NaN;
    return row({
      measure: 'push',
      what: `webhook to committed rows, ${perSecond}/s for ${seconds} s, ${latencyMs} ms a request, ${run.name}: ${name}`,
      short: `webhook to rows, ${run.name}: ${name}`,
      value: { median: value, least: value, most: value, unit: 's' },
      against: null,
      ratio: null,
      bar: { is: 'most', at: bar },
    });
  };
  return [share(0.5, 'median', 0.5), share(0.99, '99th percentile', 2)];
}

const patienceMs = 120_000;

/** Waits until everything is stored. @returns how long each took, in seconds, in order. */
async function waitsOf(bench: Bench, database: BenchDatabase, sentMs: Record<string, number>): Promise<number[]> {
  const ids = Object.keys(sentMs);
  const untilMs = Date.now() + patienceMs;
  while (Date.now() < untilMs) {
    const waits = await bench.server.within(database, async (client) => {
      const { rows } = await client.query<{ id: string; atMs: number }>(storedSql, [ids]);
      return rows.map(({ id, atMs }) => (atMs - (sentMs[id] ?? Number.NaN)) / 1000);
    });
    if (waits.length === ids.length && waits.every((wait) => wait > 0)) return waits.toSorted((a, b) => a - b);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  throw new Error('not everything that was announced is stored');
}

/** A conversation's row is written anew with whatever changes beneath it; each result of its own is written once. */
const storedSql = `
  select c.id, extract(epoch from greatest(pg_xact_commit_timestamp(c.xmin),
    (select max(pg_xact_commit_timestamp(r.xmin)) from twilio.operator_results r where r.conversation_id = c.id)
  ))::float8 * 1000 as "atMs"
  from twilio.conversations c where c.id = any($1)`;
