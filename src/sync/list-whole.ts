// Lists a range completely, and proves that the list is complete. A server may end a list silently after so many items, and
// such a list looks like any other. So a list is only trusted if it has fewer items than the largest one that was proved.
// Proof: two parts of the range, each with fewer items and so not ended early, show nothing that the whole did not show. If
// the list is in order of time, the part that came last is enough, since the list went on beyond the other. A range whose
// list is not complete is asked for in shorter pieces. This costs a few short listings per process: new records of totals
// soon become rare.

import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';
import { parseTimestamp, secondsOf, type Timestamp } from '../lib/timestamp.ts';
import type { ListItem } from '../twilio/decode.ts';
import type { Context } from './context.ts';
import { fingerprint } from './fingerprint.ts';
import { dueForBadItem } from './follow-up.ts';
import { type Due, type Item, ListingFailed, type TimeRange } from './model.ts';
import { maxKeyBytes } from './normalize.ts';

/** What one walk over the list of a range showed, or several walks. */
export interface Walk {
  items: Map<string, Item>;
  /** Items without an id that can be a key, by their hash. */
  bad: Map<string, Due>;
  /** When each row was created, in the order of the list, with repeated rows and those a second outside the range. Only kept if needed. */
  times: Timestamp[];
  /** How many rows there were, including those whose time cannot be read. */
  total: number;
  pages: number;
  /** How many of the pages were not empty. */
  shown: number;
}

/** The range is to be asked for again, in pieces of this many seconds. */
export interface Shorter {
  shorter: number;
}

/** A walk's items are held in memory: beyond this many pages a shorter range is asked for. */
const maxPages = 20;
/** This many items in order prove that the list is in order. */
const enoughInOrder = 20;
/** How many items the short part at the end of the list has. */
const tail = 10;
/** The API's default page. If one second has no more items than this, no warning is needed. */
const few = 50;

/** Lists a range under one status, or null for all. @throws ListingFailed if it cannot be listed completely, or as Api.list. */
export async function listWhole(
  context: Context,
  range: TimeRange,
  status: string | null,
  signal: AbortSignal,
): Promise<Walk | Shorter> {
  const { api } = context;
  const { trust } = context.learned;
  const whole = await walk(context, range, status, signal);
  if ('shorter' in whole || whole.total < trust.provenTotal) return whole;
  if (!api.selective) {
    warnOnce(context, 'the list cannot be proved to be complete without bounds; it is trusted', {});
    return whole;
  }
  // This list has more items than the one that seemed to end early: the end has moved, or the other had only changed meanwhile.
  if (whole.total > trust.endsAt) trust.endsAt = Number.POSITIVE_INFINITY;
  if (whole.total === trust.endsAt) {
    if (isLong(range)) return quarter(range);
    throw new ListingFailed(`the list ends silently after ${trust.endsAt} items, and one second has as many`);
  }
  const { parts, isSecond } = partsOf(range, whole);
  const walks: Walk[] = [];
  for (const part of parts) {
    const found = await walk(context, part, status, signal);
    if ('shorter' in found) return found;
    walks.push(found);
  }
  // Conversations that were created meanwhile are in the second list.
  const again = lacks(whole, walks) ? await walk(context, range, status, signal) : whole;
  if ('shorter' in again) return again;
  if (lacks(again, walks)) {
    if (again.total === whole.total) trust.endsAt = whole.total;
    return quarter(range);
  }
  if (isSecond) {
    const other = await walk(context, range, status, signal, true);
    if ('shorter' in other) return other;
    if (lacks(again, [other]) || lacks(other, [again])) {
      throw new ListingFailed(
        `one second is listed differently with other pages: ${again.total} and ${other.total} items`,
      );
    }
    if (whole.total > few)
      warnOnce(
        context,
        'a second cannot be listed in parts; it was listed twice with the same result, and is trusted',
        {
          items: whole.total,
        },
      );
    return merged([whole, ...walks, again, other]);
  }
  if (walks.some(({ total }) => total >= again.total)) return quarter(range);
  trust.provenTotal = again.total;
  return merged([whole, ...walks, again]);
}

/** Walks over the list of a range to its last page. */
async function walk(
  context: Context,
  range: TimeRange,
  status: string | null,
  signal: AbortSignal,
  otherPages = false,
): Promise<Walk | Shorter> {
  const found: Walk = { items: new Map(), bad: new Map(), times: [], total: 0, pages: 0, shown: 0 };
  for await (const page of context.api.list(range, status, signal, otherPages)) {
    found.pages += 1;
    if (context.api.selective) found.times.push(...page.times);
    found.total += page.times.length + page.bad.length;
    if (page.items.length + page.bad.length > 0) found.shown += 1;
    for (const item of page.items) {
      if (Buffer.byteLength(item.id) <= maxKeyBytes) found.items.set(item.id, reduce(item));
      else page.bad.push({ id: null, raw: item.raw, reason: `id: longer than ${maxKeyBytes} bytes` });
    }
    for (const { id, raw, reason } of page.bad) {
      const print = fingerprint(raw);
      const createdFrom = createdNotBefore(raw, range);
      // With an id, its detail may still be good. Without one that can be a key, a due row records it under its hash.
      if (id !== null && Buffer.byteLength(id) <= maxKeyBytes)
        found.items.set(id, {
          id,
          fingerprint: print,
          createdFrom,
          wants: { updatedAt: null, operatorResultIds: [], arrays: [] },
        });
      else {
        const bad = { id: `item:${print}`, error: reason, fingerprint: print, createdFrom };
        found.bad.set(bad.id, dueForBadItem(bad, context.api.now()));
      }
    }
    if (context.api.selective && found.pages > maxPages && isLong(range)) return quarter(range);
  }
  return found;
}

const arrays = ['intelligenceConfigurationIds', 'channels', 'channelIds', 'participants', 'operatorResultIds'];

const isText = (value: Json) => typeof value === 'string';

/** Reduces a list item to what a sync needs of it. Thousands are held at once: arrays are shared rather than copied. */
export function reduce(item: ListItem): Item {
  const said = item.raw['operatorResultIds'];
  const results = Array.isArray(said) ? said : [];
  return {
    id: item.id,
    fingerprint: fingerprint(item.raw),
    createdFrom: secondsOf(item.createdAt),
    wants: {
      updatedAt: item.updatedAt,
      operatorResultIds: results.every(isText) ? results : results.filter(isText),
      arrays: arraysOf(item.raw),
    },
  };
}

const arraysSeen = new Map<string, readonly string[]>();

/** The names of the arrays that an item has. Few combinations occur, and each is made once. */
function arraysOf(raw: JsonObject): readonly string[] {
  const names = arrays.filter((name) => Array.isArray(raw[name]));
  const key = names.join();
  const seen = arraysSeen.get(key);
  if (seen === undefined) arraysSeen.set(key, names);
  return seen ?? names;
}

/** When a bad item was created, if it says so; otherwise it belongs to the range that was asked for. */
function createdNotBefore(raw: unknown, range: TimeRange): number {
  const said = isJsonObject(raw) && typeof raw['createdAt'] === 'string' ? parseTimestamp(raw['createdAt']) : undefined;
  return said === undefined ? range.from : secondsOf(said);
}

/**
 * The parts that prove a list. If it is in order: a short part at the end that came last. Otherwise: its halves. Each is listed
 * with a second to spare on both sides, and has to leave something out. Conversations that were all created within a few seconds
 * cannot be separated like that: they count as one second, and the parts are what lies beside it.
 */
function partsOf({ from, to }: TimeRange, { times }: Walk): { parts: TimeRange[]; isSecond: boolean } {
  const seconds = times.map(secondsOf).sort((a, b) => a - b);
  const [first = from, last = first] = [seconds[0], seconds.at(-1)];
  if (last - first < 4) {
    const beside = [
      { from, to: Math.min(to, first - 1) },
      { from: Math.max(from, last + 2), to },
    ];
    return { parts: beside.filter((part) => part.from < part.to), isSecond: true };
  }
  const between = (second = first) => Math.min(Math.max(second, first + 2, from + 1), last - 2, to - 1);
  const order = orderOf(times);
  if (order === 'newestFirst') return { parts: [{ from, to: between(seconds[tail]) }], isSecond: false };
  if (order === 'oldestFirst') return { parts: [{ from: between(seconds.at(-tail)), to }], isSecond: false };
  const middle = between(seconds[Math.floor(seconds.length / 2)]);
  const halves = [
    { from, to: middle },
    { from: middle, to },
  ];
  return { parts: halves, isSecond: false };
}

function orderOf(times: Timestamp[]): 'newestFirst' | 'oldestFirst' | 'none' {
  let rises = 0;
  let falls = 0;
  for (const [at, time] of times.entries()) {
    const before = times[at - 1] ?? time;
    if (time > before) rises += 1;
    if (time < before) falls += 1;
  }
  if (Math.max(rises, falls) < enoughInOrder || Math.min(rises, falls) > 0) return 'none';
  return falls > 0 ? 'newestFirst' : 'oldestFirst';
}

/** Whether others showed anything that a walk did not show. */
function lacks({ items, bad }: Walk, others: Walk[]): boolean {
  return others.some(
    (other) => !new Set(other.items.keys()).isSubsetOf(items) || !new Set(other.bad.keys()).isSubsetOf(bad),
  );
}

/** Everything that some walks showed, as the last of them showed it. The counts are the first one's. */
function merged([first, ...others]: [Walk, ...Walk[]]): Walk {
  for (const { items, bad } of others) {
    for (const [id, item] of items) first.items.set(id, item);
    for (const [id, due] of bad) first.bad.set(id, due);
  }
  return first;
}

function isLong({ from, to }: TimeRange): boolean {
  return to - from > 1;
}

function quarter({ from, to }: TimeRange): Shorter {
  return { shorter: Math.max(1, Math.floor((to - from) / 4)) };
}

function warnOnce({ learned, watcher }: Context, message: string, fields: Record<string, unknown>): void {
  const { warned } = learned.trust;
  if (warned.has(message)) return;
  warned.add(message);
  watcher.warn(message, fields);
}
