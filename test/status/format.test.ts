// What people read of numbers, times and passes.

import { expect, test } from 'vitest';
import { sayCount, sayDuration, sayEstimate, sayInstant, sayMany, sayShare, sayWork } from '../../src/status/format.ts';
import { headlineOf } from '../../src/status/headline.ts';
import { foldPasses, sayRun } from '../../src/status/passes.ts';
import type { Run } from '../../src/status/standing.ts';
import { aRun, aStanding } from '../server/example.ts';

test('numbers, durations, instants', () => {
  expect([sayCount(1234567), sayMany(1, 'day'), sayMany(1200, 'day')]).toEqual(['1,234,567', '1 day', '1,200 days']);
  expect([-1, 4.4, 99, 100, 5940, 7200, 100_000, 200_000, 2_000_000].map(sayDuration)).toEqual([
    '0 s',
    '4 s',
    '99 s',
    '2 min',
    '99 min',
    '2 h',
    '27 h 47 min',
    '2 d 7 h',
    '23 d',
  ]);
  expect([0.123, 4.21, 12].map(sayWork)).toEqual(['123 ms', '4.2 s', '12 s']);
  expect([1, 43, 130, 4000].map(sayEstimate)).toEqual(['5 s', '45 s', '3 min', '70 min']);
  expect([0, 0.001, 0.5, 0.999, 1].map(sayShare)).toEqual(['0 %', '1 %', '50 %', '99 %', '100 %']);
  const now = '2026-09-15T10:00:00Z';
  expect(sayInstant('2026-09-15T09:12:05Z', now)).toBe('09:12:05 UTC');
  expect(sayInstant('2026-09-14T23:59:59Z', now)).toBe('14 Sep 2026, 23:59:59 UTC');
});

test('passes that did nothing and ended the same way are one line, others one each', () => {
  const at = (minute: number, changes: Partial<Run>) => aRun({ startedAt: `2026-06-15T10:0${minute}:00Z`, ...changes });
  const [quiet, failed, busy] = [{ changed: 0 }, { outcome: 'failed', error: 'away' }, { changed: 3 }];
  const runs = [
    ...[at(9, { ...failed, error: 'refused' }), at(8, failed), at(7, failed)],
    ...[at(6, busy), at(5, busy), at(4, quiet), at(3, { ...quiet, command: 'sync' }), at(2, quiet), at(1, quiet)],
  ];
  const lines = foldPasses(runs, 10).map(({ run, count, firstStartedAt }) => {
    return [run.startedAt.slice(15, 16), count, firstStartedAt.slice(15, 16)];
  });
  expect(lines).toEqual([
    ['9', 1, '9'],
    ['8', 2, '7'],
    ['6', 1, '6'],
    ['5', 1, '5'],
    ['4', 1, '4'],
    ['3', 1, '3'],
    ['2', 2, '1'],
  ]);
  expect(foldPasses(runs, 2)).toHaveLength(2);
  const running = aRun({ outcome: null, endedAt: null, changed: null, deleted: null, failed: null });
  expect(foldPasses([running, running], 10)).toHaveLength(2);
  expect(sayRun(aRun({ listed: 1200, fetched: 3, changed: 3, deleted: 0, failed: 1 }))).toBe(
    '1,200 listed, 3 fetched, 3 stored, 1 failed',
  );
});

test('the headline: what the database says, and what the process knows besides', () => {
  const say = (...given: Parameters<typeof headlineOf>) => {
    const { tone, title, reason } = headlineOf(...given);
    return [tone, title, reason];
  };
  const ready = { readiness: { ready: true }, databaseTrouble: null };
  expect(say(aStanding())).toEqual(['good', 'In sync', null]);
  expect(say(aStanding(), ready)).toEqual(['good', 'In sync', null]);
  expect(headlineOf(aStanding()).notes).toEqual(['Every pass has gone well since 14 Jun 2026, 08:00:00 UTC.']);
  expect(headlineOf(aStanding({ worker: null })).notes).toContain('No worker is running.');

  const progress = { sweep: 'backfill', startedAt: '', days: 100, daysLeft: 38, done: 0.62, secondsLeft: 170 } as const;
  const loading = aStanding({ state: 'loading', progress });
  expect(say(loading)).toEqual(['busy', 'Loading history: 62 %, about 3 min left', null]);
  expect(say({ ...loading, progress: { ...progress, secondsLeft: null } })[1]).toBe('Loading history: 62 %');
  expect(say({ ...loading, worker: null })[1]).toBe('Loading history: 62 %, and no worker is at it');

  const failed = aStanding({ state: 'out_of_sync', reason: 'the API refused the key' });
  expect(say(failed)).toEqual(['bad', 'Out of sync', 'the API refused the key']);
  expect(say(aStanding(), { ...ready, readiness: { ready: false, reason: 'no answer' } })).toEqual([
    'bad',
    'Out of sync',
    'no answer',
  ]);
  expect(say(aStanding(), { ...ready, readiness: { ready: false, reason: 'starting' } })[1]).toBe('In sync');
  expect(say(aStanding(), { ...ready, databaseTrouble: 'it is away' })).toEqual([
    'bad',
    'The database cannot be used',
    'it is away',
  ]);
  expect(say(null)).toEqual(['busy', 'Starting', null]);
  const standby = { ...ready, readiness: { ready: true, reason: 'standing by for run on other' } };
  expect(headlineOf(aStanding(), standby).notes).toContain(
    'This replica is standing by for run on other, and would take over.',
  );
});
