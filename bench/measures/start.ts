// How long a worker takes from nothing to its first row: `run` started cold, on a server that is up and an entirely empty
// database, until the commit of the first conversations.

import type { Bench, Measure } from '../bench.ts';
import { startOurs } from '../program.ts';
import { row } from '../row.ts';
import type { SimulatorProcess } from '../simulator.ts';
import { summarize } from '../statistics.ts';

export const start: Measure = {
  name: 'start',
  async run(bench) {
    await using simulator = await bench.simulator({ conversations: 1_000 }, { warm: true });
    const seconds: number[] = [];
    for (let round = 0; round < bench.rounds(5); round += 1) seconds.push(await firstRow(bench, simulator));
    return [
      row({
        measure: 'start',
        what: '`run`, from the start of the process on an empty database to the first row',
        short: 'start to first row',
        value: { ...summarize(seconds), unit: 's' },
        against: null,
        ratio: null,
        bar: { is: 'most', at: 1 },
      }),
    ];
  },
};

async function firstRow(bench: Bench, simulator: SimulatorProcess): Promise<number> {
  const database = await bench.server.database('template0');
  await simulator.reset();
  const running = startOurs(['run'], { ...bench.env(simulator, database), HTTP_PORT: '0' });
  await running.saw(/"in sync"/);
  await running.stop();
  const { firstMs } = await bench.server.committed(database);
  const { firstMs: requestMs } = await simulator.counters();
  await bench.server.drop(database);
  const seconds = (firstMs - running.startedMs) / 1000;
  bench.say(
    `start: first request after ${((requestMs ?? 0) - running.startedMs) / 1000} s, first row after ${seconds.toFixed(2)} s`,
  );
  return seconds;
}
