// What is ready and what is not, and the reason that is said first.

import { describe, expect, test } from 'vitest';
import type { Work } from '../../src/status/health.ts';
import type { Pulse } from '../../src/status/pulse.ts';
import { describeHindrances, judgeAge, judgeReadiness } from '../../src/status/readiness.ts';
import type { Vitals } from '../../src/status/vitals.ts';
import { aStanding } from '../server/example.ts';

const minute = 60_000;

const judged = (work: Partial<Work> = {}, pulse: Partial<Pulse> | null = {}, vitals: Partial<Vitals> = {}) =>
  judgeReadiness(
    { doing: 'working', heldBy: undefined, failing: undefined, migrating: undefined, tickLimitMs: 5 * minute, ...work },
    {
      reached: true,
      trouble: undefined,
      pulse: pulse === null ? undefined : { ...healthy, ...pulse },
      ...vitals,
    },
  );

const healthy: Pulse = {
  migratedTo: 1,
  lastTickAt: 1_800_000_000,
  lastTickAge: 10,
  newestChangeAge: 10,
  pending: {},
  failing: 0,
  quarantine: 0,
  due: 0,
};

const starting: Work = {
  doing: 'starting',
  heldBy: undefined,
  failing: undefined,
  migrating: undefined,
  tickLimitMs: minute,
};

test('who migrates says so, whatever the database answers meanwhile', () => {
  const waiting = { migrating: 'waiting for another process to migrate the database' };
  const silent = { trouble: 'database: the server cannot be reached (ECONNRESET)' };
  expect(judged({ doing: 'starting', ...waiting }, null, silent)).toEqual({ ready: false, reason: waiting.migrating });
  expect(judgeReadiness({ ...starting, ...waiting }, undefined)).toEqual({ ready: false, reason: waiting.migrating });
});

test('why a migration cannot be applied goes before that it is missing, but not before a database that is away', () => {
  const failing = 'database: an object of yours depends on what is to change: view mart.v (2BP01)';
  const missing = { trouble: 'a migration is missing; run: conversation-sync migrate' };
  expect(judged({ ...starting, failing }, {}, missing)).toEqual({ ready: false, reason: failing });
  expect(judged(starting, {}, missing)).toEqual({ ready: false, reason: missing.trouble });
  const away = { reached: false, trouble: 'database: the server cannot be reached (ECONNREFUSED)' };
  expect(judged({ ...starting, failing }, {}, away)).toEqual({ ready: false, reason: away.trouble });
});

describe('ready', () => {
  test('in sync, also with conversations in quarantine and a reconcile under way', () => {
    expect(judged({}, { quarantine: 3, pending: { reconcile: 4, new: 1 } })).toEqual({ ready: true });
  });

  test('while history is loaded', () => {
    expect(judged({}, { pending: { backfill: 9 } })).toEqual({ ready: true, reason: 'catching up' });
  });

  test('standing by, however long ago the last tick was, and whatever came before', () => {
    const work = { doing: 'standing by', heldBy: 'run on host, process 1' } as const;
    expect(judged(work, { lastTickAge: 99_999 })).toEqual({
      ready: true,
      reason: 'standing by for run on host, process 1',
    });
    expect(judged(work, { lastTickAge: null })).toMatchObject({ ready: true });
  });
});

describe('not ready', () => {
  test('before anything is known', () => {
    expect(judgeReadiness(starting, undefined)).toEqual({ ready: false, reason: 'starting' });
    expect(judgeReadiness({ ...starting, failing: 'no lock' }, undefined)).toEqual({ ready: false, reason: 'no lock' });
    expect(judged({ doing: 'starting' })).toEqual({ ready: false, reason: 'starting' });
    expect(judged({}, { lastTickAge: null })).toEqual({ ready: false, reason: 'nothing was listed yet' });
  });

  test('while the database is away, whatever else there is, standing by too', () => {
    const away = { reached: false, trouble: 'database: no answer in 2 s' };
    for (const doing of ['starting', 'standing by', 'working'] as const) {
      expect(judged({ doing, failing: 'another' }, {}, away)).toEqual({ ready: false, reason: away.trouble });
    }
    expect(judged({}, null, away)).toEqual({ ready: false, reason: away.trouble });
  });

  test('as long as something stands in the way', () => {
    expect(judged({ failing: 'the API refused the key' })).toEqual({ ready: false, reason: 'the API refused the key' });
  });

  test.each([
    [299, undefined],
    [301, 'the last complete tick was 5 min ago'],
    [7200, 'the last complete tick was 2 h ago'],
  ])('when the last complete tick is too old: %s s of 300', (lastTickAge, reason) => {
    expect(judged({}, { lastTickAge })).toEqual(reason === undefined ? { ready: true } : { ready: false, reason });
  });
});

describe('the database alone says the same of the last complete tick', () => {
  const lastTickAt = '2026-06-15T09:54:59Z';
  const old = aStanding({ lastTickAt, lastTickSecondsAgo: 301 });
  const tooOld = (age: number) => age > 300;

  test('within the limit nothing is said', () => {
    for (const standing of [
      aStanding({ lastTickSecondsAgo: 300 }),
      aStanding({ lastTickAt: null, lastTickSecondsAgo: null }),
    ])
      expect(judgeAge(standing, tooOld)).toBe(standing);
  });

  test('past it the same as readiness, where a worker is at it', () => {
    const reason = 'the last complete tick was 5 min ago';
    expect(judged({}, { lastTickAge: 301 })).toEqual({ ready: false, reason });
    for (const state of ['in_sync', 'loading'] as const)
      expect(judgeAge({ ...old, state }, tooOld)).toEqual({ ...old, state: 'out_of_sync', since: lastTickAt, reason });
  });

  test('what stands in the way of a worker is said first; that there is none goes before all', () => {
    const failing = { ...old, state: 'out_of_sync', since: null, reason: 'the API refused the key' } as const;
    expect(judgeAge(failing, tooOld)).toBe(failing);
    for (const standing of [old, failing])
      expect(judgeAge({ ...standing, worker: null }, tooOld)).toMatchObject({
        state: 'out_of_sync',
        since: lastTickAt,
        reason: 'no worker has listed for 5 min',
      });
  });
});

test('what stands in the way is said once each, and how much more there is', () => {
  const failing = { sweep: 'backfill', error: 'page 3 is never right' };
  const braked = { sweep: 'reconcile', expected: 100, missing: 50 };
  const brake = 'the deletion brake holds: 50 of 100 conversations were not listed (reconcile)';
  expect(describeHindrances({ failing: [], braked: [] })).toBe(undefined);
  expect(describeHindrances({ failing: [failing, failing], braked: [] })).toBe(
    'a stretch cannot be listed: page 3 is never right',
  );
  expect(describeHindrances({ failing: [failing], braked: [braked] })).toBe(`${brake}; and 1 more`);
  expect(describeHindrances({ failing: [], braked: [braked] })).toBe(brake);
});
