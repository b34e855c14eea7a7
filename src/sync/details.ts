// Fetches details, and makes each one ready to be stored while others are on their way. What is held in memory is limited: no
// request starts while 24 MB of bodies wait to be stored or, judging by recent sizes, are on their way, or while this account has its
// part of the room that accounts share. A body over 8 MB is dropped and fetched again alone. With little memory, all of these are less.
// Also decides whether a failed detail is the conversation's own trouble or the API's.

import type { JsonObject } from '../lib/json.ts';
import type { Context } from './context.ts';
import { fingerprint } from './fingerprint.ts';
import { decideFollowUp } from './follow-up.ts';
import { type Change, type Failed, type Fetch, type Outcome, type OutcomeKind, Unstorable } from './model.ts';
import { normalize, normalizerVersion } from './normalize.ts';
import { roomOf } from './room.ts';

export interface Fetched {
  fetch: Fetch;
  outcome: Outcome;
  /** The size of the body, which counts as held until it is released. */
  bytes: number;
  /** The order in which requests were sent. */
  request: number;
}

const megabyte = 1_000_000;

/** How many requests wait behind those in flight, so that the next one starts before an answer is even parsed. */
const ready = 8;

export interface Fetcher {
  /** Fetches a detail once there is room for it. @throws what stops a whole pass. */
  fetch(fetch: Fetch): Promise<Fetched>;
  /** Fetches a detail that was too large, with all the room that a single one may take. */
  fetchAlone(fetch: Fetch): Promise<Fetched>;
  /** Gives back the room of what has been stored. */
  release(bytes: number): void;
}

export function createFetcher(context: Context, signal: AbortSignal): Fetcher {
  const { share, settings } = context;
  const { memoryBytes } = settings;
  const { heldBytes, usualBytes, maxBytes } = roomOf(memoryBytes);
  let held = 0;
  let inFlight = 0;
  /** The likely size of the next body: the mean of about the last dozen. Before the first, a few at once are enough. */
  let likely = heldBytes / 4;
  let seen = 0;
  let last: Promise<unknown> = Promise.resolve();
  /** What counts of this in the room that accounts share. */
  let counted = { bytes: 0, requests: 0 };
  const taken = () => (signal.aborted ? 0 : held + inFlight * likely);
  const count = () => {
    const now = { bytes: taken(), requests: signal.aborted ? 0 : inFlight };
    share.take(now.bytes - counted.bytes, now.requests - counted.requests);
    counted = now;
  };
  // Gives everything back, and wakes up those that wait for room.
  signal.addEventListener('abort', count, { once: true });

  const attempt = async (fetch: Fetch, limit: number): Promise<Fetched> => {
    inFlight += 1;
    count();
    let request = 0;
    // What counts is when the request that was answered was sent: before that it may wait, and others may be sent.
    const onSend = () => {
      context.detailRequests.sent += 1;
      request = context.detailRequests.sent;
    };
    onSend();
    try {
      const outcome = await context.api.detail(fetch.id, limit, signal, { urgent: context.urgent, onSend });
      const bytes = outcome.kind === 'found' ? outcome.bytes : 0;
      held += bytes;
      if (outcome.kind === 'found' || outcome.kind === 'tooLarge') {
        seen += 1;
        likely += ((bytes || usualBytes) - likely) / Math.min(seen, 16);
      } else if (seen === 0) {
        likely /= 2;
      }
      return { fetch, outcome, bytes, request };
    } finally {
      inFlight -= 1;
      count();
    }
  };
  /** Each request asks just before it starts, one after the other, so that many that began together do not all pass at once. */
  const waitForRoom = async () => {
    const isFull = () =>
      taken() >= heldBytes || inFlight >= settings.maxConcurrency + ready || (inFlight > 0 && share.isFull());
    while (!signal.aborted && isFull()) await share.changed();
    signal.throwIfAborted();
  };
  const release = (bytes: number) => {
    held -= bytes;
    count();
  };
  return {
    async fetch(fetch) {
      const started = last.then(waitForRoom).then(() => {
        context.counts.fetched += 1;
        return { fetched: attempt(fetch, usualBytes) };
      });
      last = started.catch(() => {});
      return await (await started).fetched;
    },
    async fetchAlone(fetch) {
      const end = await share.alone(signal);
      held += heldBytes;
      count();
      try {
        const fetched = await attempt(fetch, maxBytes);
        return fetched.outcome.kind === 'tooLarge' ? { ...fetched, outcome: tooLarge(maxBytes, memoryBytes) } : fetched;
      } finally {
        release(heldBytes);
        end();
      }
    },
    release,
  };
}

function tooLarge(maxBytes: number, memoryBytes: number): Failed {
  const most = `${Math.floor(maxBytes / megabyte)} MB`;
  const allowed = Number.isFinite(memoryBytes)
    ? `the ${most} that this process's memory allows; give it more memory`
    : most;
  return cannotStore(new Unstorable(`the detail is larger than ${allowed}`));
}

/** The outcome of a detail that was found and cannot be stored. */
export function cannotStore(cause: Unstorable): Failed {
  return { kind: 'failed', error: cause.message, cause, perhapsAll: false };
}

/** A fetched detail, ready to be loaded. The body is gone: only its rows, its fingerprints and what is due are kept. */
export interface Prepared {
  fetch: Fetch;
  outcome: OutcomeKind;
  change: Change;
  bytes: number;
}

/** Makes an outcome ready to be loaded. If no rows can be made of a detail, it has failed. */
export function prepare(context: Context, fetched: Fetched): Prepared {
  const { fetch, outcome, bytes } = fetched;
  try {
    const kind: OutcomeKind = outcome.kind === 'found' ? { kind: 'found' } : outcome;
    return { fetch, outcome: kind, change: changeOf(context, fetched), bytes };
  } catch (error) {
    if (!(error instanceof Unstorable)) throw error;
    return prepare(context, { ...fetched, outcome: cannotStore(error) });
  }
}

function changeOf({ api, store, settings }: Context, { fetch, outcome, request }: Fetched): Change {
  const followUp = decideFollowUp(fetch, outcome, api.now(), settings);
  const found = outcome.kind === 'found' && followUp.store ? outcome.detail : null;
  return {
    id: fetch.id,
    request,
    rows: found && store.pack(normalize(found, fetch.stored, settings.mask)),
    stored: fetch.stored,
    listed: fetch.item !== null,
    item: fetch.item?.fingerprint ?? (found && itemFingerprint(found.raw)),
    detail: found && `${normalizerVersion}.${fingerprint(found.raw)}`,
    deleted: followUp.deleted,
    ...(followUp.erase && { erase: followUp.erase }),
    force: fetch.due.some(({ reason }) => reason === 'asked' || reason === 'upgrade' || reason === 'mend'),
    served: fetch.due.map(({ number }) => number),
    due: followUp.due,
  };
}

/** The fingerprint of the list item that belongs to a detail, if nothing changes and the list is as the API's reference says. */
function itemFingerprint({ communications: _left, ...item }: JsonObject): string {
  return fingerprint(item);
}

const maxControls = 3;
/** Enough to see that a detail is served at all. */
const controlBytes = 1_000_000;
/** If this many conversations fail and no healthy one is known, the API is the reason. */
const maxFailedWithoutControl = 20;

/**
 * Finds out who is to blame for the failures in a batch: each conversation by itself, as long as another detail can be fetched. If in
 * doubt, fetches one that was good before.
 * @throws what a good detail fails with as well; an Error if 20 conversations fail and no detail was ever fetched.
 */
export async function confirmFailures(
  context: Context,
  batch: { fetch: { id: string }; outcome: OutcomeKind }[],
  signal: AbortSignal,
): Promise<void> {
  const failed = batch.flatMap(({ fetch, outcome }) => (isRefused(outcome) ? [{ id: fetch.id, ...outcome }] : []));
  const last = failed.at(-1);
  if (last === undefined) return;
  if (failed.length < batch.length && failed.every(({ perhapsAll }) => !perhapsAll)) return;

  const ids = failed.map(({ id }) => id);
  const good = batch.filter(({ outcome }) => outcome.kind !== 'gone' && !isRefused(outcome));
  const controls =
    good.length > 0
      ? good.slice(-maxControls).map(({ fetch }) => fetch.id)
      : await context.store.anyHealthyExcept(ids, context.api.now(), maxControls);
  let trouble: unknown;
  for (const id of controls) {
    const outcome = await context.api.detail(id, controlBytes, signal);
    // A 404 proves nothing: the conversation may be deleted.
    if (outcome.kind === 'found' || outcome.kind === 'tooLarge') return;
    if (outcome.kind === 'failed') trouble ??= outcome.cause;
  }
  if (trouble !== undefined) throw trouble;
  const others = await context.store.countQuarantined(ids);
  if (failed.length + others >= maxFailedWithoutControl) {
    throw new Error('no detail can be fetched', { cause: last.cause });
  }
}

/** Whether a detail could not be fetched. One that was fetched and cannot be stored is not refused. */
function isRefused(outcome: OutcomeKind): outcome is Failed {
  return outcome.kind === 'failed' && !(outcome.cause instanceof Unstorable);
}
