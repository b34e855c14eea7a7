// Lists windows in slices, newest first, and compares each slice with what is stored: which details to fetch, which conversations
// are missing, and what else to record. While one slice is compared and its details are fetched, the next is listed. A slice that
// cannot be listed is asked for in shorter ones; if that does not help, its window is recorded as failed and stays pending.

import { mapAhead } from '../lib/ahead.ts';
import { formatSeconds } from '../lib/timestamp.ts';
import type { Context, Settings } from './context.ts';
import { isComparable, isNotedOtherwise, noted } from './fingerprint.ts';
import { dueForMending, dueForUpgrade } from './follow-up.ts';
import { nothingTooLong, provenAtFirst, type TooLong } from './learned.ts';
import { listWhole, type Shorter, type Walk } from './list-whole.ts';
import {
  type Checkpoint,
  type Due,
  type Fetch,
  type Item,
  type Known,
  ListingFailed,
  type TimeRange,
  type Window,
} from './model.ts';
import { normalizerVersion } from './normalize.ts';
import { isTooMany, maxWindowSeconds } from './sweeps.ts';

/** A part of a window, listed completely. */
interface ListedSlice {
  window: Window;
  range: TimeRange;
  /** The API's time when the listing began. */
  listedAt: number;
  /** One for each status that was asked for. */
  walks: Walk[];
}

/** A listed slice, compared with what is stored. */
export interface Slice {
  items: Iterable<Item>;
  /** The details to fetch. */
  changed: Fetch[];
  checkpoint: Checkpoint;
}

const maxRestarts = 3;
/** How many conversations are looked up at once. */
const lookupSize = 5000;
/** Where more conversations have lost rows, the next reconcile finds the rest. */
const maxLost = 50_000;

/** The slices of some windows, one window after the other. @throws as Api.list, but for ListingFailed. */
export function slices(context: Context, windows: Window[], signal: AbortSignal): AsyncGenerator<Slice> {
  const { slices: atOnce } = context.share.lists;
  return mapAhead(listWindows(context, windows, signal), atOnce, (listed) => compareWithStored(context, listed));
}

async function* listWindows(context: Context, windows: Window[], signal: AbortSignal): AsyncGenerator<ListedSlice> {
  for (const window of windows) {
    let { cursor, failures } = window;
    while (cursor > window.from) {
      const listed = await listNextSlice(context, { ...window, cursor, failures }, signal);
      if (listed === null) break;
      yield listed;
      cursor = listed.range.from;
      failures = 0;
    }
  }
}

async function listNextSlice(context: Context, window: Window, signal: AbortSignal): Promise<ListedSlice | null> {
  const { spans, tooLong, trust } = context.learned;
  const kind = window.sweep === 'open' ? 'open' : 'all';
  for (let restarts = 0; ; ) {
    signal.throwIfAborted();
    const span = context.api.selective ? spans[kind] : Number.POSITIVE_INFINITY;
    const range = sliceOf(window, span);
    const length = range.to - range.from;
    try {
      const listed = await listSlice(context, window, range, signal);
      if ('shorter' in listed) {
        spans[kind] = listed.shorter;
        continue;
      }
      const next = Math.min(...listed.walks.map((walk) => nextSpan(length, walk, trust.endsAt)));
      tooLong[kind] = couldList(tooLong[kind], length);
      // A slice that its window cut short does not show that longer ones are fine. A full one shows that it was too long.
      if (length === span || next < length) spans[kind] = Math.min(next, longestSpan(tooLong[kind]));
      return listed;
    } catch (error) {
      if (!(error instanceof ListingFailed)) throw error;
      spans[kind] = Math.max(1, Math.floor(Math.min(length, maxWindowSeconds) / 4));
      tooLong[kind] = couldNotList(tooLong[kind], length);
      restarts += 1;
      if (restarts <= maxRestarts) continue;
      // A window of a dry run has no row.
      if (window.id !== 0) await context.store.fail(window, error.message);
      context.counts.incomplete.push(`${window.sweep}: ${error.message}`);
      return null;
    }
  }
}

async function listSlice(
  context: Context,
  window: Window,
  range: TimeRange,
  signal: AbortSignal,
): Promise<ListedSlice | Shorter> {
  const listed: ListedSlice = { window, range, listedAt: context.api.now(), walks: [] };
  for (const status of statuses(context, window)) {
    const walk = await listWhole(context, range, status, signal);
    if ('shorter' in walk) return walk;
    listed.walks.push(walk);
  }
  return listed;
}

/** The statuses to ask for: null is all of them. The sweep of open conversations asks for the two that are open. */
function statuses({ settings }: Context, window: Window): (string | null)[] {
  if (window.sweep !== 'open') return [null];
  return ['ACTIVE', 'INACTIVE'].filter((status) => (settings.status ?? status) === status);
}

/** The part of a window that is listed next. */
export function sliceOf(window: TimeRange & { cursor: number }, span: number): TimeRange {
  return { from: Math.max(window.from, window.cursor - span), to: window.cursor };
}

/**
 * How long the next slice is, after one of this length: 3 to 5 pages are right. `shown`: how many pages were not empty, since
 * a server may put empty ones between. `endsAt`: the total at which lists end early; the next slice stays below it.
 */
export function nextSpan(
  span: number,
  { pages, shown, total }: { pages: number; shown: number; total: number },
  endsAt: number,
): number {
  if (pages > 5) return Math.max(1, Math.floor(span / 2));
  const grown = shown > 2 ? span : Math.min(span * 2, maxWindowSeconds);
  return Math.max(1, Math.floor(Math.min(grown, (span * endsAt * 0.8) / Math.max(1, total))));
}

/** Learns from a slice that could not be listed. Once may be chance; a length over the server's limit fails again and again. */
export function couldNotList(known: TooLong, seconds: number): TooLong {
  if (seconds < known.seconds) return { seconds, failures: 1, slices: 0 };
  const failures = known.failures + 1;
  return { ...known, failures, slices: Math.min(2 ** (failures + 1), 64) };
}

/** Learns from a slice that was listed. */
export function couldList(known: TooLong, seconds: number): TooLong {
  return seconds >= known.seconds ? nothingTooLong : { ...known, slices: Math.max(0, known.slices - 1) };
}

/** The longest slice to ask for, after those that could not be listed. */
export function longestSpan({ seconds, slices }: TooLong): number {
  return slices === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(seconds / 2));
}

/**
 * Looks up what is stored of a slice, and compares. Whole list items are compared, by fingerprint, since `updatedAt` stays the same if
 * operator results arrive late.
 */
async function compareWithStored(context: Context, listed: ListedSlice): Promise<Slice> {
  const { api, store, settings, counts, learned, share } = context;
  const { window, range, listedAt, walks } = listed;
  const open = window.sweep === 'open';
  const items = new Map(walks.flatMap((walk) => [...walk.items]));
  const bad = walks.flatMap((walk) => [...walk.bad.values()]);
  const isUnchangedOpen = ({ id, fingerprint }: Item) => open && share.remembered.get(id) === fingerprint;
  const unsure = [...items.values()].filter((item) => !isUnchangedOpen(item));
  const known = await lookUp(context, unsure);
  const found = diff(unsure, known, settings, api.now());

  const shownBefore = new Map<string, boolean>();
  for (const id of items.keys()) shownBefore.set(id, true);
  for (const { id } of unsure) shownBefore.set(id, known.get(id)?.stored?.generation === settings.generation);
  const { expected, missing } = await store.findMissing(range, open, shownBefore);
  // The list may have begun to end early, so totals are proved again from now on. The next lookback or reconcile lists what it
  // left out meanwhile. Nothing is deleted that still has a detail.
  if (!open && isTooMany(expected, missing.length)) learned.trust.provenTotal = provenAtFirst;
  if (open) for (const item of unsure) rememberUnchanged(context, item, known.get(item.id));
  const lost = window.sweep === 'reconcile' && window.id !== 0 ? await findLost(context, found, unsure, known) : [];
  counts.listed += items.size;
  counts.differing += found.changed.length;
  const checkpoint: Checkpoint = {
    window,
    cursor: range.from,
    listedAt,
    listed: items.size,
    oldest:
      items.size === 0 ? null : items.values().reduce((least, each) => Math.min(least, each.createdFrom), range.to),
    expected,
    missing,
    touched: found.touched,
    relisted: found.relisted,
    due: [...found.due, ...bad, ...lost],
  };
  return { items: items.values(), changed: found.changed, checkpoint };
}

async function lookUp({ store }: Context, items: Item[]): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  for (let at = 0; at < items.length; at += lookupSize) {
    const ids = items.slice(at, at + lookupSize).map(({ id }) => id);
    for (const [id, each] of await store.known(ids)) known.set(id, each);
  }
  return known;
}

export interface Diff extends Pick<Checkpoint, 'touched' | 'relisted' | 'due'> {
  /** New, changed, or back after deletion: their details are fetched. */
  changed: Fetch[];
}

type DiffSettings = Pick<Settings, 'generation' | 'mask'>;

/** Sorts listed items into those to fetch and those to record. */
export function diff(items: Iterable<Item>, known: Map<string, Known>, settings: DiffSettings, now: number): Diff {
  const { generation, mask } = settings;
  const result: Diff = { changed: [], touched: [], relisted: [], due: [] };
  for (const item of items) {
    const { stored = null, due = [], forgotten = false } = known.get(item.id) ?? {};
    if (forgotten) continue;
    const waits = due.some((each) => waitsFor(each, item, mask.policy));
    if (!waits && (stored === null || hasChanged(stored, item, mask.policy))) {
      result.changed.push({ id: item.id, item, due, stored: stored !== null });
      continue;
    }
    // It is listed, so it is no longer missing, whether or not its detail can be fetched.
    for (const { id, reason, number } of due)
      if (reason === 'missing' || reason === 'open') result.relisted.push({ id, number });
    if (stored === null) continue;
    if (stored.generation !== generation) result.touched.push(item.id);
    if (waits) continue;
    const older = stored.normalizer < normalizerVersion || !isComparable(stored, mask.policy);
    if (older && !due.some(({ reason }) => reason === 'upgrade')) {
      result.due.push(dueForUpgrade(item, now));
    }
  }
  return result;
}

/**
 * A failed detail, or one that is listed but answers 404, is not fetched before it is due unless its list item has changed. If that
 * cannot be told, a failed one waits too, since it waits a day at most.
 */
function waitsFor({ reason, fingerprint }: Due, item: Item, policy: string): boolean {
  if (fingerprint === null || (reason !== 'failed' && reason !== 'absent')) return false;
  return (
    fingerprint === noted(item.fingerprint, policy) || (reason === 'failed' && isNotedOtherwise(fingerprint, policy))
  );
}

/** If fingerprints cannot be compared, `updatedAt` is, until the conversation is fetched again within a day. */
function hasChanged(stored: NonNullable<Known['stored']>, { fingerprint, wants }: Item, policy: string): boolean {
  if (stored.item === null || isComparable(stored, policy)) return stored.item !== fingerprint;
  const microseconds = 'YYYY-MM-DDTHH:MM:SS.uuuuuu'.length;
  return wants.updatedAt?.slice(0, microseconds) !== stored.updatedAt?.slice(0, microseconds);
}

/** Finds listed conversations that have lost rows, warns about them by day, and makes them due. */
async function findLost(context: Context, found: Diff, items: Item[], known: Map<string, Known>): Promise<Due[]> {
  context.learned.lost ??= readLost(context);
  const lost = await context.learned.lost.catch((error: unknown) => {
    context.learned.lost = null;
    throw error;
  });
  const fetched = new Set(found.changed.map(({ id }) => id));
  const mended = items.filter(({ id }) => lost.has(id) && !fetched.has(id) && known.get(id)?.stored?.detail != null);
  context.counts.lost += mended.length;
  for (const [day, all] of Map.groupBy(mended, ({ createdFrom }) => formatSeconds(createdFrom).slice(0, 10))) {
    context.watcher.warn('stored rows are lost; they are fetched again', { day, conversations: all.length });
  }
  return mended.map((item) => dueForMending(item, context.api.now()));
}

async function readLost({ store }: Context): Promise<Set<string>> {
  const all = new Set<string>();
  for (let after: string | null = ''; after !== null && all.size < maxLost; ) {
    const { lost, last }: { lost: string[]; last: string | null } = await store.findLost(after);
    for (const id of lost) all.add(id);
    after = last;
  }
  return all;
}

/** Remembers an open conversation that is listed as it is stored: it is not looked up again while it is listed the same. */
function rememberUnchanged({ share, settings }: Context, { id, fingerprint }: Item, known: Known | undefined): void {
  const { stored = null, due = [] } = known ?? {};
  if (stored === null || due.length > 0 || !isComparable(stored, settings.mask.policy)) return;
  const { item, generation, normalizer } = stored;
  if (item === fingerprint && generation === settings.generation && normalizer >= normalizerVersion)
    share.remembered.set(id, fingerprint);
}
