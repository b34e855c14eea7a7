// Decides when the next request may be sent. A pure state machine with the events "asked", "sent" and "answered", each with
// its time. It has two limits, learned from 429s ("refused"): a window (requests in flight) and a pace (requests a second).
//
//   growing ── more refused than expected ──► slower ── its time is over ──► growing
//   growing, slower ── over half refused, or a quota used up ──► blocked ── a good answer ──► slower
//
// - growing: at first the window doubles; later window and pace grow slowly, then faster and faster.
// - slower: the limit that delayed requests is lowered to what the server accepted. If neither did, the window is lowered
//   first, and the pace if more is refused. Nothing grows. What is still refused now cannot be cured by going slower: that
//   share is expected from now on, and only more than it slows us down again. So random refusals do not.
// - blocked: one request at a time, each after a longer pause, and not before the time that the server named.
//
// A refused request waits by itself before it asks again. Answers to requests that were sent before the last change of
// state are ignored: they say nothing about the new state.

import {
  countSent,
  createPace,
  forget,
  isIdle,
  lowerPace,
  type Pace,
  type Ticket,
  uncount,
  waitForPace,
} from './pace.ts';
import { countAccepted, countLate, createQuota, endQuota, forgetQuota, isUsedUp, leftOf, type Quota } from './quota.ts';
import {
  areMostRefused,
  count,
  createRefusals,
  endLearning,
  forgetExpected,
  isExcessive,
  type Refusals,
  restartLearning,
  seenShare,
} from './refusals.ts';
import {
  createWindow,
  growWindow,
  lowerWindow,
  restoreWindow,
  settleWindow,
  spreadOut,
  type Window,
} from './window.ts';

export type { Ticket } from './pace.ts';

/** How a request ended: answered, refused with 429, or failed (5xx, no answer, aborted). */
export type Ending =
  /** `remaining`: what is left of a quota, according to the server. */
  | { kind: 'good'; remaining?: number | undefined }
  /** `waitMs`: the wait that the server asks for. */
  | { kind: 'refused'; waitMs?: number | undefined }
  | { kind: 'failed' };

export interface Limiter {
  readonly window: Window;
  readonly pace: Pace;
  readonly quota: Quota;
  readonly refusals: Refusals;
  state: 'growing' | 'slower' | 'blocked';
  inFlight: number;
  sentCount: number;
  roundTripMs: number;
  /** The limit that delays the next request, if any. */
  heldBy: Ticket['heldBy'];
  /** Nothing is sent before this time. */
  heldUntilMs: number;
  slowerUntilMs: number;
  /** The share that was refused before "slower" began. */
  shareBefore: number;
  /** How often in a row the same limit was found again. */
  confirmed: number;
  /** Requests sent since "growing" began. */
  grown: number;
  blockedAtMs: number;
  advancedAtMs: number;
  /** Number of pauses in "blocked", which decides their length. */
  pauses: number;
  /** Tickets with a lower number were sent before the last change of state. */
  newsFrom: number;
  lastCounted: number;
}

const shortestSlowerMs = 3_000;
const longestSlowerMs = 100_000;
/** Growing costs a refusal or two: at least so many requests between two such attempts. */
const slowerRequests = 100;
const longestHoldMs = 120_000;
const longestPauseMs = 5_000;
/** A block that ends sooner is a matter of pace, not of a quota. */
const shortestQuotaMs = 5_000;

/** A new limiter; `maxConcurrency` is at least 1. */
export function createLimiter(maxConcurrency: number): Limiter {
  return {
    window: createWindow(maxConcurrency),
    pace: createPace(),
    quota: createQuota(),
    refusals: createRefusals(),
    state: 'growing',
    inFlight: 0,
    sentCount: 0,
    roundTripMs: 0,
    heldBy: undefined,
    heldUntilMs: 0,
    slowerUntilMs: 0,
    shareBefore: 0,
    confirmed: 0,
    grown: 0,
    blockedAtMs: 0,
    advancedAtMs: 0,
    pauses: 0,
    newsFrom: 0,
    lastCounted: -1,
  };
}

/** How many requests may be in flight now. */
export function allowed({ state, window, quota }: Limiter): number {
  return state === 'blocked' ? 1 : Math.min(Math.floor(window.limit), leftOf(quota));
}

/** May a request be sent? 0 is yes; otherwise ask again after so many milliseconds, or, for Infinity, after the next answer. */
export function asked(limiter: Limiter, nowMs: number): number {
  advance(limiter, nowMs);
  if (limiter.inFlight >= allowed(limiter)) {
    limiter.heldBy = 'window';
    return Number.POSITIVE_INFINITY;
  }
  const heldMs = Math.max(0, limiter.heldUntilMs - nowMs);
  const spreadMs = limiter.window.spreadAtMs - nowMs;
  const pacedMs = waitForPace(limiter.pace, nowMs);
  if (Math.max(spreadMs, pacedMs) > heldMs) limiter.heldBy = pacedMs > spreadMs ? 'pace' : 'window';
  return Math.max(heldMs, spreadMs, pacedMs);
}

/** A request is sent now. Its ticket is for `answered`. */
export function sent(limiter: Limiter, nowMs: number): Ticket {
  const { pace, heldBy } = limiter;
  const isGrowing = limiter.state === 'growing';
  limiter.inFlight++;
  limiter.heldBy = undefined;
  const number = limiter.sentCount++;
  const ticket = { number, sentAtMs: nowMs, inFlight: limiter.inFlight, heldBy, isRefused: false, isCounted: true };
  if (isGrowing) limiter.grown++;
  countSent(pace, ticket, 0.05 * growthFactor(limiter, nowMs));
  // A pace that delays nothing while the window does is not the limit.
  if (isGrowing && isIdle(pace) && limiter.inFlight >= allowed(limiter)) pace.perSecond = undefined;
  spreadOut(limiter.window, limiter.roundTripMs, nowMs);
  return ticket;
}

/** A request has ended. */
export function answered(limiter: Limiter, ticket: Ticket, ending: Ending, nowMs: number): void {
  advance(limiter, nowMs);
  limiter.inFlight--;
  if (ending.kind === 'failed') return;
  const isNews = ticket.number >= limiter.newsFrom;
  if (ending.kind === 'refused') {
    ticket.isRefused = true;
    uncount(limiter.pace, ticket);
  } else {
    const tookMs = nowMs - ticket.sentAtMs;
    limiter.roundTripMs += (tookMs - limiter.roundTripMs) * (limiter.roundTripMs === 0 ? 1 : 0.1);
    if (limiter.state === 'blocked' && !isNews) countLate(limiter.quota);
    else countAccepted(limiter.quota, ending.remaining);
  }
  if (!isNews) return;
  if (limiter.state === 'blocked') {
    if (ending.kind === 'good') unblock(limiter, nowMs);
    else pause(limiter, ending.waitMs, nowMs);
    return;
  }
  countInOrder(limiter, ticket);
  if (ending.kind === 'good') grow(limiter, ticket, nowMs);
  else refuse(limiter, ticket, ending.waitMs, nowMs);
}

/** Changes that depend on time alone. */
function advance(limiter: Limiter, nowMs: number): void {
  const { window, pace, refusals } = limiter;
  forget(pace, nowMs, limiter.roundTripMs);
  if (limiter.state === 'growing') forgetExpected(refusals, nowMs - limiter.advancedAtMs);
  limiter.advancedAtMs = nowMs;
  if (limiter.state !== 'slower' || nowMs < limiter.slowerUntilMs) return;
  limiter.state = 'growing';
  settleWindow(window, seenShare(refusals));
  pace.settledAt = pace.perSecond;
  endLearning(refusals, limiter.shareBefore);
}

/** Counts in the order of sending. Requests sent earlier, and not refused so far, count as accepted: refusals may come sooner than answers. */
function countInOrder(limiter: Limiter, ticket: Ticket): void {
  const { refusals, lastCounted } = limiter;
  const isSlower = limiter.state === 'slower';
  for (let number = Math.max(lastCounted + 1, limiter.newsFrom); number < ticket.number; number++) {
    count(refusals, undefined, isSlower);
  }
  if (ticket.isRefused) count(refusals, ticket.inFlight, isSlower);
  else if (ticket.number > lastCounted) count(refusals, undefined, isSlower);
  limiter.lastCounted = Math.max(lastCounted, ticket.number);
}

function grow(limiter: Limiter, ticket: Ticket, nowMs: number): void {
  const { window, roundTripMs } = limiter;
  limiter.pauses = Math.max(0, limiter.pauses - 0.25);
  // An answer says nothing about a limit far above it.
  if (Math.max(ticket.inFlight, limiter.inFlight + 1) < window.limit / 2) return;
  growWindow(window, (growthFactor(limiter, nowMs) * roundTripMs) / 1_000, nowMs);
}

/** 1 when growing begins, doubled every second, up to 64; but no faster than answers arrive. */
function growthFactor({ state, slowerUntilMs, roundTripMs, grown }: Limiter, nowMs: number): number {
  if (state !== 'growing') return 0;
  return 2 ** Math.min((nowMs - slowerUntilMs) / Math.max(1_000, roundTripMs), grown / 4, 6);
}

function refuse(limiter: Limiter, ticket: Ticket, waitMs: number | undefined, nowMs: number): void {
  const { refusals, quota, window } = limiter;
  if (isUsedUp(quota)) {
    block(limiter, waitMs, nowMs);
  } else if (areMostRefused(refusals)) {
    slowDown(limiter, ticket, nowMs);
    window.limit = Math.max(1, window.limit / 2);
    block(limiter, waitMs, nowMs);
  } else if (isExcessive(refusals)) {
    slowDown(limiter, ticket, nowMs);
  }
}

function slowDown(limiter: Limiter, refused: Ticket, nowMs: number): void {
  const { window, pace, refusals } = limiter;
  const isAgain = limiter.state === 'slower';
  const isAlone = refused.inFlight === 1 && limiter.inFlight === 0;
  const isNoHelp = window.triedFrom !== undefined && refused.inFlight <= window.triedFrom / 2;
  let isKnown: boolean;
  if (refused.heldBy === 'pace' || isAlone || isNoHelp) {
    restoreWindow(window);
    isKnown = lowerPace(pace, refused);
  } else {
    isKnown = lowerWindow(window, refusals.inFlight, isAgain);
  }
  limiter.confirmed = isKnown && !isAgain ? limiter.confirmed + 1 : 0;
  limiter.shareBefore = seenShare(refusals);
  beginSlower(limiter, nowMs);
}

function beginSlower(limiter: Limiter, nowMs: number): void {
  limiter.state = 'slower';
  limiter.slowerUntilMs = nowMs + slowerDurationMs(limiter);
  limiter.newsFrom = limiter.sentCount;
  limiter.window.doubling = undefined;
  limiter.grown = 0;
  restartLearning(limiter.refusals);
}

/** Long enough to learn what is expected, and longer each time that the same limit was found again. */
function slowerDurationMs({ pace, window, roundTripMs, confirmed }: Limiter): number {
  const rate = Math.min(pace.perSecond ?? Number.POSITIVE_INFINITY, (window.limit * 1_000) / Math.max(1, roundTripMs));
  const minMs = Math.max(shortestSlowerMs, 4 * roundTripMs);
  const maxMs = Math.max(minMs, Math.min(longestSlowerMs, (slowerRequests * 1_000) / rate));
  return Math.min(maxMs, minMs * 2 ** confirmed);
}

function block(limiter: Limiter, waitMs: number | undefined, nowMs: number): void {
  limiter.state = 'blocked';
  limiter.blockedAtMs = nowMs;
  limiter.newsFrom = limiter.sentCount;
  limiter.confirmed = 0;
  endQuota(limiter.quota);
  pause(limiter, waitMs, nowMs);
}

function pause(limiter: Limiter, waitMs = 0, nowMs: number): void {
  const pauseMs = Math.min(20 * 2 ** limiter.pauses++, longestPauseMs);
  limiter.heldUntilMs = nowMs + Math.max(pauseMs, Math.min(waitMs, longestHoldMs));
}

function unblock(limiter: Limiter, nowMs: number): void {
  if (nowMs - limiter.blockedAtMs < shortestQuotaMs) forgetQuota(limiter.quota);
  limiter.refusals.recentShare = 0;
  limiter.pace.dueAtMs = nowMs;
  beginSlower(limiter, nowMs);
}
