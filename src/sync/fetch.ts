// A detail asked for in, its outcome out. Bounds what is held: a batch's worth of bodies, not a history's.
// No request starts while 24 MB of bodies wait to be stored or, going by the last ones, are on their way; a body past
// 8 MB is dropped, and fetched again alone. Where this process may use little memory, all of it is less.

import type { Context } from './context.ts';
import { type Fetch, type Outcome, Unstorable } from './model.ts';

export interface Fetched {
  kind: 'fetched';
  fetch: Fetch;
  outcome: Outcome;
  bytes: number;
  /** The order in which the request began. */
  request: number;
}

const megabyte = 1_000_000;

/** How many bytes of bodies are held. */
export interface Room {
  heldBytes: number;
  /** A body may take so much beside others. */
  usualBytes: number;
  /** One that is fetched alone may take so much. */
  mostBytes: number;
}

/**
 * The program itself takes some 110 MB; a body takes up to eight times its size while it is read, taken apart and stored.
 * Measured: within 256 MB bodies of 16 MB are well, within 384 MB those of 30 MB.
 */
export function roomOf(memoryBytes: number): Room {
  const spare = Math.max(16 * megabyte, memoryBytes - 144 * megabyte);
  const heldBytes = Math.min(24 * megabyte, spare / 4);
  const mostBytes = Math.min(64 * megabyte, Math.max(4 * megabyte, spare / 8));
  return { heldBytes, usualBytes: heldBytes / 3, mostBytes };
}

/** So many requests stand ready behind those in flight: an answer is followed by the next request before it is even read. */
const ready = 8;

export interface Fetcher {
  /** Fetches a detail once there is room for it. @throws the pass's trouble. */
  fetch(fetch: Fetch): Promise<Fetched>;
  /** Fetches a detail that was too large, with the room that one alone may take. */
  fetchAlone(fetch: Fetch): Promise<Fetched>;
  /** Gives back the room of what has been stored. */
  release(bytes: number): void;
}

export function createFetcher(context: Context, signal: AbortSignal): Fetcher {
  const { memoryBytes } = context.settings;
  const { heldBytes, usualBytes, mostBytes } = roomOf(memoryBytes);
  let held = 0;
  let inFlight = 0;
  /** What one more is likely to take: the mean of the last dozen or so. Until the first is there, a few at once are enough. */
  let likely = heldBytes / 4;
  let seen = 0;
  let last: Promise<unknown> = Promise.resolve();
  let changed = Promise.withResolvers<void>();
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  // Whoever waits for room when the flow ends has to notice.
  signal.addEventListener('abort', change, { once: true });

  const attempt = async (fetch: Fetch, limit: number): Promise<Fetched> => {
    inFlight += 1;
    context.requestsBegun += 1;
    const request = context.requestsBegun;
    try {
      const outcome = await context.api.detail(fetch.id, limit, signal);
      const bytes = outcome.kind === 'found' ? outcome.bytes : 0;
      held += bytes;
      if (outcome.kind === 'found' || outcome.kind === 'tooLarge') {
        seen += 1;
        likely += ((bytes || usualBytes) - likely) / Math.min(seen, 16);
      } else if (seen === 0) {
        likely /= 2;
      }
      return { kind: 'fetched', fetch, outcome, bytes, request };
    } finally {
      inFlight -= 1;
      change();
    }
  };
  /** Asked just before a request starts, one after the other: what many have begun together must not pass all at once. */
  const enter = async () => {
    const isFull = () => held + inFlight * likely >= heldBytes || inFlight >= context.settings.maxConcurrency + ready;
    while (isFull() && !signal.aborted) await changed.promise;
    signal.throwIfAborted();
  };
  const release = (bytes: number) => {
    held -= bytes;
    change();
  };
  return {
    async fetch(fetch) {
      const started = last.then(enter).then(() => {
        context.counts.fetched += 1;
        return { fetched: attempt(fetch, usualBytes) };
      });
      last = started.catch(() => {});
      return await (await started).fetched;
    },
    async fetchAlone(fetch) {
      held += heldBytes;
      try {
        const fetched = await attempt(fetch, mostBytes);
        return fetched.outcome.kind === 'tooLarge'
          ? { ...fetched, outcome: tooLarge(mostBytes, memoryBytes) }
          : fetched;
      } finally {
        release(heldBytes);
      }
    },
    release,
  };
}

function tooLarge(mostBytes: number, memoryBytes: number): Outcome {
  const most = `${Math.floor(mostBytes / megabyte)} MB`;
  const allowed = Number.isFinite(memoryBytes)
    ? `the ${most} that this process's memory allows; give it more memory`
    : most;
  const cause = new Unstorable(`the detail is larger than ${allowed}`);
  return { kind: 'failed', error: cause.message, cause, perhapsAll: false };
}
