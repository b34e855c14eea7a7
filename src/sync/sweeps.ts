// The five sweeps: which windows each is made of, and what its end decides. Everything else about them is the same.
// Decided from what the store knows of windows and from the API's time, which every sweep is planned by.

import { day } from '../lib/duration.ts';
import type { Context } from './context.ts';
import type { Missing, Sweep, TimeRange, Window } from './model.ts';
import { cut, maxWindowSeconds, newStretch, overlapSeconds, startAt, uncovered, upToNow } from './windows.ts';

/** What must not wait for history. */
export function isRecent({ sweep }: Window): boolean {
  return sweep === 'new' || sweep === 'open' || sweep === 'lookback';
}

const order: Sweep[] = ['new', 'open', 'lookback', 'reconcile'];

/** Windows in the order in which their sweeps are listed, newest first within each. */
export function inOrder(windows: Window[]): Window[] {
  return windows.toSorted((a, b) => order.indexOf(a.sweep) - order.indexOf(b.sweep));
}

/** Whether a sweep of this kind was left unfinished and gets on: it is finished before another is planned. */
export function getsOn(pending: Window[], sweep: Sweep): boolean {
  return pending.some((window) => window.sweep === sweep && window.failures === 0);
}

/**
 * Makes windows of the sweeps that were asked for, and of history that no window covers yet. Where nothing that is left
 * of a sweep could be listed, the new one replaces it. Where it gets on, it is finished first: recent ones stay asked for.
 */
export async function plan(context: Context): Promise<Window[]> {
  const { store, settings, requested } = context;
  let { pending, covered, reached } = await store.windows(context.api.now() + overlapSeconds);
  const planned: Window[] = [];
  for (const sweep of order.filter((each) => requested.has(each))) {
    const unfinished = getsOn(pending, sweep);
    if (!unfinished || sweep === 'reconcile') requested.delete(sweep);
    if (unfinished) continue;
    if (sweep === 'reconcile') await moveStart(context);
    const replaced = pending.filter((window) => window.sweep === sweep);
    const made = await store.plan(sweep, await stretchesOf(context, sweep, reached, edgeToKeep(replaced, reached)));
    if (made.length === 0) continue;
    planned.push(...made);
    pending = [...pending.filter((window) => window.sweep !== sweep), ...made];
    // What was listed of them stays covered. What was not, and is not planned again, is history.
    if (sweep !== 'open') covered = [...covered, ...replaced.map(({ cursor, to }) => ({ from: cursor, to }))];
  }
  const listedOrPlanned = [...covered, ...pending.filter(({ sweep }) => sweep !== 'open')];
  const gaps = upToNow(context.api.now(), settings.start).flatMap((whole) => uncovered(whole, listedOrPlanned));
  if (gaps.length > 0) planned.push(...(await store.plan('backfill', cutToSize(context, gaps))));
  return planned;
}

/** A start that lies a duration back moves by whole days. What lies below stays stored, and is not expected to be listed. */
async function moveStart({ api, store, settings }: Context): Promise<void> {
  const start = startAt(settings.history, api.now());
  if (start === settings.start) return;
  await store.startHistoryAt(start);
  settings.start = start;
}

/**
 * The lower edge of a sweep that is replaced before anything of it was listed: the next one keeps it. Else, as long as
 * nothing can be listed, what falls out of each sweep at its lower edge would be planned as history, piece by piece.
 */
function edgeToKeep(replaced: Window[], reached: number | null): number | null {
  const untouched = replaced.every(({ cursor, to }) => cursor === to && to > (reached ?? 0));
  return replaced.length > 0 && untouched ? Math.min(...replaced.map(({ from }) => from)) : null;
}

/** The stretches that a sweep is made of now, newest first; `edge`: down to where `new` and `lookback` go at least. */
export async function stretchesOf(
  context: Context,
  sweep: Sweep,
  reached: number | null,
  edge: number | null = null,
): Promise<TimeRange[]> {
  const { start, lookbackSeconds, status } = context.settings;
  const now = context.api.now();
  const downToEdge = (stretches: TimeRange[]) =>
    stretches.map(({ from, to }) => ({ from: Math.max(start, Math.min(from, edge ?? from)), to }));
  switch (sweep) {
    case 'new':
      return cutToSize(context, downToEdge(newStretch(now, reached, start)));
    case 'lookback':
      return cutToSize(context, downToEdge(upToNow(now, start, lookbackSeconds)));
    case 'reconcile':
      return cutToSize(context, upToNow(now, start));
    case 'open': {
      if (status === 'CLOSED') return [];
      const within = upToNow(now, start, context.openFromStart ? undefined : lookbackSeconds);
      context.openFromStart = false;
      return (await Promise.all(within.map((each) => context.store.openStretches(each)))).flat();
    }
    default:
      return [];
  }
}

/** Ends what is complete, and lets missing conversations be fetched, unless they are too many to be believed. */
export async function endSweeps(context: Context): Promise<void> {
  const brake = context.settings.allowMassDelete
    ? () => false
    : (found: Missing) => isTooMany(found.expected, found.missing) && !isRetention(found);
  for (const { sweep, expected, missing, braked } of await context.store.endSweeps(context.api.now(), brake)) {
    if (!braked) continue;
    const said = `${sweep}: ${missing} of ${expected} stored conversations were not listed; none was looked at, none marked deleted`;
    context.counts.incomplete.push(said);
    context.watcher.warn('deletion brake', { sweep, expected, missing });
  }
}

/** The deletion brake: over 5 % and over 20 of what a sweep should have listed. */
export function isTooMany(expected: number, missing: number): boolean {
  return missing > 20 && missing > expected * 0.05;
}

/**
 * A source that keeps only so many days loses its oldest ones: everything missing is older than everything listed, and reaches
 * over no more days than have passed since this was last looked at, plus one. Only a complete reconcile can tell.
 */
export function isRetention(found: Missing): boolean {
  const { sweep, complete, oldestListed, oldestMissing, newestMissing, secondsSinceReconcile } = found;
  if (sweep !== 'reconcile' || !complete) return false;
  if (oldestListed === null || oldestMissing === null || newestMissing === null) return false;
  return newestMissing < oldestListed && newestMissing - oldestMissing <= secondsSinceReconcile + day;
}

/** Windows that the server takes in one piece; where every listing is of everything, one window is enough. */
function cutToSize(context: Context, stretches: TimeRange[]): TimeRange[] {
  return cut(stretches, context.api.bounded ? maxWindowSeconds : Number.POSITIVE_INFINITY);
}
