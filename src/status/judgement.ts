// In sync or not, decided from what the bookkeeping says. Pure. What is known of a running process besides (`/readyz`) is
// not looked at: whoever asks the database alone gets the same answer.

import type { LoadProgress } from './load-progress.ts';

export interface Judgement {
  /** `empty`: nothing was listed yet; `loading`: in sync with what is new, while history is being loaded. */
  state: 'empty' | 'loading' | 'in_sync' | 'out_of_sync';
  /** In sync: when the first of the passes ended that have all gone well; else when loading, or the trouble, began. Null where it is not known. */
  since: string | null;
  /** Why it is out of sync. */
  reason: string | null;
}

export interface Evidence {
  /** What keeps the program that asks from working on this database. */
  obstacle: string | null;
  listedUpTo: string | null;
  pendingWindows: readonly { sweep: string; failures: number; error: string | null }[];
  braked: readonly { sweep: string; expected: number; missing: number }[];
  progress: LoadProgress | null;
  /** The newest first. */
  runs: readonly { endedAt: string | null; outcome: string | null; error: string | null }[];
  /** The end of the first of the passes that have all gone wrong; null where the last went well. */
  failingSince: string | null;
  /** The end of the first of the passes that have all gone well; null where the last went wrong. */
  wellSince: string | null;
  /** When a window was last completed. */
  completedAt: string | null;
}

/** Judges. */
export function judge(evidence: Evidence): Judgement {
  const reason = troubleOf(evidence);
  if (reason !== null) return { state: 'out_of_sync', since: evidence.failingSince, reason };
  if (evidence.listedUpTo === null) return { state: 'empty', since: null, reason: null };
  if (evidence.progress?.sweep === 'backfill')
    return { state: 'loading', since: evidence.progress.startedAt, reason: null };
  return { state: 'in_sync', since: evidence.wellSince, reason: null };
}

function troubleOf({ obstacle, runs, completedAt, braked, pendingWindows }: Evidence): string | null {
  if (obstacle !== null) return obstacle;
  const [brake] = braked;
  if (brake !== undefined)
    return `the deletion brake holds: ${brake.missing} of ${brake.expected} conversations were not listed (${brake.sweep})`;
  const failing = pendingWindows.find(({ failures }) => failures > 0);
  if (failing !== undefined) return `a stretch cannot be listed: ${failing.error ?? 'no reason known'}`;
  const last = runs.find(({ endedAt }) => endedAt !== null);
  if (last === undefined || last.outcome === 'ok') return null;
  // A pass under way has got further than the one that failed.
  const overcome = completedAt !== null && last.endedAt !== null && completedAt > last.endedAt;
  return overcome ? null : (last.error ?? 'the last pass did not come to its end');
}
