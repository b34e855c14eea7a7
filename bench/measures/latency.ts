// Loading history from an API that takes its time, as real ones do: 100 ms for each answer with 32 requests at once, and
// 20 ms with a limit of 100 requests in any second, which is told by nothing but a 429. What can be reached is arithmetic.

import type { Switches } from '../../src/simulator/switches.ts';
import type { Bench, Loaded, Measure } from '../bench.ts';
import { row } from '../row.ts';
import { summarize } from '../statistics.ts';

const latencyMs = 100;
const atOnce = 32;

export const latency: Measure = {
  name: 'latency',
  async run(bench) {
    const conversations = bench.size(20_000, 400);
    const loads = await loadOften(bench, 'latency', conversations, { latencyMs });
    const seconds = loads.map(secondsOf);
    const ideal = loads.map(({ counters }) => ((counters.list + counters.detail) * latencyMs) / 1000 / atOnce);
    return [
      row({
        measure: 'latency',
        what: `history of ${conversations.toLocaleString('en-US')}, ${latencyMs} ms a request, ${atOnce} at once`,
        short: 'history at 100 ms: ideal ÷ time',
        value: { ...summarize(seconds), unit: 's' },
        against: { name: `requests × 0.1 s ÷ ${atOnce}`, ...summarize(ideal), unit: 's' },
        // The better the greater, as everywhere: what it should take by what it took.
        ratio: summarize(ideal.map((least, round) => least / (seconds[round] ?? Number.NaN))),
        bar: { is: 'least', at: 0.95 },
      }),
    ];
  },
};

const perSecond = 100;

export const limited: Measure = {
  name: 'limited',
  async run(bench) {
    const conversations = bench.size(5_000, 300);
    const loads = await loadOften(bench, 'limited', conversations, { latencyMs: 20, maxPerSecond: perSecond });
    const rates = loads.map((loaded) => loaded.counters.ok / secondsOf(loaded));
    const refused = loads.map(({ counters }) => (counters.refused / (counters.ok + counters.refused)) * 100);
    const what = `history of ${conversations.toLocaleString('en-US')}, 20 ms a request, ${perSecond} allowed in any second, 429 without Retry-After beyond`;
    const limit = { median: perSecond, least: perSecond, most: perSecond, unit: 'requests/s' };
    return [
      row({
        measure: 'limited',
        what,
        short: 'history under a limit: of the limit',
        value: { ...summarize(rates), unit: 'requests/s' },
        against: { name: 'the limit', ...limit },
        ratio: summarize(rates.map((rate) => rate / perSecond)),
        bar: { is: 'least', at: 0.95 },
      }),
      row({
        measure: 'limited',
        what: 'the same: refused',
        short: 'history under a limit: refused',
        value: { ...summarize(refused), unit: '%' },
        against: null,
        ratio: null,
        bar: { is: 'most', at: 3 },
      }),
    ];
  },
};

async function loadOften(
  bench: Bench,
  name: string,
  conversations: number,
  switches: Partial<Switches>,
): Promise<Loaded[]> {
  await using simulator = await bench.simulator({ conversations }, { warm: true, switches });
  const loads: Loaded[] = [];
  for (let round = 0; round < bench.rounds(3); round += 1) {
    const database = await bench.server.database();
    const loaded = await bench.load(simulator, database);
    await bench.server.drop(database);
    loads.push(loaded);
    const { list, detail, refused } = loaded.counters;
    bench.say(`${name}: ${secondsOf(loaded).toFixed(1)} s, ${list} lists, ${detail} details, ${refused} refused`);
  }
  return loads;
}

/** From the first request to the last row. */
function secondsOf({ counters, lastRowMs }: Loaded): number {
  return (lastRowMs - (counters.firstMs ?? Number.NaN)) / 1000;
}
