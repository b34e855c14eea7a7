// The program. One pass: find out what the API honours, do what is recent, then history, batch by batch, with recent
// work first before every batch that something recent is due at. Whatever ends a pass, the next one goes on from the
// cursors: every load is one transaction, and its rows and its window's cursor are in it together.

import type { Context } from './context.ts';
import { flow } from './flow.ts';
import type { Window } from './model.ts';
import { dueSteps, windowSteps } from './steps.ts';
import { endSweeps, inOrder, isRecent, plan } from './sweeps.ts';

/**
 * Does everything that is asked for, left over or due, then returns.
 * @throws the pass's trouble (key, network, database), LeaseLost, or the signal's reason.
 */
export async function pass(context: Context, signal: AbortSignal): Promise<void> {
  await context.api.proveBounds(context.settings.start, signal);
  await recent(context, signal);

  const tried = new Set<number>();
  for (;;) {
    const history = (await left(context)).filter((window) => !isRecent(window) && !tried.has(window.sweepId));
    const sweepId = history[0]?.sweepId;
    if (sweepId === undefined) return;
    tried.add(sweepId);
    const windows = history.filter((window) => window.sweepId === sweepId);
    const interrupted = () => context.requested.size > 0 || context.dueWaits;
    await flow(
      context,
      (ended) => windowSteps(context, windows, interrupted, ended),
      signal,
      () => recent(context, signal),
    );
    await settle(context, signal);
  }
}

/** What must not wait: what the clock asks for, what an earlier pass left, what is due. */
async function recent(context: Context, signal: AbortSignal): Promise<void> {
  await plan(context);
  await list(context, (await left(context)).filter(isRecent), signal);
  // A sweep that an earlier pass left unfinished was finished first; what has come since is listed by the one asked for.
  if (context.requested.size > 0) await list(context, (await plan(context)).filter(isRecent), signal);
  await settle(context, signal);
  await context.watcher.recentDone();
}

/** Ends the sweeps that are complete and fetches what is due, which may be what they found missing. */
async function settle(context: Context, signal: AbortSignal): Promise<void> {
  await endSweeps(context);
  await flow(context, (ended) => dueSteps(context, ended), signal);
  context.dueWaits = false;
}

/**
 * One sweep after the other, what is new first: a sweep that cannot be listed costs seconds, and two may cover the same
 * stretch, where the second has to find stored what the first did.
 */
async function list(context: Context, windows: Window[], signal: AbortSignal): Promise<void> {
  for (const sweep of Map.groupBy(inOrder(windows), ({ sweepId }) => sweepId).values()) {
    await flow(context, (ended) => windowSteps(context, sweep, () => false, ended), signal);
  }
}

async function left(context: Context): Promise<Window[]> {
  return (await context.store.windows()).pending;
}
