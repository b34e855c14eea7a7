// A server and a client in virtual time: as many requests as wanted are always waiting, refused ones are sent again.
// Models of servers go in, a report comes out; same seed, same report.

import type { Ticket } from '../../src/api/recent.ts';
import { answered, asked, createThrottle, sent } from '../../src/api/throttle.ts';

/** Takes or refuses a request that arrives now; `running` counts those taken and not yet answered, without this one. */
export type ServerModel = (nowMs: number, running: number) => boolean;

export interface Scenario {
  server: ServerModel;
  latencyMs: number;
  /** Up to so much is added to the way there, and to the way back. */
  jitterMs?: number;
  maxConcurrency?: number;
  retryAfterMs?: number;
  untilMs: number;
  seed?: number;
  /** Requests wanted in all; endless if not given. */
  requests?: number;
}

export interface Report {
  good: number;
  refused: number;
  endedAtMs: number;
  highestInFlight: number;
  /** Good answers between two times, a second. */
  rate(fromMs: number, toMs: number): number;
  refusedBetween(fromMs: number, toMs: number): number;
  limitAt(ms: number): number;
}

interface Event {
  atMs: number;
  order: number;
  run: () => void;
}

export function simulate(scenario: Scenario): Report {
  const {
    server,
    latencyMs,
    jitterMs = 0,
    maxConcurrency = 32,
    untilMs,
    requests = Number.POSITIVE_INFINITY,
  } = scenario;
  const throttle = createThrottle(maxConcurrency);
  const random = mulberry32(scenario.seed ?? 1);
  const events: Event[] = [];
  const goodAt: number[] = [];
  const refusedAt: number[] = [];
  const limits: [number, number][] = [[0, throttle.limit]];
  let nowMs = 0;
  let order = 0;
  let running = 0;
  let highestInFlight = 0;
  let alarmAtMs = Number.POSITIVE_INFINITY;
  const at = (ms: number, run: () => void) => insert(events, { atMs: ms, order: order++, run });
  const answer = (ticket: Ticket, taken: boolean) => {
    if (taken) goodAt.push(nowMs);
    else refusedAt.push(nowMs);
    const refused = { kind: 'refused' as const, retryAfterMs: scenario.retryAfterMs };
    answered(throttle, ticket, taken ? { kind: 'good' } : refused, nowMs);
    limits.push([nowMs, throttle.limit]);
    pump();
  };
  const send = () => {
    const ticket = sent(throttle, nowMs);
    highestInFlight = Math.max(highestInFlight, throttle.inFlight);
    at(nowMs + 0.5 + random() * jitterMs, () => {
      const taken = server(nowMs, running);
      if (taken) running++;
      at(nowMs + (taken ? latencyMs - 1 : 1), () => {
        if (taken) running--;
        at(nowMs + 0.5 + random() * jitterMs, () => answer(ticket, taken));
      });
    });
  };
  const pump = () => {
    for (;;) {
      if (goodAt.length + throttle.inFlight >= requests) return;
      const ms = asked(throttle, nowMs);
      if (ms === 0) send();
      else {
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
    }
  };
  pump();
  for (let event = events.shift(); event !== undefined && event.atMs <= untilMs; event = events.shift()) {
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
    rate: (fromMs, toMs) => between(goodAt, fromMs, toMs) / ((toMs - fromMs) / 1000),
    refusedBetween: (fromMs, toMs) => between(refusedAt, fromMs, toMs),
    limitAt: (ms) => limits.findLast(([atMs]) => atMs <= ms)?.[1] ?? 0,
  };
}

/** Takes `cap` at once; `cap` may change with time. */
export function concurrencyCap(cap: (nowMs: number) => number): ServerModel {
  return (nowMs, running) => running < cap(nowMs);
}

/** Takes so many in any sliding second; the number may change with time. Refused ones do not count. */
export function slidingSecond(perSecond: (nowMs: number) => number): ServerModel {
  let taken: number[] = [];
  return (nowMs) => {
    taken = taken.filter((ms) => ms > nowMs - 1000);
    if (taken.length >= perSecond(nowMs)) return false;
    taken.push(nowMs);
    return true;
  };
}

/** Refills evenly, and holds `burst` at most. */
export function tokenBucket(perSecond: number, burst: number): ServerModel {
  let tokens = burst;
  let lastMs = 0;
  return (nowMs) => {
    tokens = Math.min(burst, tokens + ((nowMs - lastMs) / 1000) * perSecond);
    lastMs = nowMs;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}

/** Counts from 0 again at each whole second. */
export function fixedSecond(perSecond: number): ServerModel {
  let second = -1;
  let taken = 0;
  return (nowMs) => {
    if (Math.floor(nowMs / 1000) !== second) {
      second = Math.floor(nowMs / 1000);
      taken = 0;
    }
    return taken++ < perSecond;
  };
}

/** Takes what all of them take; those behind the first refusal are not asked. */
export function every(...models: ServerModel[]): ServerModel {
  return (nowMs, running) => models.every((model) => model(nowMs, running));
}

function insert(events: Event[], event: Event): void {
  let at = events.length;
  for (; at > 0; at--) {
    const before = events[at - 1];
    if (before === undefined || before.atMs < event.atMs || (before.atMs === event.atMs && before.order < event.order))
      break;
  }
  events.splice(at, 0, event);
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
