// A stretch in, everything that the list has of it out, proved to be whole. A server may end a list silently after so many
// items, and such a list looks like any other. So a listing is believed below the largest total that was once proved: its two
// parts, each of them smaller and so not ended early, showed nothing that the whole had not. Of a list that comes in order of
// time the part that came last is enough: it went on past the other. What is disproved is asked for in shorter pieces. That
// is a handful of short listings a process, since records of totals soon become rare.

import { isJsonObject } from '../lib/json.ts';
import { parseTimestamp, secondsOf, type Timestamp } from '../lib/timestamp.ts';
import type { Context } from './context.ts';
import { reduce } from './diff.ts';
import { dueForBadItem } from './due.ts';
import { fingerprint } from './fingerprint.ts';
import { type Due, type Item, ListingFailed, type TimeRange } from './model.ts';
import { maxKeyBytes } from './normalize.ts';

/** What one walk over the list showed of a stretch, or several of them. */
export interface Walk {
  items: Map<string, Item>;
  /** Items without an id that can be a key, by their hash. */
  bad: Map<string, Due>;
  /** When each row was created that was asked for, as they came: repeated ones, and those a second beyond the stretch, too. Kept where it can be of use. */
  times: Timestamp[];
  /** How many rows that were, with those whose time cannot be read. */
  total: number;
  pages: number;
  /** How many of them showed anything. */
  shown: number;
}

/** The stretch is to be asked for again, in pieces of so many seconds. */
export interface Shorter {
  shorter: number;
}

/** A walk's items are held in memory: past these pages a shorter stretch is asked for instead. */
const maxPages = 20;
/** So many items in a row in order, and the list is. */
const enoughInOrder = 20;
/** The items of the short part at its end. */
const tail = 10;
/** The API's default page: one second that has no more is nothing to warn of. */
const few = 50;

/** Lists a stretch under one status, or null for all. @throws ListingFailed where it cannot be listed whole, or as Api.list. */
export async function listWhole(
  context: Context,
  stretch: TimeRange,
  status: string | null,
  signal: AbortSignal,
): Promise<Walk | Shorter> {
  const { believed, api } = context;
  const whole = await walk(context, stretch, status, signal);
  if ('shorter' in whole || whole.total < believed.total) return whole;
  if (!api.selective) {
    warnOnce(context, 'without bounds the list cannot be proved to be whole: it is believed', {});
    return whole;
  }
  // One that shows more than another ended with is not ended there: no longer, or that one had only changed meanwhile.
  if (whole.total > believed.cap) believed.cap = Number.POSITIVE_INFINITY;
  if (whole.total === believed.cap) {
    if (isLong(stretch)) return quarter(stretch);
    throw new ListingFailed(`the list ends silently after ${believed.cap} items, and one second has as many`);
  }
  const { parts, isSecond } = partsOf(stretch, whole);
  const walks: Walk[] = [];
  for (const part of parts) {
    const found = await walk(context, part, status, signal);
    if ('shorter' in found) return found;
    walks.push(found);
  }
  // What came meanwhile is there the second time.
  const again = lacks(whole, walks) ? await walk(context, stretch, status, signal) : whole;
  if ('shorter' in again) return again;
  if (lacks(again, walks)) {
    if (again.total === whole.total) believed.cap = whole.total;
    return quarter(stretch);
  }
  if (isSecond) {
    const other = await walk(context, stretch, status, signal, true);
    if ('shorter' in other) return other;
    if (lacks(again, [other]) || lacks(other, [again])) {
      throw new ListingFailed(`a second is listed otherwise with other pages: ${again.total} and ${other.total} items`);
    }
    if (whole.total > few)
      warnOnce(context, 'a second cannot be listed in parts: listed twice, it was the same, and is believed', {
        items: whole.total,
      });
    return merged([whole, ...walks, again, other]);
  }
  if (walks.some(({ total }) => total >= again.total)) return quarter(stretch);
  believed.total = again.total;
  return merged([whole, ...walks, again]);
}

/** Walks over the list of a stretch to its last page. */
async function walk(
  context: Context,
  stretch: TimeRange,
  status: string | null,
  signal: AbortSignal,
  otherPages = false,
): Promise<Walk | Shorter> {
  const found: Walk = { items: new Map(), bad: new Map(), times: [], total: 0, pages: 0, shown: 0 };
  for await (const page of context.api.list(stretch, status, signal, otherPages)) {
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
      const createdFrom = createdNotBefore(raw, stretch);
      // With an id, its detail may still be good; without one that can be a key, it is kept in sight under its hash.
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
    if (context.api.selective && found.pages > maxPages && isLong(stretch)) return quarter(stretch);
  }
  return found;
}

/** When a bad item was created, if it says so; else it is of the stretch that was asked for. */
function createdNotBefore(raw: unknown, stretch: TimeRange): number {
  const said = isJsonObject(raw) && typeof raw['createdAt'] === 'string' ? parseTimestamp(raw['createdAt']) : undefined;
  return said === undefined ? stretch.from : secondsOf(said);
}

/**
 * The parts that a list is proved by: where it is in order, a short one at the end that came last; else its halves. Each is
 * asked for with a second to spare, and has to leave something out. All in a few seconds cannot be told apart like that:
 * they are taken for one second, and the parts are what lies beside it.
 */
function partsOf({ from, to }: TimeRange, { times }: Walk): { parts: TimeRange[]; isSecond: boolean } {
  const seconds = times.map(secondsOf).sort((a, b) => a - b);
  const [first = from, last = first] = [seconds[0], seconds.at(-1)];
  const proper = (parts: TimeRange[]) => parts.filter((part) => part.from < part.to);
  if (last - first < 4) {
    const beside = [
      { from, to: Math.min(to, first - 1) },
      { from: Math.max(from, last + 2), to },
    ];
    return { parts: proper(beside), isSecond: true };
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

/** Whether others showed anything that a walk did not. */
function lacks({ items, bad }: Walk, others: Walk[]): boolean {
  return others.some(
    (other) => !new Set(other.items.keys()).isSubsetOf(items) || !new Set(other.bad.keys()).isSubsetOf(bad),
  );
}

/** Everything that some walks showed, as the last of them did; the size is the first one's. */
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

function warnOnce({ believed, watcher }: Context, message: string, fields: Record<string, unknown>): void {
  if (believed.warned.has(message)) return;
  believed.warned.add(message);
  watcher.warn(message, fields);
}
