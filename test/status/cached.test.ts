// A costly reading for many who ask: how often it is made, and what they get meanwhile.

import { expect, test } from 'vitest';
import type { Database } from '../../src/postgres/database.ts';
import { createCache, createSnapshots } from '../../src/status/cached.ts';
import { someFacts } from '../server/example.ts';

test('read once for all who ask at the same time, and again only when it is old', async () => {
  let [now, reads] = [0, 0];
  const { ask } = createCache({ read: async () => ++reads, freshMs: 1000, waitMs: 1000, now: () => now });
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
  const { ask } = createCache({ read, freshMs: 1000, timesItsCost: 20, waitMs: 1000, now: () => now });
  await ask();
  now = 500 + 9_999;
  expect((await ask()).value).toBe(1);
  now = 500 + 10_000;
  expect((await ask()).value).toBe(2);
});

test('trouble is told beside what was last known, and nobody waits for ever', async () => {
  let now = 0;
  let next: Promise<number> = Promise.resolve(1);
  const { ask } = createCache({ read: () => next, freshMs: 1000, waitMs: 5, now: () => now });
  await ask();
  now = 1000;
  next = Promise.reject(new Error('away'));
  expect(await ask()).toEqual({ value: 1, ageMs: 1000, trouble: 'away' });
  const slow = Promise.withResolvers<number>();
  next = slow.promise;
  now = 3000;
  expect(await ask()).toEqual({ value: 1, ageMs: 3000, trouble: 'no answer in 0 s' });
  slow.resolve(2);
  await slow.promise;
  expect(await ask()).toEqual({ value: 2, ageMs: 0, trouble: null });
  next = new Promise(() => {});
  now = 5000;
  expect(await ask()).toEqual({ value: 2, ageMs: 2000, trouble: 'no answer in 0 s' });
});

test('what has expired is read again at once, also where it expires in the middle of a reading', async () => {
  let reads = 0;
  const slow = Promise.withResolvers<void>();
  const read = async () => {
    reads += 1;
    if (reads === 2) await slow.promise;
    return reads;
  };
  const { ask, expire } = createCache({ read, freshMs: 1000, waitMs: 1000, now: () => 0 });
  await ask();
  expire();
  const second = ask();
  expire();
  slow.resolve();
  expect((await second).value).toBe(2);
  expect((await ask()).value).toBe(3);
  expect((await ask()).value).toBe(3);
});

/** A database whose facts are these. */
const giving = (row: () => object) =>
  ({
    ask: async () => [{ ...someFacts(), unknown: 0, secured: [], migratedTo: Number.MAX_SAFE_INTEGER, ...row() }],
  }) as unknown as Database;

test('ages go on while the database is away', async () => {
  let [now, broken] = [0, false];
  const row = () => {
    if (broken) throw new Error('the server cannot be reached');
    return { lastTickSecondsAgo: 10, newestChangeSecondsAgo: null };
  };
  const { facts } = createSnapshots(giving(row), () => now);
  expect(await facts()).toMatchObject({ trouble: null, value: { lastTickSecondsAgo: 10 } });
  now = 1500;
  expect(await facts()).toMatchObject({ value: { lastTickSecondsAgo: 11.5, newestChangeSecondsAgo: null } });
  broken = true;
  now = 60_000;
  expect(await facts()).toMatchObject({
    trouble: 'the server cannot be reached',
    value: { lastTickSecondsAgo: 70, listedSecondsAgo: 64 },
  });
  broken = false;
  now = 63_000;
  expect(await facts()).toMatchObject({ trouble: null, value: { listedSecondsAgo: 4 } });
});

test('the last tick ages by a clock that only goes forward, where the database’s was set back', async () => {
  let now = 0;
  let lastTickAt = '2026-06-15T10:00:00Z';
  const { facts } = createSnapshots(
    giving(() => ({ lastTickAt, lastTickSecondsAgo: 0 })),
    () => now,
  );
  const age = async () => (await facts()).value?.lastTickSecondsAgo;
  expect(await age()).toBe(0);
  now = 600_000;
  expect(await age()).toBe(600);
  lastTickAt = '2026-06-15T09:10:00Z';
  now = 700_000;
  expect(await age()).toBe(0);
});
