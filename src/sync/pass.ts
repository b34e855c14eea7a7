// The program. One pass: find out which bounds the API honours, do recent work, then history, batch by batch. Before each batch
// of history, recent work that has come up goes first. Whatever ends a pass, the next one goes on from the cursors: rows and the
// cursor of their window are stored in one transaction.

import type { Context } from './context.ts';
import type { Window } from './model.ts';
import { dueSteps, runPipeline, windowSteps } from './pipeline.ts';
import { planWalk, readNewResults, walkResults } from './results.ts';
import { fetchResultsDue } from './results-due.ts';
import { endSweeps, inOrder, isRecent, planSweeps } from './sweeps.ts';
import { eraseDeleted, eraseOld, planReread } from './upkeep.ts';

/**
 * Does everything that is requested, pending or due, then returns.
 * @throws what stops a whole pass (key, network, database), LeaseLost, or the signal's reason.
 */
export async function pass(context: Context, signal: AbortSignal): Promise<void> {
  await maskStored(context, signal, batchesBefore);
  await context.api.proveBounds(context.settings.start, signal);
  // Before anything is stored: on a new database, that is all.
  context.learned.metricsFilled ||= !(await context.store.fillMetrics());
  await doRecentWork(context, signal);
  await eraseOld(context, () => doRecentWork(context, signal), signal);
  await eraseDeleted(context, () => doRecentWork(context, signal), signal);
  await maskRest(context, signal);
  await fillMetrics(context, signal);

  const tried = new Set<number>();
  for (;;) {
    const history = (await pendingWindows(context)).filter((window) => !isRecent(window) && !tried.has(window.sweepId));
    const sweepId = history[0]?.sweepId;
    if (sweepId === undefined) break;
    tried.add(sweepId);
    const windows = history.filter((window) => window.sweepId === sweepId);
    const hasRecentWork = () => context.requests.sweeps.size > 0;
    await runPipeline(
      context,
      ({ signal, isDue }) => windowSteps(context, windows, () => hasRecentWork() || isDue(), signal),
      signal,
      () => doRecentWork(context, signal),
    );
    await finishSweepsAndDue(context, signal);
  }
  await walkResults(
    context,
    () => context.requests.sweeps.size > 0,
    () => doRecentWork(context, signal),
    signal,
  );
}

/** So many batches are masked before anything else, a few seconds of work: also while the API cannot be reached. */
const batchesBefore = 50;

/** After a change of what is stored of persons: masks what is stored already. It needs no request. */
export async function maskStored(
  { learned, store }: Context,
  signal: AbortSignal,
  most = Number.POSITIVE_INFINITY,
): Promise<void> {
  for (let batches = 0; !learned.masked && batches < most; batches += 1) {
    signal.throwIfAborted();
    learned.masked = !(await store.maskStored());
  }
}

async function maskRest(context: Context, signal: AbortSignal): Promise<void> {
  while (!context.learned.masked) {
    await maskStored(context, signal, 1);
    if (context.requests.sweeps.size > 0) await doRecentWork(context, signal);
  }
}

/** After an upgrade: computes anew what is computed of stored conversations. It needs no request. */
async function fillMetrics(context: Context, signal: AbortSignal): Promise<void> {
  while (!context.learned.metricsFilled) {
    signal.throwIfAborted();
    context.learned.metricsFilled = !(await context.store.fillMetrics());
    if (context.requests.sweeps.size > 0) await doRecentWork(context, signal);
  }
}

/** Does what must not wait: what is requested, what an earlier pass left, what is due. */
async function doRecentWork(context: Context, signal: AbortSignal): Promise<void> {
  if (context.requests.sweeps.has('lookback')) context.requests.names = true;
  await planWalk(context);
  await planSweeps(context);
  await listSweeps(context, (await pendingWindows(context)).filter(isRecent), signal);
  // A sweep that an earlier pass left unfinished came first. What is new since then is in the one that is requested.
  if (context.requests.sweeps.size > 0) {
    await listSweeps(context, (await planSweeps(context)).filter(isRecent), signal);
  }
  await readNewResults(context, signal);
  await planReread(context);
  await finishSweepsAndDue(context, signal);
  await fetchResultsDue(context, signal);
  await context.watcher.recentDone();
}

/** Ends the sweeps that are complete, and fetches what is due, which may be what they found missing. */
async function finishSweepsAndDue(context: Context, signal: AbortSignal): Promise<void> {
  await endSweeps(context);
  await runPipeline(context, (running) => dueSteps(context, running.signal), signal);
}

/**
 * Lists one sweep after the other, `new` first: a sweep that cannot be listed costs seconds. Two sweeps may cover the same range;
 * the second then finds stored what the first has fetched.
 */
async function listSweeps(context: Context, windows: Window[], signal: AbortSignal): Promise<void> {
  for (const sweep of Map.groupBy(inOrder(windows), ({ sweepId }) => sweepId).values()) {
    await runPipeline(context, (running) => windowSteps(context, sweep, () => false, running.signal), signal);
  }
}

async function pendingWindows(context: Context): Promise<Window[]> {
  return (await context.store.windows()).pending;
}
