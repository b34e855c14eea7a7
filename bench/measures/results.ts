// Operator results with their content, where all conversations are stored and the API answers at once: how many a `sync`
// loads in a second from its first request to the end of its process, its peak memory, and its requests.

import type { Bench, Measure } from '../bench.ts';
import { startOurs } from '../program.ts';
import { row } from '../row.ts';
import { summarize } from '../statistics.ts';

const measure = 'results';

export const results: Measure = {
  name: measure,
  async run(bench) {
    const conversations = bench.size(300_000, 300);
    await using simulator = await bench.simulator({ conversations });
    const database = await bench.server.database();
    const env = bench.env(simulator, database);
    await startOurs(['sync'], { ...env, SYNC_OPERATOR_RESULTS: 'links' }).ended;
    // The simulator makes each result when it is first listed: not what is measured.
    const listed = await simulator.order('listResults', null);
    await simulator.reset();
    const { peakBytes, endedMs, cpuMs } = await startOurs(['sync'], env).ended;
    const { firstMs, resultList } = await simulator.counters();
    const stored = await countResults(bench, database);
    if (stored !== listed) throw new Error(`${stored} results are stored, of ${listed}`);
    const perSecond = (stored / (endedMs - (firstMs ?? Number.NaN))) * 1000;
    bench.say(
      `results: ${stored} at ${perSecond.toFixed(0)} a second, ${resultList} requests, Node ${cpuMs} ms of CPU`,
    );
    await bench.server.drop(database);
    const figure = (value: number, unit: string) => ({ ...summarize([value]), unit });
    const whole = stored.toLocaleString('en-US');
    return [
      row({
        measure,
        what: `loading ${whole} operator results`,
        short: 'results: loading',
        value: figure(perSecond, 'results/s'),
        against: null,
        ratio: null,
        bar: { is: 'least', at: 8_000 },
      }),
      row({
        measure,
        what: 'the same: peak memory',
        short: 'results: memory',
        value: figure(peakBytes / 1e6, 'MB'),
        against: null,
        ratio: null,
        bar: { is: 'most', at: 200 },
      }),
      row({
        measure,
        what: 'the same: requests for results, by 1,000 of them',
        short: 'results: requests',
        value: figure(resultList / Math.ceil(stored / 1000), 'requests'),
        against: null,
        ratio: null,
        bar: null,
      }),
    ];
  },
};

async function countResults({ server }: Bench, database: { name: string }): Promise<number> {
  return await server.within(database, async (client) => {
    const { rows } = await client.query<{ count: number }>(
      'select count(*)::int as count from twilio.operator_results',
    );
    return rows[0]?.count ?? Number.NaN;
  });
}
