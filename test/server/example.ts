// A status as a database would give it, for tests of what is made of it: in sync, at ten in the morning of a day in June.

import type { Status } from '../../src/status/judge.ts';
import type { ResultFacts, ResultWalk } from '../../src/status/results.ts';
import type { Counts, Day, Evidence, Facts, Hour, Records, Run } from '../../src/status/snapshot.ts';

export function aRun(changes: Partial<Run> = {}): Run {
  return {
    command: 'run',
    startedAt: '2026-06-15T09:59:56Z',
    endedAt: '2026-06-15T09:59:57Z',
    seconds: 0.85,
    outcome: 'ok',
    error: null,
    listed: 12,
    fetched: 0,
    changed: 0,
    deleted: 0,
    failed: 0,
    ...changes,
  };
}

export const inSync: Status = { state: 'in_sync', code: 'in_sync', since: '2026-06-14T08:00:00Z', reason: null };

export function someFacts(changes: Partial<Facts> = {}, evidence: Partial<Evidence> = {}): Facts {
  return {
    at: '2026-06-15T10:00:00Z',
    accountSid: 'AC00000000000000000000000000000000',
    worker: 'run on host, process 1 (abc123)',
    listedUpTo: '2026-06-15T09:59:56Z',
    listedSecondsAgo: 4,
    lastTickAt: '2026-06-15T09:59:57Z',
    lastTickSecondsAgo: 3,
    newestChangeSecondsAgo: 70,
    computing: null,
    masking: null,
    pendingWindows: [],
    pendingDays: 0,
    progress: null,
    braked: [],
    quarantine: 0,
    results: null,
    pushes: null,
    retention: null,
    overdue: 0,
    evidence: { blocker: null, trouble: null, failingSince: null, okSince: inSync.since, ...evidence },
    ...changes,
  };
}

/** Loaded, and nothing is in their way. */
export function someResults(changes: Partial<ResultFacts> = {}): ResultFacts {
  return {
    loadedAt: '2026-06-15T07:00:00Z',
    walk: null,
    awaited: 0,
    newestSecondsAgo: 95,
    refused: null,
    byConversation: null,
    braked: null,
    ...changes,
  };
}

/** Of a walk over the list of operator results. */
export const aWalk: ResultWalk = {
  startedAt: '2026-06-15T09:30:00Z',
  listed: 12_000,
  reachedAt: '2026-05-03T00:00:00Z',
  failures: 0,
  error: null,
};

export function someRecords(changes: Partial<Records> = {}): Records {
  return {
    dataCompleteThrough: '2026-06-15T09:59:56Z',
    historyFrom: '2026-03-17T00:00:00Z',
    reconciledAt: '2026-06-15T03:00:12Z',
    searchIndex: { configuration: 'english', valid: true, bytes: 23_000_000 },
    due: 3,
    maskedOtherwise: 0,
    quarantined: [],
    lastRun: { command: 'run', startedAt: '2026-06-15T09:59:56Z', outcome: 'ok', error: null },
    runs: [aRun({ changed: 3, fetched: 3 }), aRun()],
    ...changes,
  };
}

/** So many days up to the day of the facts, and 48 hours. */
export function someCounts(changes: Partial<Counts> = {}, dayCount = 40): Counts {
  const end = Date.UTC(2026, 5, 15);
  const days = Array.from({ length: dayCount }, (_, index): Day => {
    const day = new Date(end - (dayCount - 1 - index) * 86_400_000).toISOString().slice(0, 10);
    const open = index === dayCount - 1 ? 5 : 0;
    return {
      day,
      listedCompletelyAt: '2026-06-15T03:00:12Z',
      stored: 20 + (index % 7),
      open,
      quarantined: 0,
      awaited: 0,
      resultsAwaited: 0,
      deleted: 0,
    };
  });
  const hours = Array.from({ length: 48 }, (_, index): Hour => {
    const hour = `${new Date(end + 10 * 3_600_000 - (47 - index) * 3_600_000).toISOString().slice(0, 19)}Z`;
    return { hour, added: index % 5, changed: index % 3, deleted: 0 };
  });
  return {
    conversations: 12_345,
    open: 5,
    deleted: 2,
    communications: 234_567,
    operatorResultLinks: 24_001,
    operatorResults: 23_990,
    days,
    hours,
    ...changes,
  };
}
