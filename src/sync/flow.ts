// Steps in, stored rows out. Details are fetched ahead and concurrently, in the order of the steps; they are loaded in
// batches of 250 or 8 MB, and a mark moves its window's cursor in the transaction that stores the slice's last rows.
// While one batch is loaded the next is fetched. At a pause nothing is in flight.

import { mapAhead } from '../lib/ahead.ts';
import type { JsonObject } from '../lib/json.ts';
import type { Context } from './context.ts';
import { judge } from './due.ts';
import { createFetcher, type Fetched } from './fetch.ts';
import { fingerprint } from './fingerprint.ts';
import { normalize, normalizerVersion } from './normalize.ts';
import { type Change, type Mark, Unstorable } from './ports.ts';
import type { Step } from './steps.ts';

const batchSize = 250;
const batchBytes = 8_000_000;
/** Two batches: enough to keep requests going while one is loaded. */
const fetchedAhead = 2 * batchSize;

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
  let batch: Fetched[] = [];
  let bytes = 0;

  const flush = async (mark: Mark | null) => {
    if (batch.length === 0 && mark === null) return;
    signal.throwIfAborted();
    await confirmFailures(context, batch, either);
    await load(context, batch, mark);
    fetcher.release(bytes);
    batch = [];
    bytes = 0;
    if (mark !== null) context.counts.secondsListed += mark.window.cursor - mark.cursor;
    context.watcher.stored(context.counts);
  };
  const add = (fetched: Fetched) => {
    batch.push(fetched);
    bytes += fetched.bytes;
  };

  try {
    // Once the flow fails, nothing of what was begun will be stored: it must neither be waited for, nor itself wait for
    // room that nobody gives back.
    const results = mapAhead(
      steps(either),
      fetchedAhead,
      async (step) => (step.kind === 'fetch' ? await fetcher.fetch(step.fetch) : step),
      end,
    );
    for await (const result of results) {
      if (result.kind === 'fetched') {
        const tooLarge = result.outcome.kind === 'tooLarge';
        if (tooLarge || batch.length >= batchSize || bytes + result.bytes > batchBytes) await flush(null);
        add(tooLarge ? await fetcher.fetchAlone(result.fetch) : result);
        if (tooLarge) await flush(null);
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

/** One bad detail is that conversation's trouble; where none can be had, it is the API's, and the pass ends. */
async function confirmFailures(context: Context, batch: Fetched[], signal: AbortSignal): Promise<void> {
  const failed = batch.filter(({ outcome }) => outcome.kind === 'failed');
  const last = failed.at(-1)?.outcome;
  if (last?.kind !== 'failed' || batch.some(({ outcome }) => outcome.kind === 'found' || outcome.kind === 'gone'))
    return;
  const control = await context.store.control(failed.map(({ fetch }) => fetch.id));
  const outcome = control === null ? last : await context.api.detail(control, batchBytes, signal);
  if (outcome.kind === 'failed') throw new Error(`no detail can be had: ${outcome.error}`);
}

/** Loads a batch; where one conversation cannot be stored, halves it until that one stands alone. */
async function load(context: Context, batch: Fetched[], mark: Mark | null): Promise<void> {
  const now = context.api.now();
  try {
    const changes = batch.map((fetched) => change(context, fetched, now));
    const loaded = await context.store.load(changes, mark, now);
    context.counts.changed += loaded.changed;
    context.counts.deleted += loaded.deleted;
    context.dueWaits = loaded.due;
    context.counts.failed += batch.filter(({ outcome }) => outcome.kind === 'failed').length;
  } catch (error) {
    if (!(error instanceof Unstorable) || batch.length === 0) throw error;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      if (only.outcome.kind === 'failed') throw error;
      await load(context, [{ ...only, outcome: { kind: 'failed', error: error.message } }], mark);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await load(context, batch.slice(0, half), null);
    await load(context, batch.slice(half), mark);
  }
}

/** What the list will show of a detail, if nothing changes and the list is as the reference has it. */
function itemFingerprint({ communications: _left, ...item }: JsonObject): string {
  return fingerprint(item);
}

function change(context: Context, { fetch, outcome }: Fetched, now: number): Change {
  const { store, deleted, due } = judge(fetch, outcome, now, context.settings.refreshSeconds);
  const found = outcome.kind === 'found' && store ? outcome.detail : null;
  return {
    id: fetch.id,
    rows: found && normalize(found),
    listed: fetch.item !== null,
    item: fetch.item?.fingerprint ?? (found && itemFingerprint(found.raw)),
    detail: found && `${normalizerVersion}.${fingerprint(found.raw)}`,
    deleted,
    force: fetch.due.some(({ reason }) => reason === 'asked' || reason === 'upgrade'),
    due,
  };
}
