// Concurrency over calls: the limit holds, the order too, and a failure frees its place.

import { expect, test } from 'vitest';
import { atMost } from '../../src/lib/at-most.ts';

test('no more run than the limit, the others in the order in which they came, whatever fails', async () => {
  const limited = atMost(2);
  const begun: number[] = [];
  const ends = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const all = ends.map(({ promise }, index) =>
    limited(async () => {
      begun.push(index);
      await promise;
      return index;
    }),
  );
  for (const each of all) each.catch(() => {});
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  await settled();
  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error('failed'));
  await settled();
  expect(begun).toEqual([0, 1, 2]);
  for (const { resolve } of ends) resolve();
  expect((await Promise.allSettled(all)).map(({ status }) => status === 'fulfilled')).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});
