// Every operator result that the source has, by its conversation. One exists that a conversation links to, unless it is
// said not to (deleted, or not made yet), and one that was added without a link. What follows from a conversation as it
// was seeded is made when it is read; it is held from the moment the conversation changes, since a result never does.

import { hashText } from '../lib/random.ts';
import { parseTimestamp, type Timestamp, timestampOf } from '../lib/timestamp.ts';
import type { WireConversation, WireConversationDetail } from '../twilio/wire.ts';
import type { Entry } from './entry.ts';
import { timeOfId } from './ids.ts';
import { operatorOf, resultTime, type WireOperatorResult } from './results.ts';
import { compare, type Place } from './timeline.ts';

/** A result among all others: in the order of `dateCreated`. */
export interface ResultRow extends Place {
  readonly id: string;
  readonly conversationId: string;
  readonly arrivedMs: number;
  readonly version: 0;
}

interface Held {
  readonly value: WireOperatorResult;
  readonly arrivedMs: number;
}

interface Entries extends Iterable<Entry> {
  find(id: string): Entry | undefined;
}

/** Whole conversations kept while their results are served. */
const mostWholes = 500;

export class ResultStore {
  readonly #entries: Entries;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  readonly #absent = new Set<string>();
  readonly #unlinked = new Map<string, Set<string>>();
  readonly #wholes = new Map<Entry, { version: number; whole: WireConversationDetail }>();
  /** In the order of `dateCreated`; made when all results are first asked for. */
  #rows: ResultRow[] | undefined;
  #byId: Map<string, ResultRow> | undefined;
  /** Moves with every change to the rows. */
  version = 0;

  constructor(entries: Entries, now: () => number) {
    this.#entries = entries;
    this.#now = now;
  }

  /** All of them, oldest first. */
  rows(): readonly ResultRow[] {
    if (this.#rows === undefined) {
      const rows = Array.from(this.#entries, (entry) => this.#rowsOf(entry.key, entry)).flat();
      for (const id of this.#unlinked.keys()) if (this.#entries.find(id) === undefined) rows.push(...this.rowsOf(id));
      this.#rows = rows.sort(compare);
    }
    return this.#rows;
  }

  /** Those of one conversation, oldest first. */
  rowsOf(conversationId: string): ResultRow[] {
    return this.#rowsOf(conversationId, this.#entries.find(conversationId)).sort(compare);
  }

  /** The result of an id; where several conversations have one by that id, any of them. */
  find(id: string): ResultRow | undefined {
    this.#byId ??= new Map(this.rows().map((row) => [row.id, row]));
    return this.#byId.get(id);
  }

  /** Whether a conversation has a result, linked to or not. */
  has(conversationId: string, id: string): boolean {
    if (this.#absent.has(keyOf(conversationId, id))) return false;
    return this.rowsOf(conversationId).some((row) => row.id === id);
  }

  value({ id, conversationId }: Pick<ResultRow, 'id' | 'conversationId'>): WireOperatorResult {
    const held = this.#held.get(keyOf(conversationId, id));
    if (held !== undefined) return held.value;
    const entry = this.#entries.find(conversationId);
    if (entry === undefined) throw new RangeError(`The source holds no result ${id}`);
    return entry.result(id, this.#wholeOf(entry));
  }

  /** The operator that made it, without making the result where its id tells. */
  operatorId(row: ResultRow): string | undefined {
    const isPlain = this.#entries.find(row.conversationId)?.hasPlainResults ?? false;
    if (isPlain && !this.#held.has(keyOf(row.conversationId, row.id))) return operatorOf(row.id).id;
    return idIn(this.value(row)['operator']);
  }

  /** Many conversations have come at once. */
  forget(): void {
    this.#rows = undefined;
    this.#byId = undefined;
    this.version += 1;
  }

  /** Changes a conversation: what its results are is settled before, and what it links to afterwards is new. */
  changing(conversationId: string, change: () => void): void {
    const before = this.#rowsOf(conversationId, this.#entries.find(conversationId));
    for (const row of before) this.#hold(row, this.value(row), row.arrivedMs);
    const known = new Set(before.map(({ id }) => id));
    change();
    const entry = this.#entries.find(conversationId);
    if (entry !== undefined && entry.version > 0) {
      for (const id of this.#idsOf(entry)) if (!known.has(id)) this.#holdNew(entry, id);
    }
    this.#replace(before, this.#rowsOf(conversationId, entry));
  }

  /** Gives a conversation a result with this value, linked to or not. */
  add(value: WireOperatorResult, isLinked: boolean): void {
    const { conversationId, id } = value;
    this.changing(conversationId, () => {
      this.#absent.delete(keyOf(conversationId, id));
      if (!isLinked) this.#unlinkedOf(conversationId).add(id);
      this.#held.set(keyOf(conversationId, id), { value, arrivedMs: this.#now() });
    });
  }

  /** There is none, though the conversation may link to it. */
  remove({ conversationId, id }: Pick<ResultRow, 'id' | 'conversationId'>): void {
    this.changing(conversationId, () => {
      this.#absent.add(keyOf(conversationId, id));
      this.#unlinked.get(conversationId)?.delete(id);
    });
    this.#held.delete(keyOf(conversationId, id));
  }

  /** What was linked to stays, whatever becomes of the conversation. */
  keep(conversationId: string): void {
    for (const row of this.rowsOf(conversationId)) {
      this.#hold(row, this.value(row), row.arrivedMs);
      this.#unlinkedOf(conversationId).add(row.id);
    }
  }

  #rowsOf(conversationId: string, entry: Entry | undefined): ResultRow[] {
    const head = entry?.head();
    const linked = (head?.operatorResultIds ?? []).filter((id) => typeof id === 'string');
    const ids = new Set([...linked, ...(this.#unlinked.get(conversationId) ?? [])]);
    return [...ids].flatMap((id) =>
      this.#absent.has(keyOf(conversationId, id)) ? [] : [this.#row(conversationId, id, entry, head)],
    );
  }

  #row(conversationId: string, id: string, entry?: Entry, head?: WireConversation): ResultRow {
    const held = this.#held.get(keyOf(conversationId, id));
    const made =
      held?.value.dateCreated ??
      (entry !== undefined && head !== undefined && entry.hasPlainResults
        ? resultTime(id, head)
        : this.value({ conversationId, id }).dateCreated);
    const createdAt = instantOf(made);
    const arrivedMs = held?.arrivedMs ?? Date.parse(createdAt);
    // An id that tells its time is one conversation's alone.
    const key = timeOfId(id) === undefined ? `${id} ${conversationId}` : id;
    return { createdAt, key, id, conversationId, arrivedMs, version: 0 };
  }

  #idsOf(entry: Entry): string[] {
    return this.#rowsOf(entry.key, entry).map(({ id }) => id);
  }

  #hold(row: ResultRow, value: WireOperatorResult, arrivedMs: number): void {
    const key = keyOf(row.conversationId, row.id);
    if (!this.#held.has(key)) this.#held.set(key, { value, arrivedMs });
  }

  /** One that a change brought along: made now, where its id does not tell. */
  #holdNew(entry: Entry, id: string): void {
    const key = keyOf(entry.key, id);
    if (this.#held.has(key)) return;
    const nowMs = this.#now();
    const value = entry.result(id);
    const digits = String(hashText(id, 3) % 1_000_000).padStart(6, '0');
    const dateCreated = `${new Date(nowMs).toISOString().slice(0, 23)}${digits}Z`;
    const made = timeOfId(id) === undefined ? { ...value, dateCreated } : value;
    this.#held.set(key, { value: made, arrivedMs: nowMs });
  }

  #replace(before: readonly ResultRow[], after: readonly ResultRow[]): void {
    this.version += 1;
    const rows = this.#rows;
    if (rows === undefined) return;
    const kept = new Map(before.map((row) => [row.id, row]));
    for (const row of after) {
      const old = kept.get(row.id);
      if (old !== undefined && compare(old, row) === 0 && old.arrivedMs === row.arrivedMs) kept.delete(row.id);
      else {
        rows.splice(positionOf(rows, row), 0, row);
        this.#byId?.set(row.id, row);
      }
    }
    for (const row of kept.values()) {
      const position = positionOf(rows, row);
      if (rows[position]?.key === row.key) rows.splice(position, 1);
    }
    // Another conversation may have one by the id of one that is gone.
    if (kept.size > 0) this.#byId = undefined;
  }

  #unlinkedOf(conversationId: string): Set<string> {
    const ids = this.#unlinked.get(conversationId) ?? new Set();
    this.#unlinked.set(conversationId, ids);
    return ids;
  }

  #wholeOf(entry: Entry): WireConversationDetail {
    const kept = this.#wholes.get(entry);
    if (kept?.version === entry.version) return kept.whole;
    if (this.#wholes.size >= mostWholes) this.#wholes.clear();
    const whole = entry.whole();
    this.#wholes.set(entry, { version: entry.version, whole });
    return whole;
  }
}

/** How many rows lie before a place. */
export function positionOf(rows: readonly Place[], place: Place): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && compare(row, place) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

const keyOf = (conversationId: string, id: string) => `${conversationId}\n${id}`;

function instantOf(text: unknown): Timestamp {
  return (typeof text === 'string' ? parseTimestamp(text) : undefined) ?? timestampOf(0);
}

/** The id in an object such as `operator`; undefined where it has none. */
export function idIn(value: unknown): string | undefined {
  const id = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['id'] : undefined;
  return typeof id === 'string' ? id : undefined;
}
