// The order of a list of operator results: whether it is newest first, and if so, which stored results it no longer has.

import { secondsOf } from '../lib/timestamp.ts';
import type { ResultItem } from './result-model.ts';
import { overlapSeconds } from './sweeps.ts';

/** Watches the order of a list: newest first, within the overlap. */
export class NewestFirst {
  broken = false;
  highest: number | null = null;
  lowest = Number.POSITIVE_INFINITY;
  /** Ids of the page before: where pages shift because a result was added, the next one shows some of them again. */
  #before = new Set<string>();

  see(items: ResultItem[]): void {
    for (const { id, createdAt } of items) {
      const at = secondsOf(createdAt);
      if (at > this.lowest + overlapSeconds && !this.#before.has(id)) this.broken = true;
      this.highest = Math.max(this.highest ?? at, at);
      this.lowest = Math.min(this.lowest, at);
    }
    this.#before = new Set(items.map(({ id }) => id));
  }
}

/** Of an ordered list: which range of time each page completes, and what was listed in it. Within the overlap more may follow. */
export class Listed {
  /** Nothing below this was checked yet. */
  #to: number | null;
  readonly #startedAt: number;
  #items = new Map<string, number>();

  /** `startedAt`: when the first page of the list was requested, if that is what comes next. */
  constructor(reached: number | null, startedAt: number | null) {
    this.#to = reached;
    this.#startedAt = startedAt ?? Number.NEGATIVE_INFINITY;
  }

  next(
    items: ResultItem[],
    { highest, lowest }: NewestFirst,
    ended: boolean,
  ): { from: number; to: number; listed: string[] } | null {
    for (const { id, createdAt } of items) this.#items.set(id, secondsOf(createdAt));
    // What was made well before the first page and is newer than the newest one listed is gone, too.
    const to = this.#to ?? Math.max(highest ?? Number.NEGATIVE_INFINITY, this.#startedAt - overlapSeconds);
    const from = ended ? Number.NEGATIVE_INFINITY : lowest + overlapSeconds;
    if (from >= to) return null;
    const listed = [...this.#items].filter(([, at]) => at >= from && at < to).map(([id]) => id);
    for (const [id, at] of this.#items) if (at >= from) this.#items.delete(id);
    this.#to = from;
    return { from, to, listed };
  }
}
