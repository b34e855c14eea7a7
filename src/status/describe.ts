// The judgement and the last runs, as people read them: the same words on the status page and in the terminal.

import { formatCount, formatDay, formatEstimate, formatInstant, formatShare } from './format.ts';
import type { ProcessState, Status } from './judge.ts';
import { describeLoad, noticesOf } from './results.ts';
import type { Facts, Run } from './snapshot.ts';

export interface Summary {
  tone: 'good' | 'busy' | 'bad';
  title: string;
  /** Further sentences; why it is out of sync is none of them. */
  notes: string[];
}

/** The sentence that matters, and what belongs to it. `facts`: the last that are known. */
export function summarize({ state, code, since }: Status, facts: Facts | null, process: ProcessState | null): Summary {
  const standby = `This replica is on standby: ${process?.heldBy} holds the lease.`;
  const say = (tone: Summary['tone'], title: string, ...notes: string[]): Summary => {
    const all = [...notes, ...masking(facts), ...computing(facts), ...noticesOf(facts?.results ?? null)];
    return { tone, title, notes: process?.phase === 'standby' ? [...all, standby] : all };
  };
  if (code === 'starting') return say('busy', 'Starting');
  if (code === 'database_down') return say('bad', 'The database cannot be used');
  if (facts === null) return say('bad', 'Out of sync');
  const { worker, at } = facts;
  const idle = worker === null ? ['No worker is running.'] : [];
  const passes = (what: string) => (since === null ? [] : [`${what} since ${formatInstant(since, at)}.`]);
  if (state === 'out_of_sync') return say('bad', 'Out of sync', ...passes('No pass has succeeded'));
  if (state === 'empty')
    return say('busy', 'Nothing is stored yet', ...(worker === null ? idle : ['The first listing has begun.']));
  if (code === 'loading_results') return say('busy', loadingResults(facts));
  if (state === 'loading') return say('busy', loading(facts));
  return say('good', 'In sync', ...passes('Every pass has succeeded'), ...idle);
}

function computing(facts: Facts | null): string[] {
  if (!facts?.computing) return [];
  const back = formatDay(facts.computing.reachedAt);
  return [`Counts and response times are being computed, so far back to ${back}. Older conversations have none yet.`];
}

function masking(facts: Facts | null): string[] {
  if (!facts?.masking) return [];
  const { reachedAt } = facts.masking;
  const done = reachedAt === null ? '' : `, so far back to ${formatDay(reachedAt)}`;
  return [`What is stored is being masked as SYNC_OMIT and SYNC_HASH say${done}.`];
}

function loadingResults({ results, worker }: Facts): string {
  const done = `Loading operator results: ${results === null ? '' : describeLoad(results)}`;
  return worker === null ? `${done}, but no worker is running` : done;
}

function loading({ progress, worker }: Facts): string {
  if (progress === null) return 'Loading history';
  const done = `Loading history: ${formatShare(progress.done)}`;
  if (worker === null) return `${done}, but no worker is running`;
  return progress.secondsLeft === null ? done : `${done}, about ${formatEstimate(progress.secondsLeft)} left`;
}

/** Runs that are alike, one after the other. */
export interface RunLine {
  /** The newest of them. */
  run: Run;
  count: number;
  firstStartedAt: string;
}

/**
 * The runs in which something happened, one by one, and those between them together: mostly a quiet pass a minute, in an
 * outage the same failure again and again. Newest first in, newest first out, at most `limit` lines.
 */
export function foldRuns(runs: readonly Run[], limit: number): RunLine[] {
  const lines: RunLine[] = [];
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
export function describeRun({ listed, fetched, changed, deleted, failed }: Run): string {
  const parts: [number | null, string][] = [
    [listed, 'listed'],
    [fetched, 'fetched'],
    [changed, 'stored'],
    [deleted, 'deleted'],
    [failed, 'failed'],
  ];
  return parts.flatMap(([count, what]) => (count ? `${formatCount(count)} ${what}` : [])).join(', ');
}
