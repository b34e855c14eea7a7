// Peak memory (VmHWM) of a worker from its start until it is in sync: over histories of two lengths, and over conversations
// so large that a few of them fill whatever it sets aside.

import type { Bench, Measure } from '../bench.ts';
import { row } from '../row.ts';
import { ratioOf, type Summary, summarize } from '../statistics.ts';

const measure = 'memory';
const unit = 'MB';

export const memory: Measure = {
  name: measure,
  async run(bench) {
    const [small, large] = [bench.size(10_000, 300), bench.size(300_000, 600)];
    const [fewMb, manyMb] = [[await filledMb(bench, small)], [await filledMb(bench, large)]];
    for (let round = 1; round < bench.rounds(3); round += 1) fewMb.push(await peakMb(bench, { conversations: small }));
    const few = summarize(fewMb);
    const hugeMb: number[] = [];
    const huge = { conversations: bench.size(100, 10), communications: 2_000, textLength: 2_000 };
    for (let round = 0; round < bench.rounds(3); round += 1) hugeMb.push(await peakMb(bench, huge));
    const many = summarize(manyMb);
    return [
      peak(`peak memory of the worker, ${small.toLocaleString('en-US')} conversations`, 'memory, 10k', few, 200),
      peak(`the same, ${large.toLocaleString('en-US')} conversations`, 'memory, 300k', many, 200),
      row({
        measure,
        what: 'the same: how it grows',
        short: 'memory, 300k ÷ 10k',
        value: { ...many, unit },
        against: { name: `with ${small.toLocaleString('en-US')}`, ...few, unit },
        ratio: ratioOf(manyMb, [few.median]),
        bar: { is: 'most', at: 1.1 },
      }),
      peak(
        'peak memory of the worker, conversations of 2,000 communications of 2 kB',
        'memory, huge conversations',
        summarize(hugeMb),
        300,
      ),
    ];
  },
};

function peak(what: string, short: string, value: Summary, most: number) {
  return row({
    measure,
    what,
    short,
    value: { ...value, unit },
    against: null,
    ratio: null,
    bar: { is: 'most', at: most },
  });
}

async function filledMb(bench: Bench, conversations: number): Promise<number> {
  return (await bench.filled(conversations)).peakBytes / 1e6;
}

async function peakMb(bench: Bench, shape: Parameters<Bench['simulator']>[0]): Promise<number> {
  await using simulator = await bench.simulator(shape);
  const database = await bench.server.database();
  const { peakBytes } = await bench.work(simulator, database);
  await bench.server.drop(database);
  return peakBytes / 1e6;
}
