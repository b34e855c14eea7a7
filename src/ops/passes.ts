// The last runs as people want to see them: those in which something happened, one by one, and what lies between them,
// mostly a quiet pass a minute, as one line each.

import type { Run } from '../store/standing.ts';
import { sayCount } from './words.ts';

export type PassLine = { kind: 'one'; run: Run } | { kind: 'quiet'; count: number; run: Run; firstStartedAt: string };

/** Newest first in, newest first out, at most `limit` lines. `run` of a quiet line is the newest of them. */
export function foldQuiet(runs: readonly Run[], limit: number): PassLine[] {
  const lines: PassLine[] = [];
  for (const run of runs) {
    const last = lines.at(-1);
    if (isQuiet(run) && last !== undefined && isQuiet(last.run)) {
      const count = last.kind === 'quiet' ? last.count + 1 : 2;
      lines[lines.length - 1] = { kind: 'quiet', count, run: last.run, firstStartedAt: run.startedAt };
    } else if (lines.length === limit) break;
    else lines.push({ kind: 'one', run });
  }
  return lines;
}

function isQuiet({ outcome, changed, deleted, failed }: Run): boolean {
  return outcome === 'ok' && !changed && !deleted && !failed;
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
