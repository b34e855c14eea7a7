// A server and a client in virtual time: as many requests as wanted are always waiting; a refused one waits by itself and
// goes before new ones. Models of servers go in, a report comes out; same seed, same report.

import { createRandom } from '../../src/lib/random.ts';
import { answered, asked, createLimiter, type Ending, sent } from '../../src/twilio/limiter/limiter.ts';
import { decide } from '../../src/twilio/retry.ts';

/** Takes or refuses a request that arrives now; `running` counts those taken and not yet answered, without this one. */
export type Server = (nowMs: number, running: number) => boolean;

/** What decides when to send: the limiter, or another to compare it with. */
export interface Algorithm<State, Ticket> {
  create(maxConcurrency: number): State;
  asked(state: State, nowMs: number): number;
  sent(state: State, nowMs: number): Ticket;
  answered(state: State, ticket: Ticket, ending: Ending, nowMs: number): void;
}

export const limiter = { create: createLimiter, asked, sent, answered };

export interface Scenario {
  seed: number;
  server: Server;
  latencyMs: number;
  /** Up to so much is added to the way there, and to the way back; half a millisecond if not given. */
  jitterMs?: number;
  /** How long a refusal takes; 1 ms if not given. */
  refusalMs?: number;
  maxConcurrency?: number;
  /** What a 429 at this time asks to wait. */
  waitMs?: (nowMs: number) => number;
  /** What a good answer says is left of a quota. */
  remaining?: (nowMs: number) => number;
  untilMs: number;
  /** Requests wanted in all; endless if not given. */
  requests?: number;
}

export interface Report {
  good: number;
  refused: number;
  endedAtMs: number;
  highestInFlight: number;
  /** From when a request was first sent until it was taken, at most. */
  longestMs: number;
  /** Good answers between two times, a second. */
  rate(fromMs: number, toMs: number): number;
  refusedBetween(fromMs: number, toMs: number): number;
  /** Of all that were sent between two times, the share that was refused. */
  refusedShare(fromMs: number, toMs: number): number;
}

interface Event {
  atMs: number;
  order: number;
  run: () => void;
}

interface Request {
  sinceMs: number;
  attempts: number;
}

const wayMs = 0.5;

export function simulate<State, Ticket>(scenario: Scenario, algorithm: Algorithm<State, Ticket>): Report {
  const { server, latencyMs, jitterMs = 0.5, refusalMs = 1, maxConcurrency = 32, untilMs } = scenario;
  const { requests = Number.POSITIVE_INFINITY } = scenario;
  const state = algorithm.create(maxConcurrency);
  const random = createRandom(scenario.seed);
  const events = createQueue();
  const again: Request[] = [];
  const goodAt: number[] = [];
  const refusedAt: number[] = [];
  let [nowMs, order, running, inFlight, started, highestInFlight, longestMs] = [0, 0, 0, 0, 0, 0, 0];
  let alarmAtMs = Number.POSITIVE_INFINITY;
  const at = (ms: number, run: () => void) => events.push({ atMs: ms, order: order++, run });
  const onTheWay = () => wayMs + random.next() * jitterMs;

  const send = () => {
    const request = again.shift() ?? { sinceMs: nowMs, attempts: 0 };
    if (request.attempts++ === 0) started++;
    const ticket = algorithm.sent(state, nowMs);
    highestInFlight = Math.max(highestInFlight, ++inFlight);
    at(nowMs + onTheWay(), () => {
      const isTaken = server(nowMs, running);
      const remaining = scenario.remaining?.(nowMs);
      if (isTaken) running++;
      at(nowMs + (isTaken ? Math.max(0, latencyMs - 2 * wayMs) : refusalMs), () => {
        if (isTaken) running--;
        at(nowMs + onTheWay(), () => end(request, ticket, isTaken, remaining));
      });
    });
  };
  const end = (request: Request, ticket: Ticket, isTaken: boolean, remaining: number | undefined) => {
    inFlight--;
    if (isTaken) {
      goodAt.push(nowMs);
      longestMs = Math.max(longestMs, nowMs - request.sinceMs);
      algorithm.answered(state, ticket, { kind: 'good', remaining }, nowMs);
    } else {
      refusedAt.push(nowMs);
      const waitMs = scenario.waitMs?.(nowMs);
      algorithm.answered(state, ticket, { kind: 'refused', waitMs }, nowMs);
      const retry = decide(
        Math.min(9, request.attempts),
        { kind: 'status', status: 429, retryAfterMs: waitMs },
        random.next,
      );
      // A request that gives up is wanted again by somebody else, as the next pass does.
      at(nowMs + Math.ceil(retry.again ? retry.afterMs : 0), () => {
        again.push(request);
        pump();
      });
    }
    pump();
  };
  const pump = () => {
    while (again.length > 0 || started < requests) {
      const ms = algorithm.asked(state, nowMs);
      if (ms > 0) {
        // Timers of Node fire at whole milliseconds, late rather than early.
        const atMs = nowMs + Math.ceil(ms);
        if (ms === Number.POSITIVE_INFINITY || atMs >= alarmAtMs) return;
        alarmAtMs = atMs;
        at(atMs, () => {
          if (alarmAtMs <= nowMs) alarmAtMs = Number.POSITIVE_INFINITY;
          pump();
        });
        return;
      }
      send();
    }
  };
  pump();
  for (let event = events.pop(); event !== undefined && event.atMs <= untilMs; event = events.pop()) {
    nowMs = event.atMs;
    event.run();
    if (goodAt.length >= requests) break;
  }
  const between = (times: number[], fromMs: number, toMs: number) =>
    times.filter((ms) => ms >= fromMs && ms < toMs).length;
  return {
    good: goodAt.length,
    refused: refusedAt.length,
    endedAtMs: nowMs,
    highestInFlight,
    longestMs,
    rate: (fromMs, toMs) => between(goodAt, fromMs, toMs) / ((toMs - fromMs) / 1000),
    refusedBetween: (fromMs, toMs) => between(refusedAt, fromMs, toMs),
    refusedShare(fromMs, toMs) {
      const refused = between(refusedAt, fromMs, toMs);
      return refused / Math.max(1, refused + between(goodAt, fromMs, toMs));
    },
  };
}

/** Takes `most` at once; it may change with time. */
export function atOnce(most: (nowMs: number) => number): Server {
  return (nowMs, running) => running < most(nowMs);
}

/** Takes so many in any sliding second; the number may change with time. Refused ones do not count. */
export function slidingSecond(perSecond: (nowMs: number) => number): Server {
  const taken: number[] = [];
  let from = 0;
  return (nowMs) => {
    while ((taken[from] ?? Number.POSITIVE_INFINITY) <= nowMs - 1000) from++;
    if (taken.length - from >= perSecond(nowMs)) return false;
    taken.push(nowMs);
    return true;
  };
}

/** Refills evenly, and holds `burst` at most; others take so many at each millisecond. */
export function tokenBucket(perSecond: number, burst: number, others: (ms: number) => number = () => 0): Server {
  let tokens = burst;
  let lastMs = 0;
  return (nowMs) => {
    for (let ms = Math.floor(lastMs) + 1; ms <= nowMs; ms++) {
      tokens = Math.min(burst, tokens + perSecond / 1000);
      tokens -= Math.min(tokens, others(ms));
    }
    lastMs = nowMs;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}

/** Counts from 0 again every so many milliseconds. */
export function fixedWindow(most: number, periodMs: number) {
  let period = -1;
  let taken = 0;
  const server: Server = (nowMs) => {
    if (Math.floor(nowMs / periodMs) !== period) {
      period = Math.floor(nowMs / periodMs);
      taken = 0;
    }
    return taken++ < most;
  };
  const untilNextMs = (nowMs: number) => periodMs - (nowMs % periodMs);
  return { server, untilNextMs, remaining: () => Math.max(0, most - taken) };
}

/** Refuses this share, whatever comes; it may change with time. */
export function shedding(share: (nowMs: number) => number, seed: number): Server {
  const random = createRandom(seed, 1);
  return (nowMs) => !random.chance(share(nowMs));
}

/** Takes what all of them take; those behind the first refusal are not asked. */
export function every(...servers: Server[]): Server {
  return (nowMs, running) => servers.every((server) => server(nowMs, running));
}

/** The earliest first, and of several at one time the one that came first: a binary heap. */
function createQueue() {
  const heap: Event[] = [];
  const isBefore = (a: Event | undefined, b: Event | undefined) =>
    a !== undefined && (b === undefined || a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  return {
    push(event: Event) {
      let at = heap.length;
      for (let up = (at - 1) >> 1; at > 0 && isBefore(event, heap[up]); up = (at - 1) >> 1) {
        heap[at] = heap[up] as Event;
        at = up;
      }
      heap[at] = event;
    },
    pop(): Event | undefined {
      const [first] = heap;
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return first;
      let at = 0;
      for (;;) {
        const left = 2 * at + 1;
        const child = isBefore(heap[left + 1], heap[left]) ? left + 1 : left;
        const event = heap[child];
        if (event === undefined || !isBefore(event, last)) break;
        heap[at] = event;
        at = child;
      }
      heap[at] = last;
      return first;
    },
  };
}
