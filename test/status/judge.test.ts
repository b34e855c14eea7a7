// In sync or not, and why: of each code what it takes, what goes before it, and what a process's readiness comes to.

import { describe, expect, test } from 'vitest';
import { RowSecurity } from '../../src/postgres/obstacles.ts';
import { failureOf, judge, type Known, type ProcessState, readinessOf } from '../../src/status/judge.ts';
import { type Progress, progressOf } from '../../src/status/progress.ts';
import type { Evidence, Facts, PendingWindow } from '../../src/status/snapshot.ts';
import { LeaseLost } from '../../src/sync/model.ts';
import { aWalk, inSync, someFacts, someResults } from '../server/example.ts';

const working: ProcessState = { phase: 'working', heldBy: null, failure: null, migrating: null };
const refused = { code: 'failing', reason: 'the API refused the key' } as const;
const backfill: Progress = {
  sweep: 'backfill',
  startedAt: '2026-06-15T09:00:00Z',
  days: 100,
  daysLeft: 38,
  done: 0.62,
  secondsLeft: 180,
};

function known(
  facts: Partial<Facts> | null = {},
  evidence: Partial<Evidence> = {},
  changes: Partial<Known> = {},
): Known {
  return {
    facts: facts === null ? null : someFacts(facts, evidence),
    databaseTrouble: null,
    process: null,
    isTooOld: (seconds) => seconds > 300,
    ...changes,
  };
}
const codeOf = (...given: Parameters<typeof known>) => judge(known(...given)).code;
const ready = (state: Partial<ProcessState>, ...given: Parameters<typeof known>) => {
  const process = { ...working, ...state };
  return readinessOf(judge({ ...known(...given), process }), process);
};

const window: PendingWindow = { sweep: 'new', from: '', to: '', cursor: '', failures: 1, error: 'page 3 is missing' };
const braked = [{ sweep: 'reconcile', expected: 300, missing: 60 }];
const brake = 'the deletion brake holds: 60 of 300 conversations were not listed (reconcile)';
const failed = { trouble: { outcome: 'failed', error: refused.reason } } as const;
const old = { lastTickSecondsAgo: 301, lastTickAt: '2026-06-15T09:54:59Z' };

test('in sync, loading, and nothing yet', () => {
  expect(judge(known())).toEqual(inSync);
  expect(judge(known({ progress: backfill }))).toEqual({
    state: 'loading',
    code: 'loading',
    since: backfill.startedAt,
    reason: null,
  });
  // Listed again, while everything is there.
  expect(codeOf({ progress: { ...backfill, sweep: 'reconcile' } })).toBe('in_sync');
  expect(judge(known({ lastTickAt: null, lastTickSecondsAgo: null }))).toMatchObject({ state: 'empty', code: 'empty' });
  expect(codeOf(null)).toBe('starting');
});

test('operator results: loading, late or refused is not out of sync; what cannot be listed or was braked is', () => {
  const loading = someResults({ loadedAt: null, walk: aWalk });
  expect(judge(known({ results: loading }))).toEqual({
    state: 'loading',
    code: 'loading_results',
    since: aWalk.startedAt,
    reason: null,
  });
  expect(codeOf({ results: loading, progress: backfill })).toBe('loading');
  expect(ready({}, { results: loading })).toEqual({
    ready: true,
    code: 'loading_results',
    reason: 'operator results are loading',
  });
  const late = { awaited: 3, byConversation: 'no order' };
  for (const results of [null, someResults(late), someResults({ loadedAt: null, refused: '403' })])
    expect(judge(known({ results }))).toEqual(inSync);
  const failing = { ...aWalk, failures: 2, error: 'a page is missing' };
  expect(judge(known({ results: someResults({ walk: failing }) }))).toMatchObject({
    code: 'list_failing',
    reason: 'operator results cannot be listed: a page is missing',
  });
  expect(codeOf({ results: someResults({ walk: failing, refused: '403' }) })).toBe('in_sync');
  expect(judge(known({ results: someResults({ braked: { expected: 100, missing: 50 } }) }))).toMatchObject({
    code: 'brake',
    reason: 'the deletion brake holds: 50 of 100 operator results were not listed',
  });
});

describe('out of sync', () => {
  test('a pass that failed, or left something undone, until it is made up for', () => {
    expect(judge(known({}, { ...failed, failingSince: '2026-06-15T09:30:00Z' }))).toEqual({
      state: 'out_of_sync',
      code: 'failing',
      since: '2026-06-15T09:30:00Z',
      reason: refused.reason,
    });
    expect(codeOf({}, { trouble: { outcome: 'incomplete', error: null } })).toBe('incomplete');
    expect(codeOf({ lastTickAt: null, lastTickSecondsAgo: null }, failed)).toBe('failing');
  });

  test('the deletion brake, and ranges that cannot be listed: each reason once, and how many more there are', () => {
    const reasonOf = (facts: Partial<Facts>) => judge(known(facts)).reason;
    expect(judge(known({ braked }))).toMatchObject({ state: 'out_of_sync', code: 'brake', reason: brake });
    expect(judge(known({ pendingWindows: [window, window] }))).toMatchObject({
      code: 'list_failing',
      reason: 'a range cannot be listed: page 3 is missing',
    });
    expect(reasonOf({ pendingWindows: [window], braked })).toBe(`${brake}; and 1 more`);
    expect(codeOf({ pendingWindows: [{ ...window, failures: 0 }] })).toBe('in_sync');
    // They are why the pass is incomplete, but not why one failed.
    expect(codeOf({ braked }, { trouble: { outcome: 'incomplete', error: '' } })).toBe('brake');
    expect(codeOf({ braked }, failed)).toBe('failing');
  });

  test('the last complete tick is too old', () => {
    expect(codeOf({ ...old, lastTickSecondsAgo: 300 })).toBe('in_sync');
    expect(judge(known(old))).toEqual({
      state: 'out_of_sync',
      code: 'behind',
      since: old.lastTickAt,
      reason: 'the last complete tick was 5 min ago',
    });
    expect(codeOf({ ...old, progress: backfill })).toBe('behind');
    expect(codeOf(old, failed)).toBe('failing');
    // That there is no worker goes before whatever an earlier one met.
    for (const evidence of [{}, failed])
      expect(judge(known({ ...old, worker: null }, evidence))).toMatchObject({
        code: 'no_worker',
        since: old.lastTickAt,
        reason: 'no worker has listed for 5 min',
      });
    expect(codeOf({ ...old, worker: null }, {}, { process: working })).toBe('behind');
    expect(codeOf({ worker: null })).toBe('in_sync');
  });

  test('the database goes before all, what a process knows of itself before the last run', () => {
    const process = { ...working, failure: refused };
    const blocker = { code: 'migration_missing', reason: 'a migration is missing' } as const;
    const away = { databaseTrouble: 'the server cannot be reached' };
    expect(judge(known({ braked }, failed, { ...away, process }))).toMatchObject({
      code: 'database_down',
      reason: away.databaseTrouble,
    });
    expect(codeOf(null, {}, away)).toBe('database_down');
    expect(codeOf({ ...old, worker: null, braked }, { ...failed, blocker })).toBe('migration_missing');
    // Why it could not be applied says more.
    expect(judge(known({}, { blocker }, { process })).reason).toBe(refused.reason);
    expect(judge(known({ braked }, {}, { process })).reason).toBe(refused.reason);
    expect(judge(known(null, {}, { process })).reason).toBe(refused.reason);
    const migrating = { ...working, migrating: 'waiting for another process to migrate the database' };
    expect(judge(known({}, {}, { ...away, process: migrating }))).toMatchObject({
      code: 'migrating',
      reason: migrating.migrating,
    });
  });

  test('an error that stopped the work has a code of its own where it says more', () => {
    expect(failureOf(new RowSecurity(['twilio.conversations'])).code).toBe('rows_hidden');
    expect(failureOf(new LeaseLost()).code).toBe('lease_lost');
    expect(failureOf(new Error('the API refused the key'))).toEqual(refused);
  });
});

describe('readiness', () => {
  test('of a process that works is that of the copy', () => {
    expect(ready({}, { quarantine: 3 })).toEqual({ ready: true, code: 'in_sync' });
    expect(ready({}, { progress: backfill })).toEqual({ ready: true, code: 'loading', reason: 'history is loading' });
    expect(ready({ failure: refused })).toEqual({ ready: false, ...refused });
    expect(ready({}, { lastTickAt: null, lastTickSecondsAgo: null })).toMatchObject({ ready: false, code: 'empty' });
  });

  test('of one that has just begun: not yet', () => {
    expect(ready({ phase: 'starting' })).toEqual({ ready: false, code: 'starting', reason: 'starting' });
    expect(ready({ phase: 'starting' }, null)).toMatchObject({ ready: false, code: 'starting' });
    expect(ready({ phase: 'starting', failure: refused }, null)).toEqual({ ready: false, ...refused });
  });

  test('of one on standby: whatever the copy is like, but not without its database', () => {
    const standby = { phase: 'standby', heldBy: 'run on other' } as const;
    for (const facts of [{}, old, { lastTickAt: null, lastTickSecondsAgo: null }, { braked }])
      expect(ready(standby, facts)).toEqual({
        ready: true,
        code: 'standby',
        reason: 'standby: run on other holds the lease',
      });
    expect(ready(standby, {}, {}, { databaseTrouble: 'no answer in 2 s' })).toMatchObject({
      ready: false,
      code: 'database_down',
    });
    expect(ready(standby, {}, { blocker: { code: 'newer_release', reason: 'newer' } })).toMatchObject({ ready: false });
  });
});

test('an estimate is made only where something is known and a worker is running', () => {
  const day = 86_400;
  const row = {
    sweep: 'backfill',
    startedAt: '',
    seconds: 100 * day,
    left: 25 * day,
    worked: 60,
    running: true,
  } as const;
  expect(progressOf(row)).toMatchObject({ days: 100, daysLeft: 25, done: 0.75, secondsLeft: 20 });
  expect(progressOf({ ...row, left: 99 * day }).secondsLeft).toBe(null);
  expect(progressOf({ ...row, worked: 1 }).secondsLeft).toBe(null);
  expect(progressOf({ ...row, running: false }).secondsLeft).toBe(null);
  expect(progressOf({ ...row, seconds: 0, left: 0 })).toMatchObject({ done: 0, secondsLeft: null });
});
