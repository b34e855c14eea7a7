// A sync that ends: one pass, then whatever comes due within a minute, so that an exit status of 0 means in sync. And the
// narrower asks: a stretch, single conversations, or only saying what would be fetched.

import { wait } from '../lib/wait.ts';
import { type Context, createCounts } from './context.ts';
import { flow } from './flow.ts';
import type { TimeRange, Window } from './model.ts';
import { pass } from './pass.ts';
import { slices } from './slices.ts';
import { dueSteps, fetchSteps, windowSteps } from './steps.ts';
import { endSweeps, getsOn, isRecent, stretchesOf } from './sweeps.ts';
import { cut, maxWindowSeconds, overlapSeconds, uncovered, unplanned, upToNow } from './windows.ts';

/** Details that lag behind their list items are asked for again 2, 10 and 60 s later. */
const settlesWithinSeconds = 61;
const mostDue = 1_000_000_000;

/** Catches up with everything; with `reconcile`, lists all of it again. @throws as pass. */
export async function syncAll(
  context: Context,
  reconcile: boolean,
  signal: AbortSignal,
  waitFor = wait,
): Promise<void> {
  for (const sweep of ['new', 'open', 'lookback'] as const) context.requested.add(sweep);
  if (reconcile) context.requested.add('reconcile');
  // One that was cut short is gone on with, and says nothing of what has changed since where it had been: another follows.
  const { pending } = await context.store.windows();
  const again = reconcile && getsOn(pending, 'reconcile');
  await pass(context, signal);
  if (again) {
    context.requested.add('reconcile');
    await pass(context, signal);
  }
  await settleDue(context, signal, waitFor);
}

/** Lists one stretch, stores what changed in it, and nothing else. @throws as pass. */
export async function syncStretch(
  context: Context,
  stretch: TimeRange,
  signal: AbortSignal,
  waitFor = wait,
): Promise<void> {
  await context.api.proveBounds(stretch.from, signal);
  const windows = await context.store.plan('range', stretchUpTo(stretch, context.api.now()));
  await flow(context, (ended) => windowSteps(context, windows, () => false, ended), signal);
  await endSweeps(context);
  await settleDue(context, signal, waitFor);
}

/** Fetches single conversations, whatever is known of them. @throws as pass. */
export async function syncIds(context: Context, ids: string[], signal: AbortSignal): Promise<void> {
  await context.api.proveBounds(context.settings.start, signal);
  await flow(context, () => fetchSteps(context, ids), signal);
}

export interface Preview {
  listed: number;
  wouldFetch: number;
  /** What could not be listed, and why. */
  incomplete: string[];
}

/** Lists what a sync would list, and fetches and writes nothing: not even what the context remembers is another afterwards. @throws as pass. */
export async function preview(
  context: Context,
  stretch: TimeRange | 'reconcile' | null,
  signal: AbortSignal,
): Promise<Preview> {
  const own = {
    ...context,
    counts: createCounts(),
    settled: new Map<string, string>(),
    spans: { ...context.spans },
    tooLong: { ...context.tooLong },
    believed: { ...context.believed },
  };
  await own.api.proveBounds(own.settings.start, signal);
  const wanted = new Set<string>();
  const windows = await previewWindows(own, stretch);
  for await (const { changed, mark } of slices(own, windows, signal)) {
    for (const { id } of changed) wanted.add(id);
    for (const id of mark.missing) wanted.add(id);
  }
  for (const id of await own.store.dueAt(own.api.now(), mostDue)) wanted.add(id);
  return { listed: own.counts.listed, wouldFetch: wanted.size, incomplete: own.counts.incomplete };
}

/** The windows of a stretch, which may reach past the API's time. */
function stretchUpTo({ from, to }: TimeRange, now: number): TimeRange[] {
  return cut(upToNow(Math.min(to, now), from), maxWindowSeconds);
}

async function previewWindows(context: Context, stretch: TimeRange | 'reconcile' | null): Promise<Window[]> {
  const { start } = context.settings;
  const now = context.api.now();
  if (stretch !== null && stretch !== 'reconcile') return unplanned('range', stretchUpTo(stretch, now));
  if (stretch === 'reconcile') return unplanned('reconcile', await stretchesOf(context, 'reconcile', null));
  const { pending, covered, reached } = await context.store.windows(now + overlapSeconds);
  const planned = [
    ...unplanned('new', await stretchesOf(context, 'new', reached)),
    ...unplanned('open', await stretchesOf(context, 'open', reached)),
    ...unplanned('lookback', await stretchesOf(context, 'lookback', reached)),
  ];
  const unfinished = pending.filter((window) => !isRecent(window) || getsOn(pending, window.sweep));
  const known = [...covered, ...[...unfinished, ...planned].filter(({ sweep }) => sweep !== 'open')];
  const gaps = upToNow(now, start).flatMap((whole) => uncovered(whole, known));
  const left = unfinished.map((window) => ({ ...window, id: 0 }));
  return [...planned, ...left, ...unplanned('backfill', cut(gaps, maxWindowSeconds))];
}

async function settleDue(context: Context, signal: AbortSignal, waitFor: typeof wait): Promise<void> {
  for (;;) {
    await flow(context, (ended) => dueSteps(context, ended), signal);
    const next = await context.store.nextSettling(context.api.now() + settlesWithinSeconds);
    if (next === null) return;
    await waitFor(Math.max(0, next - context.api.now()) * 1000 + 1000, signal);
  }
}
