// When may the next request be sent? A state machine of the events "asked", "sent" and "answered", each with its time:
// no clock, no timer, no chance. Two limits hold at once, and both are learned from the server's 429s alone:
// - how many are in flight: doubles until the first 429, halves on one, returns to just under where it was refused,
//   and goes on from there by addition;
// - how many in any second: unlimited until a 429 comes at a concurrency that was fine a moment ago. So the server
//   counts by time, and what it took in the second before is its rate: kept to evenly, a little under it.
// After quiet seconds both are probed upwards, slowly first, so that a changed limit is found and a steady one seldom hit.

import { forget, oldestCountedMs, type Recent, remember, secondMs, type Ticket, uncount } from './recent.ts';

export interface Throttle {
  readonly maxConcurrency: number;
  /** Allowed in flight; its fraction is growth not yet reached. */
  limit: number;
  /** Up to here the limit grows fast; one more has been refused. */
  ceiling: number;
  inFlight: number;
  /** Requests a second; undefined while no such limit has shown. */
  perSecond: number | undefined;
  /** When the next is due by the pace; behind the time where some were sent late. */
  dueAtMs: number;
  /** When the next may be sent, late or not, so that catching up is no burst. */
  spacedAtMs: number;
  /** Nothing is sent before. */
  heldUntilMs: number;
  /** Cuts in a row, without a good answer to anything sent between them. */
  strikes: number;
  /** Tickets with a lower number were sent before the last cut: their refusal is the same news. */
  cutAtNumber: number;
  /** Until then neither limit is probed upwards. */
  quietUntilMs: number;
  roundTripMs: number;
  doubling: { fromMs: number; upTo: number } | undefined;
  /** The pace, and nothing else, made a request wait since the last one was sent. */
  paceHeld: boolean;
  sentCount: number;
  recent: Recent;
}

/** How a request ended: answered, refused with 429, or neither (5xx, no answer, aborted). */
export type Ending = { kind: 'good' } | { kind: 'refused'; retryAfterMs?: number | undefined } | { kind: 'failed' };

const firstLimit = 4;
/** The first doublings take this long at least: where a second's quota is small, it is overrun by less. */
const doublingMs = 100;
/** Kept under the rate that was measured: two of a hundred may arrive closer together than they were sent. */
const share = 0.98;
/** Behind its due times by up to this, a busy process, the pace is caught up with, a third faster than it is. */
const slackMs = 1_000;
const catchUp = 0.75;
/** Timers are late by a little, and ring once for several that are due. */
const timerMs = 5;
const shortestQuietMs = 3_000;
const longestQuietMs = 30_000;
const longestHoldMs = 120_000;
const longestPauseMs = 5_000;
/** So many accepted at no lower concurrency prove that it was not the concurrency. */
const proof = 3;

/** A throttle that has seen nothing; `maxConcurrency` from 1. */
export function createThrottle(maxConcurrency: number): Throttle {
  return {
    maxConcurrency,
    limit: Math.min(firstLimit, maxConcurrency),
    ceiling: maxConcurrency,
    inFlight: 0,
    perSecond: undefined,
    dueAtMs: 0,
    spacedAtMs: 0,
    heldUntilMs: 0,
    strikes: 0,
    cutAtNumber: 0,
    quietUntilMs: 0,
    roundTripMs: 0,
    doubling: { fromMs: Number.NEGATIVE_INFINITY, upTo: 0 },
    paceHeld: false,
    sentCount: 0,
    recent: { tickets: [], secondFrom: 0, inSecond: 0 },
  };
}

/** Requests that may be in flight now. After two strikes one probes for all. */
export function allowed(throttle: Throttle): number {
  return throttle.strikes >= 2 ? 1 : Math.floor(throttle.limit);
}

/** Somebody wants to send: 0 for now, else ask again after so many milliseconds; Infinity is after the next answer. */
export function asked(throttle: Throttle, nowMs: number): number {
  forget(throttle.recent, nowMs);
  if (throttle.inFlight >= allowed(throttle)) return Number.POSITIVE_INFINITY;
  const heldMs = throttle.heldUntilMs - nowMs;
  const pacedMs = pacedFor(throttle, nowMs);
  if (pacedMs > 0 && pacedMs >= heldMs) throttle.paceHeld = true;
  return Math.max(0, heldMs, pacedMs);
}

/** A request is sent now; hand its ticket to `answered` once. */
export function sent(throttle: Throttle, nowMs: number): Ticket {
  throttle.inFlight++;
  const ticket: Ticket = {
    number: throttle.sentCount++,
    sentAtMs: nowMs,
    inFlight: throttle.inFlight,
    state: 'sent',
    counted: true,
  };
  remember(throttle.recent, ticket);
  if (throttle.perSecond !== undefined) {
    // As many steps a second as the pace has: together they are the growth of a second.
    if (throttle.paceHeld) throttle.perSecond += Math.min(1, 0.05 * eagerness(throttle, nowMs));
    const gapMs = 1000 / throttle.perSecond;
    throttle.dueAtMs = Math.max(throttle.dueAtMs, nowMs - slackMs) + gapMs;
    throttle.spacedAtMs = Math.max(throttle.spacedAtMs, nowMs - timerMs) + gapMs * catchUp;
  }
  throttle.paceHeld = false;
  return ticket;
}

/** A request has ended. */
export function answered(throttle: Throttle, ticket: Ticket, ending: Ending, nowMs: number): void {
  forget(throttle.recent, nowMs);
  ticket.state = ending.kind;
  if (ending.kind === 'good') grow(throttle, ticket, nowMs);
  throttle.inFlight--;
  if (ending.kind !== 'refused') return;
  uncount(throttle.recent, ticket);
  if (ending.retryAfterMs !== undefined) {
    const untilMs = nowMs + Math.min(ending.retryAfterMs, longestHoldMs);
    throttle.heldUntilMs = Math.max(throttle.heldUntilMs, untilMs);
  }
  if (ticket.number >= throttle.cutAtNumber) cut(throttle, ticket, ending.retryAfterMs ?? 0, nowMs);
}

function grow(throttle: Throttle, ticket: Ticket, nowMs: number): void {
  const tookMs = nowMs - ticket.sentAtMs;
  throttle.roundTripMs += (tookMs - throttle.roundTripMs) * (throttle.roundTripMs === 0 ? 1 : 0.1);
  if (ticket.number < throttle.cutAtNumber) return;
  throttle.strikes = 0;
  // Far below the limit, an answer says nothing about it.
  if (Math.max(ticket.inFlight, throttle.inFlight) < throttle.limit / 2) return;
  if (throttle.doubling !== undefined) {
    if (nowMs >= throttle.doubling.fromMs + doublingMs) throttle.doubling = { fromMs: nowMs, upTo: throttle.limit * 2 };
    throttle.limit = Math.min(throttle.limit + 1, throttle.doubling.upTo, throttle.maxConcurrency);
  } else if (throttle.limit < throttle.ceiling) {
    throttle.limit = Math.min(throttle.limit + 1, throttle.ceiling);
  } else {
    // In a round trip there are as many answers as the limit: together they are one round trip's growth.
    const step = (eagerness(throttle, nowMs) * throttle.roundTripMs) / 1000 / throttle.limit;
    throttle.ceiling = Math.min(throttle.ceiling + step, throttle.maxConcurrency);
    throttle.limit = throttle.ceiling;
  }
}

/** The first refusal of a burst: less from now on. */
function cut(throttle: Throttle, ticket: Ticket, retryAfterMs: number, nowMs: number): void {
  throttle.strikes++;
  throttle.cutAtNumber = throttle.sentCount;
  throttle.doubling = undefined;
  const wasPaced = throttle.perSecond !== undefined;
  const good = throttle.recent.tickets.filter(({ state }) => state === 'good');
  // In flight is counted here, not there, and answers on their way blur it; but a pace, once known, is the first suspect.
  const beyond = ticket.inFlight * (wasPaced ? 0.75 : 1.5);
  const byTime = good.filter(({ inFlight }) => inFlight >= beyond).length >= proof;
  if (throttle.strikes > 1) {
    const pauseMs = Math.min(20 * 2 ** (throttle.strikes - 2), longestPauseMs);
    throttle.heldUntilMs = Math.max(throttle.heldUntilMs, nowMs + pauseMs);
  }
  // Once nothing gets through, a refusal says that it is too soon, not how much is too much.
  if (byTime && (throttle.strikes === 1 || !wasPaced)) slowDown(throttle, ticket, nowMs);
  else if (throttle.strikes === 1 && good.length >= proof) throttle.ceiling = Math.max(1, ticket.inFlight - 1);
  if (!(wasPaced && byTime)) throttle.limit = Math.max(1, throttle.limit / 2);
  throttle.quietUntilMs = nowMs + quietFor(throttle, retryAfterMs);
}

/** A probe costs a refusal or two, and what the server asks to wait: let each pay for itself a hundred times over. */
function quietFor({ perSecond, roundTripMs }: Throttle, retryAfterMs: number): number {
  const hundredMs = Math.max(30 * roundTripMs, 100_000 / (perSecond ?? Number.POSITIVE_INFINITY), 20 * retryAfterMs);
  return Math.min(Math.max(hundredMs, shortestQuietMs), longestQuietMs);
}

/** The server counts by time: what it took in the second before the refused one is what it takes. */
function slowDown(throttle: Throttle, refused: Ticket, nowMs: number): void {
  const fromMs = refused.sentAtMs - 1000;
  const took = throttle.recent.tickets.filter(
    ({ state, sentAtMs, number }) => state !== 'refused' && sentAtMs > fromMs && number < refused.number,
  ).length;
  const measured = Math.max(0.5, took) * share;
  if (throttle.perSecond === undefined) {
    throttle.perSecond = measured;
    throttle.dueAtMs = nowMs;
    throttle.ceiling = throttle.maxConcurrency;
  } else {
    // A little less than the pace is noise of the way, not news: followed down each time, the pace would sink.
    const noise = (took + 1) * share > 0.9 * throttle.perSecond ? 0.97 : 0.5;
    throttle.perSecond = Math.min(throttle.perSecond, Math.max(measured, throttle.perSecond * noise));
  }
}

function pacedFor(throttle: Throttle, nowMs: number): number {
  if (throttle.perSecond === undefined) return 0;
  const dueMs = Math.max(throttle.dueAtMs, throttle.spacedAtMs) - nowMs;
  const fits = Math.max(1, Math.round((throttle.perSecond * secondMs) / 1000));
  if (throttle.recent.inSecond < fits) return dueMs;
  return Math.max(dueMs, (oldestCountedMs(throttle.recent) ?? nowMs) + secondMs - nowMs);
}

/** 0 in the quiet after a cut, then 1, and twice that every second more, to 64. */
function eagerness(throttle: Throttle, nowMs: number): number {
  const beyondMs = nowMs - throttle.quietUntilMs;
  return beyondMs < 0 ? 0 : 2 ** Math.min(beyondMs / 1000, 6);
}
