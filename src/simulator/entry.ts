// A conversation in the source: its present value, former values (so that a detail can lag), and the time that it is listed
// under. A value is either stored or generated on every read (`Made`), so that hundreds of thousands fit into memory. Values
// are immutable: a change is a new value.

import type { Timestamp } from '../lib/timestamp.ts';
import type { WireConversation, WireConversationDetail } from '../twilio/wire.ts';
import { createResult, type WireOperatorResult } from './results.ts';

/** A conversation that is generated on every read, always with the same value. */
export interface Made {
  readonly id: string;
  readonly createdAt: string;
  /** Everything but the communications, without the cost of generating those. */
  head(): WireConversation;
  whole(): WireConversationDetail;
  /** One of its operator results, where they are other than `createResult` makes them. */
  result?(id: string, whole: WireConversationDetail): WireOperatorResult;
}

interface Past {
  readonly value: WireConversationDetail;
  readonly untilMs: number;
}

/** How many former values are kept, for details that lag. */
const pastKept = 8;

/** A conversation in the source, by the key of its detail. */
export class Entry {
  readonly key: string;
  readonly createdAt: Timestamp;
  /** When it was added to the source, by the simulator's clock. */
  readonly arrivedMs: number;
  /** Increases with every change. */
  version = 0;
  /** How often its detail was fetched since the last change. */
  fetches = 0;
  #current: WireConversationDetail | Made;
  #past: Past[] | undefined;

  constructor(key: string, createdAt: Timestamp, arrivedMs: number, current: WireConversationDetail | Made) {
    this.key = key;
    this.createdAt = createdAt;
    this.arrivedMs = arrivedMs;
    this.#current = current;
  }

  /** The whole conversation at present. */
  whole(): WireConversationDetail {
    return isMade(this.#current) ? this.#current.whole() : this.#current;
  }

  /** The conversation without its communications, as in the list. */
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

  /** The value `lagMs` ago, or before the last change if `lagFetches` are not used up; undefined if it did not exist yet. */
  lagging(nowMs: number, lagMs: number, lagFetches: number): WireConversationDetail | undefined {
    const past = this.#past ?? [];
    if (this.fetches <= lagFetches && lagFetches > 0) return past.at(-1)?.value;
    const then = nowMs - lagMs;
    const former = past.find((value) => value.untilMs > then);
    if (former !== undefined) return former.value;
    return this.arrivedMs > then ? undefined : this.whole();
  }

  /** Sets a new value and remembers the former ones, up to a limit. */
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
