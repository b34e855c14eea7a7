// A sync that ends: one pass, then whatever becomes due within a minute, so that an exit status of 0 means in sync. Also the
// narrower requests: one range, single conversations, or a dry run.

import { wait } from '../lib/wait.ts';
import { type Context, copyForDryRun } from './context.ts';
import type { TimeRange } from './model.ts';
import { maskStored, pass } from './pass.ts';
import { dueSteps, fetchSteps, runPipeline, windowSteps } from './pipeline.ts';
import { walkResults } from './results.ts';
import { fetchResultsDue } from './results-due.ts';
import { slices } from './slices.ts';
import { endSweeps, isUnfinished, previewSweeps, previewWindows, rangesOf, rangesWithin } from './sweeps.ts';

/** Details that lag behind their list items are fetched again 2, 10 and 60 s later. */
const lagsForSeconds = 61;
const maxDue = 1_000_000_000;
/** Results that an open conversation names wait so long, and those of closed ones less: a worker asks for several together. */
const gapsWithinSeconds = 600;

/** Catches up with everything; with `reconcile`, lists all of it again. @throws as pass. */
export async function syncAll(
  context: Context,
  reconcile: boolean,
  signal: AbortSignal,
  waitFor = wait,
): Promise<void> {
  const { sweeps } = context.requests;
  for (const sweep of ['new', 'open', 'lookback'] as const) sweeps.add(sweep);
  if (reconcile) sweeps.add('reconcile');
  // An unfinished reconcile does not list again what it has listed already, so a complete one follows it.
  const { pending } = await context.store.windows();
  const again = reconcile && isUnfinished(pending, 'reconcile');
  await pass(context, signal);
  if (again) {
    sweeps.add('reconcile');
    await pass(context, signal);
  }
  await finishDue(context, signal, waitFor);
}

/** Lists one range and stores what has changed in it, and nothing else. @throws as pass. */
export async function syncRange(
  context: Context,
  range: TimeRange,
  signal: AbortSignal,
  waitFor = wait,
): Promise<void> {
  await maskStored(context, signal);
  await context.api.proveBounds(range.from, signal);
  const windows = await context.store.plan('range', rangesWithin(context, range));
  await runPipeline(context, (running) => windowSteps(context, windows, () => false, running.signal), signal);
  await endSweeps(context);
  await readResultsOf(context, range, signal);
  await finishDue(context, signal, waitFor);
}

const resultsInPage = 1_000;

/** Asks for the results of a range's conversations: one by one, or with the whole list where that takes fewer requests. */
async function readResultsOf(context: Context, range: TimeRange, signal: AbortSignal): Promise<void> {
  if (context.results === null) return;
  const { store } = context.results;
  const { conversations, links } = await store.count(range);
  // During the first load, the conversations that the list names may not be stored yet.
  const { whole, givenUp } = await store.head();
  if (whole && givenUp === null && links / resultsInPage < conversations) {
    await store.beginWalk(true);
    await walkResults(
      context,
      () => false,
      async () => {},
      signal,
    );
  } else await store.ask(range);
}

/** Fetches single conversations, whatever is stored of them, and what is due of their results. @throws as pass. */
export async function syncIds(context: Context, ids: string[], signal: AbortSignal): Promise<void> {
  // Also where it masks less than the settings of the worker do: then the worker notices.
  await maskStored(context, signal);
  await context.api.proveBounds(context.settings.start, signal);
  await runPipeline(context, () => fetchSteps(context, ids), signal);
  await fetchResultsDue(context, signal, { ids });
}

export interface Preview {
  listed: number;
  wouldFetch: number;
  /** Operator results that the whole list would be read for, by how many are named; null: only the newest are. */
  results: number | null;
  /** What could not be listed, and why. */
  incomplete: string[];
}

/** Lists what a sync would list. Fetches and writes nothing, and leaves the context as it was. @throws as pass. */
export async function preview(
  original: Context,
  range: TimeRange | 'reconcile' | null,
  signal: AbortSignal,
): Promise<Preview> {
  const context = copyForDryRun(original);
  const { api, store, counts } = context;
  await api.proveBounds(context.settings.start, signal);
  const windows =
    range === null
      ? await previewSweeps(context)
      : range === 'reconcile'
        ? previewWindows('reconcile', await rangesOf(context, 'reconcile', null))
        : previewWindows('range', rangesWithin(context, range));
  const wanted = new Set<string>();
  for await (const { changed, checkpoint } of slices(context, windows, signal)) {
    for (const { id } of changed) wanted.add(id);
    for (const id of checkpoint.missing) wanted.add(id);
  }
  for (const id of await store.findDue(api.now(), maxDue)) wanted.add(id);
  const results = await previewResults(context, range);
  return { listed: counts.listed, wouldFetch: wanted.size, results, incomplete: counts.incomplete };
}

async function previewResults({ results }: Context, range: TimeRange | 'reconcile' | null): Promise<number | null> {
  if (results === null || (range !== null && range !== 'reconcile')) return null;
  const { whole } = await results.store.head();
  if (whole && range === null) return null;
  return (await results.store.count({ from: 0, to: 0 })).links;
}

/** Fetches what is due, results at once, and waits for details that still lag behind their list items. */
async function finishDue(context: Context, signal: AbortSignal, waitFor: typeof wait): Promise<void> {
  for (;;) {
    await runPipeline(context, (running) => dueSteps(context, running.signal), signal);
    await fetchResultsDue(context, signal, { earlySeconds: gapsWithinSeconds });
    const next = await context.store.nextLagging(context.api.now() + lagsForSeconds);
    if (next === null) return;
    await waitFor(Math.max(0, next - context.api.now()) * 1000 + 1000, signal);
  }
}
