// Carries out a stream of steps: details to fetch, checkpoints, and pauses. Details are fetched ahead and concurrently, and
// handed over in batches, in the order of the steps; while one batch is stored, the next is fetched. A checkpoint is stored in
// one transaction with the last rows before it. At a pause nothing is in flight, so that other work can go first.

import { mapAhead } from '../lib/ahead.ts';
import type { Context } from './context.ts';
import { cannotStore, confirmFailures, createFetcher, type Fetched, type Prepared, prepare } from './details.ts';
import { type Checkpoint, type Fetch, type Loaded, type OutcomeKind, Unstorable, type Window } from './model.ts';
import { roomOf } from './room.ts';
import { slices } from './slices.ts';

export type Step =
  | { kind: 'fetch'; fetch: Fetch }
  | { kind: 'checkpoint'; checkpoint: Checkpoint }
  | { kind: 'pause'; resume: () => void };

const dueSize = 250;

/** The steps of some windows. `isInterrupted` is asked before each detail; if it says yes, a pause comes first. */
export async function* windowSteps(
  context: Context,
  windows: Window[],
  isInterrupted: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Step> {
  for (const { from, cursor } of windows) context.counts.secondsToList += cursor - from;
  for await (const { changed, checkpoint } of slices(context, windows, signal)) {
    for (const fetch of changed) {
      if (isInterrupted()) yield* pause(signal);
      yield { kind: 'fetch', fetch };
    }
    yield { kind: 'checkpoint', checkpoint };
    if (isInterrupted()) yield* pause(signal);
  }
}

/** The steps of everything that is due by now. Each part is stored before the next is looked up. */
export async function* dueSteps(context: Context, signal: AbortSignal): AsyncGenerator<Step> {
  for (;;) {
    const ids = await context.store.findDue(context.api.now(), dueSize);
    if (ids.length === 0) return;
    yield* fetchSteps(context, ids);
    yield* pause(signal);
  }
}

/** A step for each of these conversations, which were not listed just now. */
export async function* fetchSteps(context: Context, ids: string[]): AsyncGenerator<Step> {
  const known = await context.store.known(ids);
  for (const id of ids) {
    const { stored = null, due = [] } = known.get(id) ?? {};
    const served = due.filter(({ setAside }) => !setAside);
    yield { kind: 'fetch', fetch: { id, item: null, due: served, stored: stored !== null } };
  }
}

/** Ends when the consumer has stored everything before it and resumes. */
async function* pause(signal: AbortSignal): AsyncGenerator<Step> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  yield { kind: 'pause', resume: resolve };
  signal.throwIfAborted();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  await promise.finally(() => signal.removeEventListener('abort', onAbort));
}

/** A running pipeline, as its steps see it. */
export interface Running {
  /** Aborts when the pipeline ends, for whatever reason. */
  signal: AbortSignal;
  /** Whether something became due with a load since the last pause. */
  isDue(): boolean;
}

const maxAttempts = 2;

/** Fetches and stores. `onPause` does what goes first. @throws what stops a whole pass, the signal's reason, LeaseLost. */
export async function runPipeline(
  context: Context,
  steps: (running: Running) => AsyncIterable<Step>,
  signal: AbortSignal,
  onPause: () => Promise<void> = async () => {},
): Promise<void> {
  const { store, settings } = context;
  const reportWindow = createWindowReport(context);
  let isDue = false;
  const consumer: Consumer<Prepared> = {
    // The first batches are small, so that the first rows are there at once.
    firstBatchSize: 16,
    prepare: (fetched) => prepare(context, fetched),
    async store(batch, checkpoint) {
      const before = context.counts.changed;
      isDue = await loadBatch(context, batch, checkpoint);
      if (checkpoint !== null) context.counts.secondsListed += checkpoint.window.cursor - checkpoint.cursor;
      context.watcher.stored(context.counts);
      reportWindow(context.counts.changed - before, checkpoint);
    },
    async storeLarge({ fetch, outcome, ...rest }, alone) {
      // If this ends the process, the next one knows of the attempt.
      const attempts = await store.recordAttempt(fetch.id, String(settings.memoryBytes));
      if (attempts > maxAttempts) {
        const size = `more than ${Math.floor(roomOf(settings.memoryBytes).usualBytes / 1_000_000)} MB`;
        const why = `fetching the detail, of ${size}, has ended this process twice; give it more memory`;
        return await alone.store({ fetch, outcome: cannotStore(new Unstorable(why)), ...rest });
      }
      try {
        await alone.store(await alone.fetch());
      } finally {
        // If this fails the attempt stays counted. At worst, a person has to ask for this conversation.
        await store.clearAttempt(fetch.id).catch(() => {});
      }
    },
    async pause() {
      await onPause();
      isDue = false;
    },
  };
  await fetchInBatches(context, (ended) => steps({ signal: ended, isDue: () => isDue }), consumer, signal);
}

/** Reports each window that is done, with what was listed and written of it and how long that took. */
function createWindowReport({ watcher }: Context): (changed: number, checkpoint: Checkpoint | null) => void {
  const begin = () => ({ id: 0, listed: 0, changed: 0, startedAtMs: performance.now() });
  let current = begin();
  return (changed, checkpoint) => {
    current.changed += changed;
    if (checkpoint === null) return;
    const { id, sweep, from, to } = checkpoint.window;
    // The window before could not be listed to its end.
    if (id !== current.id) current = { ...current, id, listed: 0 };
    current.listed += checkpoint.listed;
    if (checkpoint.cursor > from) return;
    const ms = Math.round(performance.now() - current.startedAtMs);
    watcher.completed({ sweep, from, to, listed: current.listed, changed: current.changed, ms });
    current = begin();
  };
}

/** What happens to fetched details: syncing stores them, verifying compares them. */
export interface Consumer<Item extends { fetch: Fetch; outcome: OutcomeKind; bytes: number }> {
  /** Batches begin with this size and double. */
  firstBatchSize: number;
  /** Makes an item of a detail as soon as it is fetched. */
  prepare(fetched: Fetched): Item;
  store(batch: Item[], checkpoint: Checkpoint | null): Promise<void>;
  /** Fetches and stores a detail that is too large to be held beside others. */
  storeLarge(
    fetched: Fetched,
    alone: { fetch(): Promise<Fetched>; store(fetched: Fetched): Promise<void> },
  ): Promise<void>;
  pause?(): Promise<void>;
}

const batchSize = 250;

/** Fetches the details of some steps and hands them over in batches of at most 250, or 8 MB. @throws as runPipeline. */
export async function fetchInBatches<Item extends { fetch: Fetch; outcome: OutcomeKind; bytes: number }>(
  context: Context,
  steps: (signal: AbortSignal) => AsyncIterable<Step>,
  consumer: Consumer<Item>,
  signal: AbortSignal,
): Promise<void> {
  // Once this fails, nothing of what has begun is stored. Nobody may wait for it, and it may not wait for room that nobody
  // gives back.
  const ended = new AbortController();
  const end = () => ended.abort(new Error('the pipeline has ended'));
  const either = AbortSignal.any([signal, ended.signal]);
  const fetcher = createFetcher(context, either);
  const { usualBytes } = roomOf(context.settings.memoryBytes);
  let batch: Item[] = [];
  let bytes = 0;
  let handedOver = 0;
  const add = (item: Item) => {
    batch.push(item);
    bytes += item.bytes;
  };
  const flush = async (checkpoint: Checkpoint | null) => {
    if (batch.length === 0 && checkpoint === null) return;
    signal.throwIfAborted();
    await confirmFailures(context, batch, either);
    await consumer.store(batch, checkpoint);
    fetcher.release(bytes);
    handedOver += batch.length;
    batch = [];
    bytes = 0;
  };
  const fetchAndPrepare = async (fetch: Fetch) => {
    const fetched = await fetcher.fetch(fetch);
    if (fetched.outcome.kind === 'tooLarge') return { kind: 'large' as const, fetched };
    return { kind: 'item' as const, item: consumer.prepare(fetched) };
  };
  try {
    const results = mapAhead(
      steps(either),
      batchSize,
      async (step) => (step.kind === 'fetch' ? await fetchAndPrepare(step.fetch) : step),
      end,
    );
    for await (const result of results) {
      if (result.kind === 'item') {
        const isFull = batch.length >= Math.min(batchSize, consumer.firstBatchSize + handedOver);
        if (isFull || bytes + result.item.bytes > usualBytes) await flush(null);
        add(result.item);
      } else if (result.kind === 'large') {
        const { fetched } = result;
        await flush(null);
        await consumer.storeLarge(fetched, {
          fetch: () => fetcher.fetchAlone(fetched.fetch),
          async store(large) {
            add(consumer.prepare(large));
            await flush(null);
          },
        });
      } else if (result.kind === 'checkpoint') {
        await flush(result.checkpoint);
      } else {
        await flush(null);
        await consumer.pause?.();
        result.resume();
      }
    }
    await flush(null);
  } finally {
    end();
  }
}

/** Loads a batch. If Postgres refuses a part of it, that part is loaded as failed, with the checkpoint. @returns whether something is due. */
export async function loadBatch(context: Context, batch: Prepared[], checkpoint: Checkpoint | null): Promise<boolean> {
  const loaded = await tryLoad(context, batch, checkpoint);
  if (!(loaded instanceof Unstorable)) return loaded.due;
  const failed = await loadWithout(context, batch, loaded);
  const again = await tryLoad(context, failed, checkpoint);
  if (again instanceof Unstorable) throw again;
  return again.due;
}

/** Halves a refused batch until everything is loaded but what Postgres refuses. @returns that, as failed. @throws if nothing in the batch is the reason. */
async function loadWithout(context: Context, batch: Prepared[], refusal: Unstorable): Promise<Prepared[]> {
  const [first] = batch;
  if (first === undefined || (batch.length === 1 && first.outcome.kind === 'failed')) throw refusal;
  if (batch.length === 1) {
    const { fetch, change } = first;
    return [prepare(context, { fetch, outcome: cannotStore(refusal), bytes: 0, request: change.request })];
  }
  const half = Math.ceil(batch.length / 2);
  const [one, other] = [batch.slice(0, half), batch.slice(half)];
  const ofOne = await tryLoad(context, one, null);
  const failed = ofOne instanceof Unstorable ? await loadWithout(context, one, ofOne) : [];
  // If the first half is fine, the refusal was for the other.
  const ofOther = ofOne instanceof Unstorable ? await tryLoad(context, other, null) : refusal;
  return ofOther instanceof Unstorable ? [...failed, ...(await loadWithout(context, other, ofOther))] : failed;
}

/** @returns the refusal if Postgres refuses the batch. */
async function tryLoad(
  { store, api, counts, share }: Context,
  batch: Prepared[],
  checkpoint: Checkpoint | null,
): Promise<Loaded | Unstorable> {
  const changes = batch.map(({ change }) => change);
  try {
    const loaded = await store.load(changes, checkpoint, api.now());
    counts.changed += loaded.changed;
    counts.deleted += loaded.deleted;
    counts.erased += loaded.erased;
    counts.failed += batch.filter(({ outcome }) => outcome.kind === 'failed').length;
    return loaded;
  } catch (error) {
    if (error instanceof Unstorable) return error;
    throw error;
  } finally {
    for (const { id } of changes) share.remembered.delete(id);
    for (const id of checkpoint?.missing ?? []) share.remembered.delete(id);
  }
}
