// A costly reading for many who ask: how often it is made, and what they get meanwhile.

import { expect, test } from 'vitest';
import { createCached } from '../../src/status/cached.ts';

test('read once for all who ask at the same time, and again only when it is old', async () => {
  let [now, reads] = [0, 0];
  const ask = createCached({ read: async () => ++reads, freshMs: 1000, waitMs: 1000, now: () => now });
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1].map((value) => ({ value, ageMs: 0, trouble: null })));
  now = 999;
  expect(await ask()).toEqual({ value: 1, ageMs: 999, trouble: null });
  now = 1000;
  expect(await ask()).toEqual({ value: 2, ageMs: 0, trouble: null });
});

test('what takes long is read more seldom', async () => {
  let [now, reads] = [0, 0];
  const read = async () => {
    now += 500;
    return ++reads;
  };
  const ask = createCached({ read, freshMs: 1000, waitMs: 1000, now: () => now });
  await ask();
  now = 500 + 9_999;
  expect((await ask()).value).toBe(1);
  now = 500 + 10_000;
  expect((await ask()).value).toBe(2);
});

test('trouble is told beside what was last known, and nobody waits for ever', async () => {
  let now = 0;
  let next: Promise<number> = Promise.resolve(1);
  const ask = createCached({ read: () => next, freshMs: 1000, waitMs: 5, now: () => now });
  await ask();
  now = 1000;
  next = Promise.reject(new Error('away'));
  expect(await ask()).toEqual({ value: 1, ageMs: 1000, trouble: 'away' });
  const slow = Promise.withResolvers<number>();
  next = slow.promise;
  now = 3000;
  expect(await ask()).toEqual({ value: 1, ageMs: 3000, trouble: 'away' });
  slow.resolve(2);
  await slow.promise;
  expect(await ask()).toEqual({ value: 2, ageMs: 0, trouble: null });
  next = new Promise(() => {});
  now = 5000;
  expect(await ask()).toEqual({ value: 2, ageMs: 2000, trouble: 'no answer in 0 s' });
});
