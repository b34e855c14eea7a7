// One tick of the worker, among 10,000 and among 300,000 stored conversations: five begin, and in five older open ones
// somebody speaks. Counted at both ends: requests by the simulator, statements and buffers by Postgres itself. The tick is
// the worker's own pass with the worker's own parts, in this process, since a worker's lease keeps its own time.

import type { Bench, Measure } from '../bench.ts';
import { type Row, row } from '../row.ts';
import { ratioOf, type Summary, summarize } from '../statistics.ts';
import { leastRequests, scannedRows, type Tick, tickOften } from './tick-rounds.ts';

const measure = 'tick';
const said = (count: number) => count.toLocaleString('en-US');

export const tick: Measure = {
  name: measure,
  async run(bench) {
    const [small, large] = [bench.size(10_000, 300), bench.size(300_000, 600)];
    const few = await ticksAmong(bench, small);
    const many = await ticksAmong(bench, large);
    const compared = (key: keyof Tick, what: string, unit: string, most: number): Row => {
      const [value, against] = [many.ticks.map((each) => each[key]), few.ticks.map((each) => each[key])];
      return row({
        measure,
        what: `one tick, 10 changed among ${said(large)}: ${what}`,
        short: `tick: ${what}, 300k ÷ 10k`,
        value: { ...summarize(value), unit },
        against: { name: `among ${said(small)}`, ...summarize(against), unit },
        ratio: ratioOf(value, against),
        bar: { is: 'most', at: most },
      });
    };
    const least = many.ticks.map(() => leastRequests);
    const requests = many.ticks.map((each) => each.requests);
    return [
      compared('requests', 'requests', 'requests', 1),
      compared('statements', 'statements', 'statements', 1),
      compared('buffers', 'buffers touched', 'buffers', 1.2),
      row({
        measure,
        what: `one tick, 10 changed among ${said(large)}: requests`,
        short: 'tick: requests ÷ least possible',
        value: { ...summarize(requests), unit: 'requests' },
        against: {
          name: 'pages of new and open ones, and one a changed conversation',
          ...summarize(least),
          unit: 'requests',
        },
        ratio: ratioOf(requests, least),
        bar: { is: 'most', at: 1.1 },
      }),
      row({
        measure,
        what: 'the same: rows read by scanning a table of over 1,000 rows',
        short: 'tick: rows scanned',
        value: { ...once(many.scanned), unit: 'rows' },
        against: null,
        ratio: null,
        bar: { is: 'most', at: 0 },
      }),
    ];
  },
};

async function ticksAmong(bench: Bench, conversations: number): Promise<{ ticks: Tick[]; scanned: number }> {
  const filled = await bench.filled(conversations);
  // The first process lists everything open since the beginning once, as a worker does at its start.
  await tickOften(bench, filled, 0);
  await bench.server.within(filled.database, async (client) => void (await client.query('vacuum analyze')));
  const before = await scannedRows(bench, filled.database);
  const ticks = await tickOften(bench, filled, bench.rounds(5));
  const scanned = (await scannedRows(bench, filled.database)) - before;
  return { ticks, scanned };
}

function once(value: number): Summary {
  return { median: value, least: value, most: value };
}
