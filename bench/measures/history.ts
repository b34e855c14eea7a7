// Loading history from an API that answers at once: the product, what a team writes today, and bare COPY of the same rows.
// Each side starts from a migrated, empty database; they take turns, in another order each round.

import type { Bench, Loaded, Measure } from '../bench.ts';
import type { BenchDatabase } from '../postgres.ts';
import { copyFiles, writeFiles } from '../rivals/copy.ts';
import { type Row, row } from '../row.ts';
import type { SimulatorProcess } from '../simulator.ts';
import { ratioOf, summarize } from '../statistics.ts';

const unit = 'conversations/s';
const sides = ['ours', 'client', 'copy'] as const;

interface Rates {
  /** From the first request to the last row. */
  ours: number[];
  client: number[];
  copy: number[];
  /** From the start of the process to the last row. */
  oursFromStart: number[];
  clientFromStart: number[];
}

export const history: Measure = {
  name: 'history',
  async run(bench) {
    await using simulator = await bench.simulator({ conversations: bench.size(10_000, 100) }, { warm: true });
    const rates: Rates = { ours: [], client: [], copy: [], oursFromStart: [], clientFromStart: [] };
    const prefix = await warmUp(bench, simulator);
    for (let round = 0; round < bench.rounds(5); round += 1) {
      const turns = [...sides.slice(round % sides.length), ...sides.slice(0, round % sides.length)];
      for (const side of turns)
        await withDatabase(bench, (database) => take(bench, simulator, database, side, prefix, rates));
    }
    return rowsOf(rates);
  },
};

/** Loads once what is not counted, so that no side is the first on a cold machine, and writes the files for COPY. */
async function warmUp(bench: Bench, simulator: SimulatorProcess): Promise<string> {
  return await withDatabase(bench, async (database) => {
    await bench.load(simulator, database);
    return await bench.server.within(database, writeFiles);
  });
}

async function withDatabase<Result>(bench: Bench, work: (database: BenchDatabase) => Promise<Result>): Promise<Result> {
  const database = await bench.server.database();
  try {
    return await work(database);
  } finally {
    await bench.server.drop(database);
  }
}

async function take(
  bench: Bench,
  simulator: SimulatorProcess,
  database: BenchDatabase,
  side: (typeof sides)[number],
  prefix: string,
  rates: Rates,
): Promise<void> {
  if (side === 'copy') {
    const ms = await bench.server.within(database, (client) => copyFiles(client, prefix));
    rates.copy.push((simulator.options.shape.conversations / ms) * 1000);
    bench.say(`history: copy ${rates.copy.at(-1)?.toFixed(0)} ${unit}`);
    return;
  }
  const loaded = await bench.load(simulator, database, side === 'client' ? 'rivals/twilio-client.ts' : undefined);
  rates[side].push(rateSince(loaded, loaded.counters.firstMs ?? Number.NaN));
  rates[`${side}FromStart`].push(rateSince(loaded, loaded.ended.startedMs));
  bench.say(
    `history: ${side} ${rates[side].at(-1)?.toFixed(0)} ${unit}, from its start ${rates[`${side}FromStart`].at(-1)?.toFixed(0)}; CPU: Node ${loaded.ended.cpuMs} ms, Postgres ${loaded.postgresMs} ms; ${loaded.counters.list} lists, ${loaded.counters.detail} details`,
  );
}

function rateSince({ conversations, lastRowMs }: Loaded, fromMs: number): number {
  return (conversations / (lastRowMs - fromMs)) * 1000;
}

function rowsOf({ ours, client, copy, oursFromStart, clientFromStart }: Rates): Row[] {
  const figure = (values: number[]) => ({ ...summarize(values), unit });
  const measure = 'history';
  const clientIs = "npm's twilio, an upsert a row";
  const copyIs = 'bare COPY of the same rows';
  return [
    row({
      measure,
      what: 'history, no API latency',
      value: figure(ours),
      short: 'history ÷ twilio client',
      against: { name: clientIs, ...figure(client) },
      ratio: ratioOf(ours, client),
      bar: { is: 'least', at: 5 },
    }),
    row({
      measure,
      what: 'the same, start of the process included',
      value: figure(oursFromStart),
      short: 'history with start ÷ twilio client',
      against: { name: clientIs, ...figure(clientFromStart) },
      ratio: ratioOf(oursFromStart, clientFromStart),
      bar: null,
    }),
    row({
      measure,
      what: 'history, no API latency',
      short: 'history ÷ COPY',
      value: figure(ours),
      against: { name: copyIs, ...figure(copy) },
      ratio: ratioOf(ours, copy),
      bar: { is: 'least', at: 0.7 },
    }),
    row({
      measure,
      what: 'the same, start of the process included',
      short: 'history with start ÷ COPY',
      value: figure(oursFromStart),
      against: { name: copyIs, ...figure(copy) },
      ratio: ratioOf(oursFromStart, copy),
      bar: null,
    }),
  ];
}
