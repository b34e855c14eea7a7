// The last runs as people want to see them: those in which something happened, one by one, and what lies between them as
// one line each: mostly a quiet pass a minute, in an outage the same failure again and again.

import { sayCount } from './format.ts';
import type { Run } from './standing.ts';

export interface PassLine {
  /** The newest of them. */
  run: Run;
  count: number;
  firstStartedAt: string;
}

/** Newest first in, newest first out, at most `limit` lines. */
export function foldPasses(runs: readonly Run[], limit: number): PassLine[] {
  const lines: PassLine[] = [];
  for (const run of runs) {
    const last = lines.at(-1);
    if (last !== undefined && areAlike(last.run, run)) {
      last.count += 1;
      last.firstStartedAt = run.startedAt;
    } else if (lines.length === limit) break;
    else lines.push({ run, count: 1, firstStartedAt: run.startedAt });
  }
  return lines;
}

/** Nothing was stored by either, and they ended the same way. */
function areAlike(a: Run, b: Run): boolean {
  const idle = [a, b].every(({ outcome, changed, deleted, failed }) => outcome && !changed && !deleted && !failed);
  return idle && a.command === b.command && a.outcome === b.outcome && a.error === b.error;
}

/** What a run did, in words; empty where nothing is known yet. */
export function sayRun({ listed, fetched, changed, deleted, failed }: Run): string {
  const parts: string[] = [];
  const add = (count: number | null, what: string) => {
    if (count) parts.push(`${sayCount(count)} ${what}`);
  };
  add(listed, 'listed');
  add(fetched, 'fetched');
  add(changed, 'stored');
  add(deleted, 'deleted');
  add(failed, 'failed');
  return parts.join(', ');
}
