// In sync or not, from evidence that a database could hold.

import { expect, test } from 'vitest';
import { type Evidence, judge } from '../../src/status/judgement.ts';
import { type LoadProgress, progressOf } from '../../src/status/load-progress.ts';

const loading: LoadProgress = {
  sweep: 'backfill',
  startedAt: '2026-06-15T09:00:00Z',
  days: 100,
  daysLeft: 38,
  done: 0.62,
  secondsLeft: 180,
};

const well: Evidence = {
  obstacle: null,
  listedUpTo: '2026-06-15T10:00:00Z',
  pendingWindows: [],
  braked: [],
  progress: null,
  runs: [{ endedAt: '2026-06-15T10:00:01Z', outcome: 'ok', error: null }],
  failingSince: null,
  wellSince: '2026-06-14T08:00:00Z',
  completedAt: '2026-06-15T10:00:01Z',
};
const failedRun = { endedAt: '2026-06-15T10:00:01Z', outcome: 'failed', error: 'the API refused the key' };

test('in sync, loading, and nothing yet', () => {
  expect(judge(well)).toEqual({ state: 'in_sync', since: '2026-06-14T08:00:00Z', reason: null });
  expect(judge({ ...well, progress: loading })).toEqual({
    state: 'loading',
    since: loading.startedAt,
    reason: null,
  });
  // Listed again, while everything is there.
  expect(judge({ ...well, progress: { ...loading, sweep: 'reconcile' } }).state).toBe('in_sync');
  expect(judge({ ...well, listedUpTo: null, runs: [] }).state).toBe('empty');
});

test('a failed pass counts until a later one has come further', () => {
  const failed = { ...well, runs: [failedRun], failingSince: failedRun.endedAt };
  expect(judge(failed)).toEqual({
    state: 'out_of_sync',
    since: failedRun.endedAt,
    reason: 'the API refused the key',
  });
  const underWay = { endedAt: null, outcome: null, error: null };
  expect(judge({ ...failed, runs: [underWay, failedRun] }).state).toBe('out_of_sync');
  expect(judge({ ...failed, runs: [underWay, failedRun], completedAt: '2026-06-15T10:00:02Z' }).state).toBe('in_sync');
  expect(judge({ ...failed, listedUpTo: null }).state).toBe('out_of_sync');
});

test('the deletion brake and a window that cannot be listed go before it', () => {
  expect(judge({ ...well, braked: [{ sweep: 'reconcile', expected: 300, missing: 60 }] }).reason).toBe(
    'the deletion brake holds: 60 of 300 conversations were not listed (reconcile)',
  );
  const window = { sweep: 'new', failures: 1, error: 'the list is never the same twice' };
  expect(judge({ ...well, pendingWindows: [window] }).reason).toBe(
    'a stretch cannot be listed: the list is never the same twice',
  );
  expect(judge({ ...well, pendingWindows: [{ ...window, failures: 0 }] }).state).toBe('in_sync');
});

test('an estimate is made only where something is known and somebody is at it', () => {
  const day = 86_400;
  const row = {
    sweep: 'backfill',
    startedAt: '',
    seconds: 100 * day,
    left: 25 * day,
    worked: 60,
    atWork: true,
  } as const;
  expect(progressOf(row)).toMatchObject({ days: 100, daysLeft: 25, done: 0.75, secondsLeft: 20 });
  expect(progressOf({ ...row, left: 99 * day }).secondsLeft).toBe(null);
  expect(progressOf({ ...row, worked: 1 }).secondsLeft).toBe(null);
  expect(progressOf({ ...row, atWork: false }).secondsLeft).toBe(null);
  expect(progressOf({ ...row, seconds: 0, left: 0 })).toMatchObject({ done: 0, secondsLeft: null });
});

test('what keeps this program from working goes first', () => {
  const braked = [{ sweep: 'reconcile', expected: 100, missing: 50 }];
  expect(judge({ ...well, braked, obstacle: 'a newer release was here' })).toMatchObject({
    state: 'out_of_sync',
    reason: 'a newer release was here',
  });
});
