// One conversation that the source holds: its value now, what it was before (so that a detail can lag), and where in
// time it is listed. A value is either held or made anew on every read (`Made`), which is how hundreds of thousands
// fit into memory. Values are never altered in place: a change is another value.

import type { Timestamp } from '../lib/timestamp.ts';
import type { WireConversation, WireConversationDetail } from '../twilio/wire.ts';
import { createResult, type WireOperatorResult } from './results.ts';

/** A conversation that can be made whenever it is read; the same value each time. */
export interface Made {
  readonly id: string;
  readonly createdAt: string;
  /** All of it but the communications, without the cost of making those. */
  head(): WireConversation;
  whole(): WireConversationDetail;
  /** One of its operator results, where they are other than `createResult` makes them. */
  result?(id: string, whole: WireConversationDetail): WireOperatorResult;
}

interface Past {
  readonly value: WireConversationDetail;
  readonly untilMs: number;
}

/** How many former values are kept; only a lagging detail reads them. */
const pastKept = 8;

/** A conversation in the source, by the key under which its detail is had. */
export class Entry {
  readonly key: string;
  readonly createdAt: Timestamp;
  /** When it came into the source, by the simulator's clock. */
  readonly arrivedMs: number;
  /** Moves with every change; what was made of an older version is out of date. */
  version = 0;
  /** How often its detail was fetched since it last changed. */
  fetches = 0;
  #current: WireConversationDetail | Made;
  #past: Past[] | undefined;

  constructor(key: string, createdAt: Timestamp, arrivedMs: number, current: WireConversationDetail | Made) {
    this.key = key;
    this.createdAt = createdAt;
    this.arrivedMs = arrivedMs;
    this.#current = current;
  }

  /** The whole conversation as it is now. */
  whole(): WireConversationDetail {
    return isMade(this.#current) ? this.#current.whole() : this.#current;
  }

  /** The conversation without its communications, as the list shows it. */
  head(): WireConversation {
    if (isMade(this.#current)) return this.#current.head();
    const { communications: _, ...head } = this.#current;
    return head;
  }

  /** One of its operator results, as it follows from what the conversation is now; `whole` saves making that. */
  result(id: string, whole = this.whole()): WireOperatorResult {
    const made = isMade(this.#current) ? this.#current.result?.(id, whole) : undefined;
    return made ?? createResult(id, whole);
  }

  /** Whether its results have the operator and the time that their ids and its head tell. */
  get hasPlainResults(): boolean {
    return !isMade(this.#current) || this.#current.result === undefined;
  }

  /** What it was `lagMs` ago, or before its last change where `lagFetches` are not yet used up; undefined where it was not there yet. */
  lagging(nowMs: number, lagMs: number, lagFetches: number): WireConversationDetail | undefined {
    const past = this.#past ?? [];
    if (this.fetches <= lagFetches && lagFetches > 0) return past.at(-1)?.value;
    const then = nowMs - lagMs;
    const former = past.find((value) => value.untilMs > then);
    if (former !== undefined) return former.value;
    return this.arrivedMs > then ? undefined : this.whole();
  }

  /** Takes another value; the one before is remembered until newer ones push it out. */
  replace(value: WireConversationDetail, nowMs: number): void {
    this.#past = [...(this.#past ?? []).slice(1 - pastKept), { value: this.whole(), untilMs: nowMs }];
    this.#current = value;
    this.version += 1;
    this.fetches = 0;
  }
}

function isMade(value: WireConversationDetail | Made): value is Made {
  return typeof (value as Partial<Made>).whole === 'function';
}
