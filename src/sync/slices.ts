// A window in, its slices out: each listed whole, held against what is stored, and ended by a mark that says
// how far the window is done once its details are stored. A stretch that cannot be listed is asked for in shorter slices.
// While one slice is worked on, the next is listed and held against what is stored.

import { mapAhead } from '../lib/ahead.ts';
import { formatSeconds } from '../lib/timestamp.ts';
import { type Context, createBelieved } from './context.ts';
import { type Diff, diff } from './diff.ts';
import { dueForMending } from './due.ts';
import { isComparable } from './fingerprint.ts';
import { listWhole, type Shorter, type Walk } from './list-whole.ts';
import {
  type Checkpoint,
  type Due,
  type Item,
  type Known,
  ListingFailed,
  type TimeRange,
  type Window,
} from './model.ts';
import { normalizerVersion } from './normalize.ts';
import { isTooMany } from './sweeps.ts';
import { couldList, couldNotList, longestSpan, maxWindowSeconds, nextSpan, sliceOf } from './windows.ts';

/** What one slice asks for. */
export interface Slice extends Diff {
  /** Everything that was listed. */
  items: Iterable<Item>;
  mark: Checkpoint;
}

const maxRestarts = 3;
const lookupSize = 5000;
const slicesAtOnce = 2;
const mostSettled = 50_000;

/** The slices of some windows, one window after the other; one that cannot be listed is noted and left pending. */
export function slices(context: Context, windows: Window[], signal: AbortSignal): AsyncGenerator<Slice> {
  return mapAhead(listings(context, windows, signal), slicesAtOnce, (listing) => holdAgainstStored(context, listing));
}

async function* listings(context: Context, windows: Window[], signal: AbortSignal): AsyncGenerator<Listing> {
  for (const window of windows) {
    let { cursor, failures } = window;
    while (cursor > window.from) {
      const listing = await listSlice(context, { ...window, cursor, failures }, signal);
      if (listing === null) break;
      yield listing;
      cursor = listing.stretch.from;
      failures = 0;
    }
  }
}

async function listSlice(context: Context, window: Window, signal: AbortSignal): Promise<Listing | null> {
  const kind = window.sweep === 'open' ? 'open' : 'all';
  for (let restarts = 0; ; ) {
    signal.throwIfAborted();
    const span = context.api.selective ? context.spans[kind] : Number.POSITIVE_INFINITY;
    const stretch = sliceOf(window, span);
    const length = stretch.to - stretch.from;
    try {
      const listing = await listStretch(context, window, stretch, signal);
      if ('shorter' in listing) {
        context.spans[kind] = listing.shorter;
        continue;
      }
      const next = Math.min(...listing.walks.map((walk) => nextSpan(length, walk, context.believed.cap)));
      // A slice cut short by its window says nothing of longer ones, but a full one says they are too long.
      context.tooLong[kind] = couldList(context.tooLong[kind], length);
      const longest = longestSpan(context.tooLong[kind]);
      if (length === span || next < length) context.spans[kind] = Math.min(next, longest);
      return listing;
    } catch (error) {
      if (!(error instanceof ListingFailed)) throw error;
      context.spans[kind] = Math.max(1, Math.floor(Math.min(length, maxWindowSeconds) / 4));
      context.tooLong[kind] = couldNotList(context.tooLong[kind], length);
      restarts += 1;
      if (restarts <= maxRestarts) continue;
      // A window that is only looked at has no row.
      if (window.id !== 0) await context.store.fail(window, error.message);
      context.counts.incomplete.push(`${window.sweep}: ${error.message}`);
      return null;
    }
  }
}

interface Listing {
  window: Window;
  stretch: TimeRange;
  /** The API's time when it began. */
  listedAt: number;
  /** Of each status that was asked for. */
  walks: Walk[];
}

async function listStretch(
  context: Context,
  window: Window,
  stretch: TimeRange,
  signal: AbortSignal,
): Promise<Listing | Shorter> {
  const listing: Listing = { window, stretch, listedAt: context.api.now(), walks: [] };
  for (const status of statuses(context, window)) {
    const walk = await listWhole(context, stretch, status, signal);
    if ('shorter' in walk) return walk;
    listing.walks.push(walk);
  }
  return listing;
}

/** Null asks for every status; the sweep of open ones asks for the two that are open. */
function statuses(context: Context, window: Window): (string | null)[] {
  if (window.sweep !== 'open') return [null];
  return ['ACTIVE', 'INACTIVE'].filter((status) => (context.settings.status ?? status) === status);
}

async function holdAgainstStored(context: Context, { window, stretch, listedAt, walks }: Listing): Promise<Slice> {
  const { api, store, settings, settled, counts, believed } = context;
  const open = window.sweep === 'open';
  const items = new Map(walks.flatMap((walk) => [...walk.items]));
  const bad = walks.flatMap((walk) => [...walk.bad.values()]);
  const unsettled = [...items.values()].filter(({ id, fingerprint }) => !open || settled.get(id) !== fingerprint);
  const known = new Map<string, Known>();
  for (let at = 0; at < unsettled.length; at += lookupSize) {
    const ids = unsettled.slice(at, at + lookupSize).map(({ id }) => id);
    for (const [id, each] of await store.known(ids)) known.set(id, each);
  }
  const found = diff(unsettled, known, settings.generation, api.now());
  const listed = new Map<string, boolean>();
  for (const id of items.keys()) listed.set(id, true);
  for (const { id } of unsettled) listed.set(id, known.get(id)?.stored?.generation === settings.generation);
  const { expected, missing } = await store.unlisted(stretch, open, listed);
  // Perhaps the list has begun to end early: totals are proved anew from now on, and what it keeps back meanwhile is listed
  // by the next lookback or reconcile. Nothing is deleted that still has a detail.
  if (!open && isTooMany(expected, missing.length)) believed.total = createBelieved().total;
  if (open) for (const item of unsettled) settle(context, item, known.get(item.id));
  const lost = window.sweep === 'reconcile' && window.id !== 0 ? await findLost(context, found, unsettled, known) : [];
  counts.listed += items.size;
  counts.differing += found.changed.length;
  const mark: Checkpoint = {
    window,
    cursor: stretch.from,
    listedAt,
    listed: items.size,
    oldest:
      items.size === 0
        ? null
        : items.values().reduce((oldest, { createdFrom }) => Math.min(oldest, createdFrom), stretch.to),
    expected,
    missing,
    touched: found.touched,
    relisted: found.relisted,
    due: [...found.due, ...bad, ...lost],
  };
  return { ...found, items: items.values(), mark };
}

/** What is remembered of a conversation says how many rows it has: those lost by accident are found, said by day, and fetched again. */
async function findLost(context: Context, found: Diff, items: Item[], known: Map<string, Known>): Promise<Due[]> {
  const fetched = new Set(found.changed.map(({ id }) => id));
  const whole = new Map<string, number | null>();
  for (const { id } of items) {
    const stored = known.get(id)?.stored ?? null;
    if (stored !== null && stored.detail !== null && !fetched.has(id)) whole.set(id, stored.children);
  }
  const lost = new Set(await context.store.findLost(whole));
  const mended = items.filter(({ id }) => lost.has(id));
  context.counts.lost += mended.length;
  for (const [day, all] of Map.groupBy(mended, ({ createdFrom }) => formatSeconds(createdFrom).slice(0, 10))) {
    context.watcher.warn('stored rows are lost; they are fetched again', { day, conversations: all.length });
  }
  return mended.map((item) => dueForMending(item, context.api.now()));
}

/** Remembers an open conversation that needs no looking up as long as it is listed as it is now. */
function settle({ settled, settings }: Context, { id, fingerprint }: Item, known: Known | undefined): void {
  const { stored = null, due = [] } = known ?? {};
  if (stored === null || due.length > 0 || !isComparable(stored) || settled.size >= mostSettled) return;
  const { item, generation, normalizer } = stored;
  if (item === fingerprint && generation === settings.generation && normalizer >= normalizerVersion)
    settled.set(id, fingerprint);
}
