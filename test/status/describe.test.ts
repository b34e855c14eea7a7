// What people read of a judgement and of the last runs.

import { expect, test } from 'vitest';
import { describeRun, foldRuns, summarize } from '../../src/status/describe.ts';
import { judge, type ProcessState } from '../../src/status/judge.ts';
import type { Evidence, Facts, Run } from '../../src/status/snapshot.ts';
import { aRun, aWalk, inSync, someFacts, someResults } from '../server/example.ts';

test('passes that did nothing and ended the same way are one line, others one each', () => {
  const at = (minute: number, changes: Partial<Run>) => aRun({ startedAt: `2026-06-15T10:0${minute}:00Z`, ...changes });
  const [quiet, failed, busy] = [{ changed: 0 }, { outcome: 'failed', error: 'away' }, { changed: 3 }];
  const runs = [
    ...[at(9, { ...failed, error: 'refused' }), at(8, failed), at(7, failed)],
    ...[at(6, busy), at(5, busy), at(4, quiet), at(3, { ...quiet, command: 'sync' }), at(2, quiet), at(1, quiet)],
  ];
  const lines = foldRuns(runs, 10).map(({ run, count, firstStartedAt }) => {
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
  expect(foldRuns(runs, 2)).toHaveLength(2);
  const running = aRun({ outcome: null, endedAt: null, changed: null, deleted: null, failed: null });
  expect(foldRuns([running, running], 10)).toHaveLength(2);
  expect(describeRun(aRun({ listed: 1200, fetched: 3, changed: 3, deleted: 0, failed: 1 }))).toBe(
    '1,200 listed, 3 fetched, 3 stored, 1 failed',
  );
});

test('the sentence that matters, and what belongs to it', () => {
  const say = (
    facts: Partial<Facts> | null,
    evidence: Partial<Evidence> = {},
    databaseTrouble: string | null = null,
  ) => {
    const found = facts && someFacts(facts, evidence);
    const status = judge({ facts: found, databaseTrouble, process: null, isTooOld: () => false });
    const { tone, title, notes } = summarize(status, found, null);
    return [tone, title, ...notes];
  };
  expect(say({})).toEqual(['good', 'In sync', 'Every pass has succeeded since 14 Jun 2026, 08:00:00 UTC.']);
  expect(say({ worker: null })).toContain('No worker is running.');
  expect(say({ lastTickAt: null, lastTickSecondsAgo: null })).toEqual([
    'busy',
    'Nothing is stored yet',
    'The first listing has begun.',
  ]);

  const progress = { sweep: 'backfill', startedAt: '', days: 100, daysLeft: 38, done: 0.62, secondsLeft: 170 } as const;
  expect(say({ progress })).toEqual(['busy', 'Loading history: 62 %, about 3 min left']);
  expect(say({ progress: { ...progress, secondsLeft: null } })[1]).toBe('Loading history: 62 %');
  expect(say({ progress, worker: null })[1]).toBe('Loading history: 62 %, but no worker is running');

  const results = someResults({ loadedAt: null, walk: aWalk });
  expect(say({ results })[1]).toBe('Loading operator results: 12,000 listed, back to 3 May 2026');
  expect(say({ results: someResults({ refused: 'the key may not' }) }).at(-1)).toBe(
    'The API shows no operator results, so they are asked for again with each reconcile: the key may not.',
  );
  expect(say({ computing: { reachedAt: '2026-03-02T10:00:00Z' } })).toContain(
    'Counts and response times are being computed, so far back to 2 Mar 2026. Older conversations have none yet.',
  );
  expect(say({ masking: { reachedAt: null } })).toContain(
    'What is stored is being masked as SYNC_OMIT and SYNC_HASH say.',
  );
  expect(say({ masking: { reachedAt: '2026-03-02T10:00:00Z' } })).toContain(
    'What is stored is being masked as SYNC_OMIT and SYNC_HASH say, so far back to 2 Mar 2026.',
  );
  expect(say({ results: someResults({ byConversation: 'no order' }) }).at(-1)).toBe(
    'New operator results are found by conversation, which can take longer: no order.',
  );

  const trouble = { outcome: 'failed', error: 'the API refused the key' } as const;
  expect(say({}, { trouble, failingSince: '2026-06-15T09:30:00Z' })).toEqual([
    'bad',
    'Out of sync',
    'No pass has succeeded since 09:30:00 UTC.',
  ]);
  expect(say({}, {}, 'it is away')).toEqual(['bad', 'The database cannot be used']);
  expect(say(null)).toEqual(['busy', 'Starting']);
  const standby: ProcessState = { phase: 'standby', heldBy: 'run on other', failure: null, migrating: null };
  expect(summarize(inSync, someFacts(), standby).notes).toContain(
    'This replica is on standby: run on other holds the lease.',
  );
});
