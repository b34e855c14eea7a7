// Which requests fail, and how: a list of rules, by script ("the second list page answers 429") or by a seeded rate.
// Each rule counts the requests that it applies to; the first rule that matches decides. sabotage.ts carries the faults
// out.

import { createRandom, type Random } from '../lib/random.ts';
import type { Endpoint } from './request-log.ts';

export type Fault =
  /** An error with this status; `retryAfter` is sent as given: seconds or a date. `message` is in the body. */
  | { kind: 'status'; status: number; retryAfter?: string; message?: string }
  /** The connection is reset before the head or in the middle of the body. */
  | { kind: 'reset'; at: 'head' | 'body' }
  /** The body is truncated: shorter than its `Content-Length`, or without the last chunk. */
  | { kind: 'truncate'; how: 'length' | 'chunked' }
  /** 200 and the first half of the JSON, with the `Content-Length` of that half. */
  | { kind: 'invalidJson' }
  /** 200 and a page of HTML, as from a proxy. */
  | { kind: 'html' }
  /** No more data comes, but the connection stays open: from the start, or from the middle of the body. */
  | { kind: 'silence'; at: 'head' | 'body' }
  /** The page token is refused as expired. Only for list requests with a token; others are answered. */
  | { kind: 'expireToken' }
  /** The right body, streamed, with so many more bytes in an unknown field. */
  | { kind: 'huge'; bytes: number }
  /** The right answer without its `Date`. */
  | { kind: 'noDate' }
  /** The right answer with a `Date` that is off by so many ms, and an `Age` as from a cache, if given. */
  | { kind: 'date'; offsetMs: number; age?: number }
  /** The right answer, delayed by so many ms. */
  | { kind: 'delay'; ms: number };

export interface FaultRule {
  /** The requests it applies to; `firstPage` and `nextPage` are lists of conversations without and with a token, `results` all of results. */
  on: 'list' | 'firstPage' | 'nextPage' | 'detail' | 'results' | 'resultList' | 'result' | 'names' | 'any';
  fault: Fault;
  /** Only for this conversation's detail, or this operator result. */
  id?: string;
  /** Only for lists whose bounds are more than so many seconds apart; one bound or none counts as infinitely wide. */
  widerThanSeconds?: number;
  /** Only for lists whose bounds overlap this range of createdAt, in ms since the epoch; a missing bound is infinite. */
  meeting?: { fromMs: number; toMs: number };
  /** Only the nth request that it applies to, from 1. */
  nth?: number;
  /** From the nth request on. */
  from?: number;
  /** Every nth request. */
  every?: number;
  /** With this probability, 0 to 1. */
  rate?: number;
  /** At most so many times. */
  times?: number;
  /** Only for so many ms after its first use. */
  forMs?: number;
}

/** What a rule decides by. */
export interface FaultTarget {
  readonly endpoint: Endpoint;
  readonly id: string | undefined;
  readonly query: string;
}

interface Standing {
  readonly rule: FaultRule;
  seen: number;
  struck: number;
  firstMs: number | undefined;
}

/** The rules of one server. */
export class Faults {
  #standing: Standing[] = [];
  readonly #random: Random;

  constructor({ seed = 1, rules = [] }: { seed?: number; rules?: readonly FaultRule[] } = {}) {
    this.#random = createRandom(seed, 0xfa);
    for (const rule of rules) this.add(rule);
  }

  /** How often the present rules were used. */
  get struck(): number {
    return this.#standing.reduce((sum, { struck }) => sum + struck, 0);
  }

  /** Adds a rule after the others. The result removes it again, and says how often it was used. */
  add(rule: FaultRule): { readonly struck: number; remove(): void } {
    const standing: Standing = { rule, seen: 0, struck: 0, firstMs: undefined };
    this.#standing.push(standing);
    return {
      get struck() {
        return standing.struck;
      },
      remove: () => {
        this.#standing = this.#standing.filter((other) => other !== standing);
      },
    };
  }

  /** Removes all rules. */
  clear(): void {
    this.#standing = [];
  }

  /** The fault for a request; undefined if there is none. */
  strike(target: FaultTarget, nowMs: number): Fault | undefined {
    let fault: Fault | undefined;
    for (const standing of this.#standing) {
      if (!appliesTo(standing.rule, target)) continue;
      standing.seen += 1;
      if (fault === undefined && this.#isDue(standing, nowMs)) {
        standing.struck += 1;
        standing.firstMs ??= nowMs;
        fault = standing.rule.fault;
      }
    }
    return fault;
  }

  #isDue({ rule, seen, struck, firstMs }: Standing, nowMs: number): boolean {
    if (rule.times !== undefined && struck >= rule.times) return false;
    if (rule.forMs !== undefined && firstMs !== undefined && nowMs - firstMs >= rule.forMs) return false;
    if (rule.nth !== undefined && seen !== rule.nth) return false;
    if (rule.from !== undefined && seen < rule.from) return false;
    if (rule.every !== undefined && seen % rule.every !== 0) return false;
    return rule.rate === undefined || this.#random.chance(rule.rate);
  }
}

function appliesTo(rule: FaultRule, { endpoint, id, query }: FaultTarget): boolean {
  if (rule.id !== undefined && rule.id !== id) return false;
  if (!isOn(rule.on, endpoint, query)) return false;
  if (rule.widerThanSeconds === undefined && rule.meeting === undefined) return true;
  if (endpoint !== 'list') return false;
  const { afterMs, beforeMs } = rangeOf(query);
  const { fromMs, toMs } = rule.meeting ?? { fromMs: afterMs, toMs: beforeMs };
  return (beforeMs - afterMs) / 1000 > (rule.widerThanSeconds ?? 0) && afterMs < toMs && beforeMs > fromMs;
}

function isOn(on: FaultRule['on'], endpoint: Endpoint, query: string): boolean {
  if (on === 'any') return true;
  if (on === 'results') return endpoint === 'result' || endpoint === 'resultList';
  if (on !== 'firstPage' && on !== 'nextPage') return endpoint === on;
  return endpoint === 'list' && new URLSearchParams(query).has('pageToken') === (on === 'nextPage');
}

function rangeOf(query: string): { afterMs: number; beforeMs: number } {
  const parameters = new URLSearchParams(query);
  const before = Date.parse(parameters.get('createdAtBefore') ?? parameters.get('createdBefore') ?? '');
  const after = Date.parse(parameters.get('createdAtAfter') ?? '');
  return {
    afterMs: Number.isNaN(after) ? Number.NEGATIVE_INFINITY : after,
    beforeMs: Number.isNaN(before) ? Number.POSITIVE_INFINITY : before,
  };
}
