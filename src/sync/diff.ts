// What a listing showed, held against what is stored: which details to fetch, and what else is to be noted.
// Pure. Decided by fingerprints of whole list items, since `updatedAt` stands still when operator results arrive late.

import { secondsOf } from '../lib/timestamp.ts';
import type { ListItem } from '../twilio/decode.ts';
import { dueForUpgrade } from './due.ts';
import { fingerprint, isComparable, isNotedOtherwise, noted } from './fingerprint.ts';
import type { Checkpoint, Due, Fetch, Item, Known } from './model.ts';
import { normalizerVersion } from './normalize.ts';

const arrays = ['intelligenceConfigurationIds', 'channels', 'channelIds', 'participants', 'operatorResultIds'];

/** Reduces a list item. */
export function reduce(item: ListItem): Item {
  const results = item.raw['operatorResultIds'];
  return {
    id: item.id,
    fingerprint: fingerprint(item.raw),
    createdFrom: secondsOf(item.createdAt),
    wants: {
      updatedAt: item.updatedAt,
      operatorResultIds: Array.isArray(results) ? results.filter((id) => typeof id === 'string') : [],
      arrays: arrays.filter((name) => Array.isArray(item.raw[name])),
    },
  };
}

export interface Diff {
  /** New, changed, or back after deletion: their details are wanted. */
  changed: Fetch[];
  touched: string[];
  relisted: Checkpoint['relisted'];
  due: Due[];
}

/** Sorts the items of a slice into those to fetch and those to note. */
export function diff(items: Iterable<Item>, known: Map<string, Known>, generation: number, now: number): Diff {
  const result: Diff = { changed: [], touched: [], relisted: [], due: [] };
  for (const item of items) {
    const { stored = null, due = [], forgotten = false } = known.get(item.id) ?? {};
    if (forgotten) continue;
    const waits = due.some((each) => waitsFor(each, item));
    if (!waits && (stored === null || hasChanged(stored, item))) {
      result.changed.push({ id: item.id, item, due, stored: stored !== null });
      continue;
    }
    // Whether or not its detail can be had: it is listed, and no longer missing.
    for (const { id, reason, number } of due)
      if (reason === 'missing' || reason === 'open') result.relisted.push({ id, number });
    if (stored === null) continue;
    if (stored.generation !== generation) result.touched.push(item.id);
    if (waits) continue;
    const older = stored.normalizer < normalizerVersion || !isComparable(stored);
    if (older && !due.some(({ reason }) => reason === 'upgrade')) {
      result.due.push(dueForUpgrade(item, now));
    }
  }
  return result;
}

/** What failed, or is listed without having a detail, waits for its time unless its item has changed; a failure also where that cannot be told, since it waits for a day at most. */
function waitsFor({ reason, fingerprint }: Due, item: Item): boolean {
  if (fingerprint === null || (reason !== 'failed' && reason !== 'absent')) return false;
  return fingerprint === noted(item.fingerprint) || (reason === 'failed' && isNotedOtherwise(fingerprint));
}

/** Where fingerprints cannot be compared, `updatedAt` has to do until the conversation is fetched anew, within a day. */
function hasChanged(stored: NonNullable<Known['stored']>, { fingerprint, wants }: Item): boolean {
  if (stored.item === null || isComparable(stored)) return stored.item !== fingerprint;
  const microseconds = 'YYYY-MM-DDTHH:MM:SS.uuuuuu'.length;
  return wants.updatedAt?.slice(0, microseconds) !== stored.updatedAt?.slice(0, microseconds);
}
