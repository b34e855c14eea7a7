// What webhooks have announced is fetched at once: a small flow beside the pass, under the same lease. Each detail is fetched for
// itself, and whatever is there is stored together. Which answer is newer is decided by when its request was sent, as for all loads.
// The first announcement of a conversation is served at once, the following together, at most every 5 s. What goes wrong here ends
// the flow, not the pass; the due rows stay.

import { type Context, type Counts, createCounts } from './context.ts';
import { confirmFailures, createFetcher, type Prepared, prepare } from './details.ts';
import type { Fetch } from './model.ts';
import { fetchSteps, loadBatch } from './pipeline.ts';
import { fetchResultsDue } from './results-due.ts';

/** What a webhook announces: a conversation has changed, and has these operator results. */
export interface Announced {
  conversationId: string;
  resultIds: string[];
}

export interface PushedStore {
  /** Announced conversations that are due by now, others than these, and since how long each has waited. */
  findPushed(now: number, except: string[], limit: number): Promise<{ id: string; waitedSeconds: number }[]>;
  /** Makes the results that these conversations name and that are not stored due now. */
  askForResults(ids: string[], now: number): Promise<void>;
  /** Counts what was stored, and notes how long the last of it had waited. */
  noteStored(count: number, waitedMs: number): Promise<void>;
}

export interface PushFlowOptions {
  context: Context;
  store: PushedStore;
  signal: AbortSignal;
  monotonicMs: () => number;
  /** Told what is counted so far, and how long each conversation that was stored had waited. */
  onStored: (counts: Counts, waitedMs: number[]) => void;
}

export interface PushFlow {
  /** Begins to fetch what is due. @returns in how many milliseconds more may be fetched; null: no time is known. */
  look(): Promise<number | null>;
  /** Rejects with the first failure, of whatever was begun. */
  failure: Promise<never>;
  /** All that was begun is stored. */
  idle(): Promise<void>;
}

/** Announcements of one conversation are served together for this long. */
const togetherMs = 5_000;
/** A detail that is too large to be held beside others is left to a pass. */
const leftToPassMs = 60_000;
/** Each takes a request, and then a wait for the load that is under way. */
const mostAtOnce = 250;
/** Where all are taken, one is free soon. */
const whileFullMs = 100;
/** Room for the bodies of this flow: a few megabytes. See roomOf. */
const memoryBytes = 160_000_000;

interface Ready extends Prepared {
  sinceMs: number;
}

/** Makes the flow. It ends with the signal, or with its first failure. */
export function openPushFlow({ store, signal: outer, monotonicMs, onStored, ...given }: PushFlowOptions): PushFlow {
  // The others are read where they are: the start of history moves.
  const settings: Context['settings'] = Object.create(given.context.settings, {
    maxConcurrency: { value: mostAtOnce },
    memoryBytes: { value: Math.min(given.context.settings.memoryBytes, memoryBytes) },
  });
  const watcher = { ...given.context.watcher, stored() {} };
  const context: Context = { ...given.context, settings, watcher, counts: createCounts(), urgent: true };
  const ended = new AbortController();
  const signal = AbortSignal.any([outer, ended.signal]);
  const fetcher = createFetcher(context, signal);
  const { promise: failure, reject } = Promise.withResolvers<never>();
  failure.catch(() => {});
  /** Conversations that are being fetched, and those that were, with the time at which each may be fetched again. */
  const fetching = new Set<string>();
  const restingUntil = new Map<string, number>();
  const begun = new Set<Promise<void>>();
  let ready: Ready[] = [];
  let storing: Promise<void> | null = null;

  const begin = (work: Promise<void>) => {
    const watched = work
      .catch((error: unknown) => {
        ended.abort(error);
        reject(error);
      })
      .finally(() => begun.delete(watched));
    begun.add(watched);
  };

  const fetchAndStore = async (fetch: Fetch, sinceMs: number) => {
    const { id } = fetch;
    try {
      restingUntil.set(id, monotonicMs() + togetherMs);
      const fetched = await fetcher.fetch(fetch);
      if (fetched.outcome.kind === 'tooLarge') {
        restingUntil.delete(id);
        restingUntil.set(id, monotonicMs() + leftToPassMs);
        return;
      }
      ready.push({ ...prepare(context, fetched), sinceMs });
      storing ??= storeReady();
      await storing;
    } finally {
      fetching.delete(id);
    }
  };

  /** Stores what is there, and what has come meanwhile. */
  const storeReady = async () => {
    try {
      while (ready.length > 0) {
        const batch = ready;
        ready = [];
        await confirmFailures(context, batch, signal);
        signal.throwIfAborted();
        await loadBatch(context, batch, null);
        fetcher.release(batch.reduce((sum, { bytes }) => sum + bytes, 0));
        const stored = batch.filter(({ change }) => change.rows !== null);
        const waited = stored.map(({ sinceMs }) => monotonicMs() - sinceMs);
        if (waited.length > 0) begin(store.noteStored(waited.length, Math.max(...waited)));
        onStored(context.counts, waited);
        const withResults = stored.filter(({ fetch }) => fetch.due.some(announcesResults)).map(({ fetch }) => fetch.id);
        if (context.results !== null && withResults.length > 0) begin(fetchResults(withResults));
      }
    } finally {
      storing = null;
    }
  };

  const fetchResults = async (ids: string[]) => {
    await store.askForResults(ids, context.api.now());
    await fetchResultsDue(context, signal, { ids });
  };

  return {
    failure,
    async look() {
      const nowMs = monotonicMs();
      for (const [id, untilMs] of restingUntil) if (untilMs <= nowMs) restingUntil.delete(id);
      const free = mostAtOnce - fetching.size;
      if (free <= 0) return whileFullMs;
      const due = await store.findPushed(context.api.now(), [...fetching, ...restingUntil.keys()], free);
      const since = new Map(due.map(({ id, waitedSeconds }) => [id, nowMs - waitedSeconds * 1000]));
      for (const id of since.keys()) fetching.add(id);
      for await (const step of fetchSteps(context, [...since.keys()]))
        if (step.kind === 'fetch') begin(fetchAndStore(step.fetch, since.get(step.fetch.id) ?? nowMs));
      if (due.length === free) return whileFullMs;
      // They are in the order of their ends, but for details left to a pass.
      const [first] = restingUntil.values();
      return first === undefined ? null : Math.max(0, first - monotonicMs());
    },
    async idle() {
      while (begun.size > 0) await Promise.all(begun);
    },
  };
}

function announcesResults({ reason, wants }: Fetch['due'][number]): boolean {
  return reason === 'pushed' && (wants?.operatorResultIds.length ?? 0) > 0;
}
