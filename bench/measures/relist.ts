// Listing again what is all stored and unchanged, keys and arrays in an order that they never had before: `sync --reconcile`
// from its first request to the end of its process. The simulator has made its pages beforehand.

import { request } from 'undici';
import type { Bench, Filled, Measure } from '../bench.ts';
import { startOurs } from '../program.ts';
import { row } from '../row.ts';
import type { SimulatorProcess } from '../simulator.ts';
import { summarize } from '../statistics.ts';

interface Round {
  perSecond: number;
  details: number;
  written: number;
}

export const relist: Measure = {
  name: 'relist',
  async run(bench) {
    const conversations = bench.size(100_000, 400);
    const filled = await bench.filled(conversations);
    const rounds: Round[] = [];
    for (let turn = 1; turn <= bench.rounds(3); turn += 1) rounds.push(await listAgain(bench, filled, turn));
    const measure = 'relist';
    const most = (figure: 'details' | 'written') => summarize(rounds.map((round) => round[figure]));
    return [
      row({
        measure,
        what: `listing ${conversations.toLocaleString('en-US')} unchanged ones again, keys and arrays in another order`,
        short: 'listing again',
        value: { ...summarize(rounds.map(({ perSecond }) => perSecond)), unit: 'conversations/s' },
        against: null,
        ratio: null,
        bar: { is: 'least', at: 15_000 },
      }),
      row({
        measure,
        what: 'the same: details fetched',
        short: 'listing again: details',
        value: { ...most('details'), unit: 'details' },
        against: null,
        ratio: null,
        bar: { is: 'most', at: 0 },
      }),
      row({
        measure,
        what: 'the same: rows written in schema `twilio`',
        short: 'listing again: rows written',
        value: { ...most('written'), unit: 'rows' },
        against: null,
        ratio: null,
        bar: { is: 'most', at: 0 },
      }),
    ];
  },
};

async function listAgain(bench: Bench, { simulator, database }: Filled, turn: number): Promise<Round> {
  const { conversations } = simulator.options.shape;
  await simulator.order('reorder', turn);
  await listAll(simulator);
  await simulator.reset();
  const [before, cpuBefore] = [await rowsWritten(bench, database.name), await bench.server.cpuMs()];
  // A reconcile reads all operator results again too, at the speed that `results` measures: not here.
  const env = { ...bench.env(simulator, database), SYNC_OPERATOR_RESULTS: 'links' };
  const { endedMs, cpuMs } = await startOurs(['sync', '--reconcile'], env).ended;
  const { list, detail, firstMs } = await simulator.counters();
  const [after, cpuAfter] = [await rowsWritten(bench, database.name), await bench.server.cpuMs()];
  const perSecond = (conversations / (endedMs - (firstMs ?? Number.NaN))) * 1000;
  const said = [
    `relist: ${perSecond.toFixed(0)} conversations/s, ${list} lists, ${detail} details`,
    `CPU: Node ${cpuMs} ms, Postgres ${cpuAfter - cpuBefore} ms`,
    `rows written in twilio ${after.data - before.data}, in twilio_sync ${after.own - before.own}`,
  ];
  bench.say(said.join('; '));
  return { perSecond, details: detail, written: after.data - before.data };
}

/** Asks for every page once, so that all of them are made. */
async function listAll({ url, env }: SimulatorProcess): Promise<void> {
  const login = Buffer.from(`${env['TWILIO_ACCOUNT_SID']}:${env['TWILIO_AUTH_TOKEN']}`).toString('base64');
  for (let token: string | undefined = ''; token !== undefined; ) {
    const page = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
    const headers = { authorization: `Basic ${login}` };
    const { body } = await request(`${url}/v3/Conversations?pageSize=1000${page}`, { headers });
    const { meta } = (await body.json()) as { meta: { nextToken?: string } };
    token = meta.nextToken;
  }
}

/** Rows written so far, by Postgres' own count: in the tables for people, and in those of the program. Sessions report when they end. */
async function rowsWritten(bench: Bench, database: string): Promise<{ data: number; own: number }> {
  await bench.server.quiet(database);
  return await bench.server.within({ name: database }, async (client) => {
    const { rows } = await client.query<{ data: number; own: number }>(
      `select coalesce(sum(written) filter (where schemaname = 'twilio'), 0)::int as data,
         coalesce(sum(written) filter (where schemaname <> 'twilio'), 0)::int as own
       from (select schemaname, n_tup_ins + n_tup_upd + n_tup_del as written from pg_stat_user_tables) as tables`,
    );
    return rows[0] ?? { data: Number.NaN, own: Number.NaN };
  });
}
