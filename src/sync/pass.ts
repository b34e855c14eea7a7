// The program. One pass: find out what the API honours, do what is recent, then history, batch by batch, with recent
// work first before every batch that something recent is due at. Whatever ends a pass, the next one goes on from the
// cursors: every load is one transaction, and its rows and its window's cursor are in it together.

import type { Context } from './context.ts';
import { flow } from './flow.ts';
import type { Window } from './ports.ts';
import { dueSteps, windowSteps } from './steps.ts';
import { endSweeps, isRecent, plan } from './sweeps.ts';

/**
 * Does everything that is asked for, left over or due, then returns.
 * @throws the pass's trouble (key, network, database), LeaseLost, or the signal's reason.
 */
export async function pass(context: Context, signal: AbortSignal): Promise<void> {
  await context.api.proveBounds(context.settings.start, signal);
  await recent(context, signal);

  const tried = new Set<number>();
  for (;;) {
    const history = (await left(context)).filter((window) => !isRecent(window) && !tried.has(window.id));
    if (history.length === 0) return;
    for (const window of history) tried.add(window.id);
    const interrupted = () => context.requested.size > 0 || context.dueWaits;
    await flow(
      context,
      (ended) => windowSteps(context, history, interrupted, ended),
      signal,
      () => recent(context, signal),
    );
    await settle(context, signal);
  }
}

/** What must not wait: what an earlier pass left, what the clock asks for, what is due. */
async function recent(context: Context, signal: AbortSignal): Promise<void> {
  const leftOver = (await left(context)).filter(isRecent);
  await list(context, leftOver, signal);
  const planned = await plan(context);
  await list(context, planned.filter(isRecent), signal);
  await settle(context, signal);
}

/** Ends the sweeps that are complete and fetches what is due, which may be what they found missing. */
async function settle(context: Context, signal: AbortSignal): Promise<void> {
  await endSweeps(context);
  await flow(context, (ended) => dueSteps(context, ended), signal);
  context.dueWaits = false;
}

async function list(context: Context, windows: Window[], signal: AbortSignal): Promise<void> {
  if (windows.length === 0) return;
  await flow(context, (ended) => windowSteps(context, windows, () => false, ended), signal);
}

async function left(context: Context): Promise<Window[]> {
  return (await context.store.windows()).pending;
}
