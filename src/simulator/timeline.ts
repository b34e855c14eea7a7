// Entries in the order of `createdAt`, then of their keys: a sorted array with binary search. Adding in time order is
// cheap, and adding many sorts once.

import type { Timestamp } from '../lib/timestamp.ts';
import type { Entry } from './entry.ts';

/** A place between rows: after all rows with an earlier `createdAt`, or the same and a smaller key. */
export interface Place {
  readonly createdAt: Timestamp;
  readonly key: string;
}

/** Entries sorted by `createdAt` and key. */
export class Timeline {
  #entries: Entry[] = [];

  get length(): number {
    return this.#entries.length;
  }

  /** The entry at a position; undefined if there is none. */
  at(position: number): Entry | undefined {
    return this.#entries[position];
  }

  /** How many entries are before a place. */
  positionOf(place: Place): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && compare(entry, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(entry: Entry): void {
    this.#entries.splice(this.positionOf(entry), 0, entry);
  }

  /** Adds many with one sort. */
  addAll(entries: readonly Entry[]): void {
    this.#entries = this.#entries.concat(entries).sort(compare);
  }

  remove(entry: Entry): void {
    const position = this.positionOf(entry);
    if (this.#entries[position] === entry) this.#entries.splice(position, 1);
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#entries[Symbol.iterator]();
  }
}

/** Compares `createdAt`, then the key, both as plain text. */
export function compare(left: Place, right: Place): number {
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt ? -1 : 1;
  if (left.key === right.key) return 0;
  return left.key < right.key ? -1 : 1;
}
