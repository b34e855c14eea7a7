// Steps in, stored rows out. Details are fetched and prepared ahead and concurrently, in the order of the steps; they are loaded in
// batches of 250 or 8 MB (less where there is little memory), and a mark moves its window's cursor in the transaction that stores the slice's last rows.
// While one batch is loaded the next is fetched. At a pause nothing is in flight.

import { mapAhead } from '../lib/ahead.ts';
import type { Context } from './context.ts';
import { confirmFailures } from './control.ts';
import { createFetcher, roomOf } from './fetch.ts';
import { type Checkpoint, type Fetch, Unstorable } from './model.ts';
import { type Prepared, prepare, unstorable } from './prepare.ts';
import type { Step } from './steps.ts';
import { createTally } from './tally.ts';

const batchSize = 250;
/** A flow begins with small ones, that double: its first rows are there at once. */
const firstBatchSize = 16;
/** A detail that has ended this process so often is not fetched again. */
const mostAttempts = 2;
/** One more batch: enough to keep requests going while one is loaded. */
const fetchedAhead = batchSize;

/** Carries the steps out; `onPause` does what goes first. @throws the pass's trouble, an abort's reason, LeaseLost. */
export async function flow(
  context: Context,
  steps: (signal: AbortSignal) => AsyncIterable<Step>,
  signal: AbortSignal,
  onPause: () => Promise<void> = async () => {},
): Promise<void> {
  // Ends the stream's own waits when this flow ends for whatever reason.
  const ended = new AbortController();
  const end = () => ended.abort(new Error('the flow has ended'));
  const either = AbortSignal.any([signal, ended.signal]);
  const fetcher = createFetcher(context, either);
  const { memoryBytes } = context.settings;
  const { usualBytes } = roomOf(memoryBytes);
  let batch: Prepared[] = [];
  let bytes = 0;
  let loaded = 0;
  const tally = createTally(context);

  const flush = async (mark: Checkpoint | null) => {
    if (batch.length === 0 && mark === null) return;
    signal.throwIfAborted();
    await confirmFailures(context, batch, either);
    const before = context.counts.changed;
    await load(context, batch, mark);
    fetcher.release(bytes);
    loaded += batch.length;
    batch = [];
    bytes = 0;
    if (mark !== null) context.counts.secondsListed += mark.window.cursor - mark.cursor;
    context.watcher.stored(context.counts);
    tally.add(context.counts.changed - before, mark);
  };
  const add = (prepared: Prepared) => {
    batch.push(prepared);
    bytes += prepared.bytes;
  };

  /** Fetches and stores what is too large to be held with others. Should that end this process, the next one knows of the attempt. */
  const storeAlone = async (fetch: Fetch, request: number) => {
    const attempts = await context.store.noteAttempt(fetch.id, String(memoryBytes));
    if (attempts > mostAttempts) {
      const size = `more than ${Math.floor(usualBytes / 1_000_000)} MB`;
      const why = `fetching the detail, of ${size}, has ended this process twice; give it more memory`;
      add(unstorable(context, fetch, request, new Unstorable(why)));
      return await flush(null);
    }
    try {
      add(prepare(context, await fetcher.fetchAlone(fetch)));
      await flush(null);
    } finally {
      // Where it cannot be taken back, it stays counted, and at worst a person has to ask for this one.
      await context.store.clearAttempt(fetch.id).catch(() => {});
    }
  };

  try {
    // Once the flow fails, nothing of what was begun will be stored: it must neither be waited for, nor itself wait for
    // room that nobody gives back.
    const results = mapAhead(
      steps(either),
      fetchedAhead,
      async (step) => (step.kind === 'fetch' ? prepare(context, await fetcher.fetch(step.fetch)) : step),
      end,
    );
    for await (const result of results) {
      if (result.kind === 'prepared') {
        const tooLarge = result.outcome.kind === 'tooLarge';
        const full = batch.length >= Math.min(batchSize, firstBatchSize + loaded);
        if (tooLarge || full || bytes + result.bytes > usualBytes) await flush(null);
        if (tooLarge) await storeAlone(result.fetch, result.change.request);
        else add(result);
      } else if (result.kind === 'mark') {
        await flush(result.mark);
      } else {
        await flush(null);
        await onPause();
        result.resume();
      }
    }
    await flush(null);
  } finally {
    end();
  }
}

/** Loads a batch; of one that Postgres refuses, what it refuses is loaded as failed, with the mark. */
async function load(context: Context, batch: Prepared[], mark: Checkpoint | null): Promise<void> {
  const error = await tryLoad(context, batch, mark);
  if (error === null) return;
  const failed = await loadWithout(context, batch, error);
  const again = await tryLoad(context, failed, mark);
  if (again !== null) throw again;
}

/** Loads all of a refused batch but what is refused, by halves. @returns what was refused, as failed. @throws where nothing of the batch is why. */
async function loadWithout(context: Context, batch: Prepared[], error: Unstorable): Promise<Prepared[]> {
  const [first] = batch;
  if (first === undefined || (batch.length === 1 && first.outcome.kind === 'failed')) throw error;
  if (batch.length === 1) return [unstorable(context, first.fetch, first.change.request, error)];
  const half = Math.ceil(batch.length / 2);
  const [one, other] = [batch.slice(0, half), batch.slice(half)];
  const errorOfOne = await tryLoad(context, one, null);
  const failed = errorOfOne === null ? [] : await loadWithout(context, one, errorOfOne);
  // Where one half is well, it is the other that was refused.
  const errorOfOther = errorOfOne === null ? error : await tryLoad(context, other, null);
  return errorOfOther === null ? failed : [...failed, ...(await loadWithout(context, other, errorOfOther))];
}

/** @returns why it was refused, where it was. */
async function tryLoad(context: Context, batch: Prepared[], mark: Checkpoint | null): Promise<Unstorable | null> {
  const changes = batch.map(({ change }) => change);
  try {
    const loaded = await context.store.load(changes, mark, context.api.now());
    context.counts.changed += loaded.changed;
    context.counts.deleted += loaded.deleted;
    context.dueWaits = loaded.due;
    context.counts.failed += batch.filter(({ outcome }) => outcome.kind === 'failed').length;
    return null;
  } catch (error) {
    if (error instanceof Unstorable) return error;
    throw error;
  } finally {
    for (const id of [...changes.map((change) => change.id), ...(mark?.missing ?? [])]) context.settled.delete(id);
  }
}
