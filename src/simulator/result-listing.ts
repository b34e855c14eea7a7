// One page of the results' list: the store's rows, a query and the row where the last page ended in; rows out, in the
// order the switches name. Changes nothing but what it remembers of an order, which costs a sort of all results.

import { hashText } from '../lib/random.ts';
import type { Resume } from './listing.ts';
import type { ResultQuery } from './query.ts';
import { idIn, positionOf, type ResultRow, type ResultStore } from './result-store.ts';
import type { Switches } from './switches.ts';
import type { Place } from './timeline.ts';

export interface ListedResults {
  readonly rows: readonly ResultRow[];
  readonly more: boolean;
}

/** Rows in an order of their own, each with its place in it. */
interface Ranked {
  readonly name: string;
  readonly version: number;
  readonly rows: readonly (Place & { readonly row: ResultRow })[];
}

/** Lists the results of one store. */
export class ResultListing {
  readonly #store: ResultStore;
  #ranked: Ranked | undefined;

  constructor(store: ResultStore) {
    this.#store = store;
  }

  /** The next `size` results. `nowMs` decides which are there already. */
  page(query: ResultQuery, resume: Resume, size: number, switches: Switches, nowMs: number): ListedResults {
    const isShown = (row: ResultRow) => isThere(row, switches, nowMs) && this.#matches(row, query);
    const byKey = switches.paging === 'keyset' ? resume.row : undefined;
    const rows: ResultRow[] = [];
    let toSkip = switches.paging === 'keyset' ? 0 : resume.offset;
    for (const row of this.#inOrder(query, resume.shuffle, byKey, switches)) {
      if (!isShown(row)) continue;
      if (toSkip > 0) toSkip -= 1;
      else if (rows.length === size) return { rows, more: true };
      else rows.push(row);
    }
    return { rows, more: false };
  }

  *#inOrder(query: ResultQuery, shuffle: number, behind: Place | undefined, switches: Switches): Generator<ResultRow> {
    const { conversationId } = query;
    const rows = conversationId === undefined ? this.#store.rows() : this.#store.rowsOf(conversationId);
    const order = switches.resultOrder;
    if (order === 'newestFirst') {
      for (let at = behind ? positionOf(rows, behind) - 1 : rows.length - 1; at >= 0; at -= 1)
        yield rows[at] as ResultRow;
      return;
    }
    if (order === 'oldestFirst') {
      yield* behindOf(rows, behind);
      return;
    }
    const rank = order === 'none' ? shuffled(shuffle) : nearlyNewestFirst(switches.resultDisorderMs);
    const name = order === 'none' ? `${order} ${shuffle}` : `${order} ${switches.resultDisorderMs}`;
    const ranked = conversationId === undefined ? this.#rankedAll(name, rows, rank) : rankedBy(rank, rows);
    for (const { row } of behindOf(ranked, behind && rank(behind))) yield row;
  }

  #rankedAll(name: string, rows: readonly ResultRow[], rank: (place: Place) => Place): Ranked['rows'] {
    const { version } = this.#store;
    if (this.#ranked?.name !== name || this.#ranked.version !== version) {
      this.#ranked = { name, version, rows: rankedBy(rank, rows) };
    }
    return this.#ranked.rows;
  }

  #matches(row: ResultRow, { operatorId, intelligenceConfigurationId }: ResultQuery): boolean {
    if (operatorId !== undefined && this.#store.operatorId(row) !== operatorId) return false;
    if (intelligenceConfigurationId === undefined) return true;
    return idIn(this.#store.value(row)['intelligenceConfiguration']) === intelligenceConfigurationId;
  }
}

/** Whether a result can be had yet. */
export function isThere({ arrivedMs }: ResultRow, { resultLagMs }: Switches, nowMs: number): boolean {
  return resultLagMs === 0 || nowMs - arrivedMs >= resultLagMs;
}

function* behindOf<Row extends Place>(rows: readonly Row[], behind: Place | undefined): Generator<Row> {
  for (let at = behind === undefined ? 0 : positionOf(rows, behind); at < rows.length; at += 1) {
    const row = rows[at] as Row;
    if (behind === undefined || row.createdAt !== behind.createdAt || row.key !== behind.key) yield row;
  }
}

function rankedBy(rank: (place: Place) => Place, rows: readonly ResultRow[]): Ranked['rows'] {
  const ranked = rows.map((row) => ({ ...rank(row), row }));
  const order = ({ createdAt, key }: Place, other: Place) => {
    if (createdAt !== other.createdAt) return createdAt < other.createdAt ? -1 : 1;
    return key < other.key ? -1 : Number(key > other.key);
  };
  return ranked.sort(order);
}

// A rank takes the place of `createdAt`, as text that sorts like it.
const ranked = (rank: number, key: string) => ({
  createdAt: String(rank).padStart(16, '0') as Place['createdAt'],
  key,
});

function shuffled(shuffle: number): (place: Place) => Place {
  return ({ key }) => ranked(hashText(key, shuffle), key);
}

/** Newest first, but for a jitter that differs from result to result. */
function nearlyNewestFirst(disorderMs: number): (place: Place) => Place {
  const end = Date.UTC(2200, 0);
  return ({ createdAt, key }) => ranked(end - Date.parse(createdAt) + (hashText(key) % (disorderMs + 1)), key);
}
