// Which bounds of createdAt the server honours. This is proved, not assumed: a server may silently ignore a parameter that
// it does not know, and answer with the newest page every time. A name is proved if it shows something around an existing
// item, and nothing in a time before the API existed. The lower bound is proved by a time in the future. The result holds
// for the life of the process; any item outside what was asked disproves it.

import { day } from '../lib/duration.ts';
import { formatSeconds, secondsOf } from '../lib/timestamp.ts';
import type { ListItem, Page } from './decode.ts';
import { Refused } from './errors.ts';

/** `createdAtBefore` goes with `createdAtAfter`; `createdBefore` has no lower bound. */
export type BoundName = 'createdAtBefore' | 'createdBefore';

/** A range as asked for, in whole seconds since the epoch; it is not known whether a bound includes equality. */
export interface Asked {
  from: number;
  to: number;
}

export type Query = [name: string, value: string][];
export type Pages = (query: Query, signal: AbortSignal) => AsyncIterable<Page>;

/** The longest range between the two bounds (the API's reference). */
const maxRange = 31 * day;
/** 1 January 2000, long before the API. Ten seconds only, since a server may fail at long ranges. */
export const beforeAnything = { from: 946_684_800, to: 946_684_810 };

type Known = 'unknown' | 'proved' | 'disproved';

export class Bounds {
  readonly #known: Record<BoundName, { upper: Known; lower: Known }> = {
    createdAtBefore: { upper: 'unknown', lower: 'unknown' },
    createdBefore: { upper: 'unknown', lower: 'disproved' },
  };
  readonly #names: BoundName[];

  constructor(names: BoundName[]) {
    this.#names = names;
  }

  /** The name to use: the first whose upper bound is not disproved, else one with a lower bound; null if the list must be read without bounds. */
  get name(): BoundName | null {
    const upper = this.#names.find((name) => this.#known[name].upper !== 'disproved');
    return upper ?? this.#names.find((name) => this.#known[name].lower === 'proved') ?? null;
  }

  /** Whether nothing is left to find out. */
  get settled(): boolean {
    return this.name === null || this.#known[this.name].upper !== 'unknown';
  }

  /** Whether the list begins at the upper bound. */
  get hasUpper(): boolean {
    return this.name !== null && this.#known[this.name].upper !== 'disproved';
  }

  /** Whether the list ends at the lower bound. */
  get hasLower(): boolean {
    return this.name !== null && this.#known[this.name].lower !== 'disproved';
  }

  /** The parameters that ask for a range, by default under the name in use. */
  query({ from, to }: Asked, name: BoundName | null = this.name): Query {
    if (name === null) return [];
    if (name === 'createdBefore') return [['createdBefore', formatSeconds(to)]];
    // If the lower bound is ignored, a range may be longer than the server allows.
    const lower = this.#known[name].lower === 'disproved' ? Math.max(from, to - maxRange) : from;
    return [
      ['createdAtAfter', formatSeconds(lower)],
      ['createdAtBefore', formatSeconds(to)],
    ];
  }

  /** Compares an item with what was asked. @returns the bound that it violates. */
  check(item: ListItem, { from, to }: Asked, name: BoundName | null = this.name): 'upper' | 'lower' | null {
    if (name === null) return null;
    const at = secondsOf(item.createdAt);
    const broken = at > to ? 'upper' : at < from ? 'lower' : null;
    if (broken === null || this.#known[name][broken] === 'disproved') return null;
    this.#known[name][broken] = 'disproved';
    return broken;
  }

  /** Tries the names in turn on an item that the list shows, until one is proved. `now` gives the API's time. */
  async prove(witness: ListItem, now: () => Promise<number>, pages: Pages, signal: AbortSignal): Promise<void> {
    for (const name of this.#names) {
      if (this.#known[name].upper === 'unknown') await this.#try(name, witness, now, pages, signal);
      if (this.#known[name].upper === 'proved') return;
    }
  }

  async #try(
    name: BoundName,
    witness: ListItem,
    now: () => Promise<number>,
    pages: Pages,
    signal: AbortSignal,
  ): Promise<void> {
    const at = secondsOf(witness.createdAt);
    const known = this.#known[name];
    const around = await this.#look(name, { from: at - 1, to: at + 2 }, pages, signal);
    if (around !== 'shown') this.#known[name] = { upper: 'disproved', lower: 'disproved' };
    if (around !== 'shown') return;
    const before = await this.#look(name, beforeAnything, pages, signal);
    // "refused" proves it too: a server that does not know the name would not refuse its value.
    if (known.upper === 'unknown' && before !== 'shown') known.upper = 'proved';
    if (known.lower !== 'unknown') return;
    const ahead = (await now()) + day;
    const after = await this.#look(name, { from: ahead, to: ahead + 10 }, pages, signal);
    if (known.lower === 'unknown' && after !== 'shown') known.lower = 'proved';
  }

  /** Reads up to the first page that has items. */
  async #look(
    name: BoundName,
    asked: Asked,
    pages: Pages,
    signal: AbortSignal,
  ): Promise<'shown' | 'nothing' | 'refused'> {
    try {
      for await (const { items } of pages(this.query(asked, name), signal)) {
        for (const item of items) this.check(item, asked, name);
        if (items.length > 0) return 'shown';
      }
      return 'nothing';
    } catch (error) {
      if (error instanceof Refused) return 'refused';
      throw error;
    }
  }
}
