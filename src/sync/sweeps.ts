// The five sweeps: which windows each is made of, and what its end decides. Everything else about them is the same.
// Decided from what the store knows of windows and from the API's time, which every sweep is planned by.

import type { Context } from './context.ts';
import type { Stretch, Sweep, Window } from './ports.ts';
import { cut, maxWindowSeconds, newStretch, uncovered, upToNow } from './windows.ts';

/** What must not wait for history. */
export function isRecent({ sweep }: Window): boolean {
  return sweep === 'new' || sweep === 'open' || sweep === 'lookback';
}

const order: Sweep[] = ['new', 'open', 'lookback', 'reconcile'];

/**
 * Makes windows of the sweeps that were asked for, and of history that no window covers yet.
 * A sweep that an earlier pass left unfinished goes on with that instead, unless it could not be listed.
 */
export async function plan(context: Context): Promise<Window[]> {
  const { store, settings, requested } = context;
  const now = context.api.now();
  const { pending, covered, reached } = await store.windows();
  const planned: Window[] = [];
  for (const sweep of order.filter((each) => requested.has(each))) {
    requested.delete(sweep);
    if (pending.some((window) => window.sweep === sweep && window.failures === 0)) continue;
    planned.push(...(await store.plan(sweep, await stretchesOf(context, sweep, reached))));
  }
  const listedOrPlanned = [...covered, ...[...pending, ...planned].filter(({ sweep }) => sweep !== 'open')];
  const gaps = upToNow(now, settings.start).flatMap((whole) => uncovered(whole, listedOrPlanned));
  if (gaps.length > 0) planned.push(...(await store.plan('backfill', cutToSize(context, gaps))));
  return planned;
}

/** The stretches that a sweep is made of now, newest first. */
export async function stretchesOf(context: Context, sweep: Sweep, reached: number | null): Promise<Stretch[]> {
  const { start, lookbackSeconds, status } = context.settings;
  const now = context.api.now();
  switch (sweep) {
    case 'new':
      return cutToSize(context, newStretch(now, reached, start));
    case 'lookback':
      return cutToSize(context, upToNow(now, start, lookbackSeconds));
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

/** Ends what is complete, and lets its missing conversations be fetched, unless they are too many to be believed. */
export async function endSweeps(context: Context): Promise<void> {
  const brake = context.settings.allowMassDelete ? () => false : isTooMany;
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

/** Windows that the server takes in one piece; where every listing is of everything, one window is enough. */
function cutToSize(context: Context, stretches: Stretch[]): Stretch[] {
  return cut(stretches, context.api.bounded ? maxWindowSeconds : Number.POSITIVE_INFINITY);
}
