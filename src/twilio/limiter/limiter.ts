// When may the next request be sent? A pure state machine of the events "asked", "sent" and "answered", each with its
// time. It keeps two limits, learned from 429s: a window (how many are in flight) and a pace (how many a second).
//
//   growing ── more refused than expected ──► slower ── its time is over ──► growing
//      └───────── over half refused ──► blocked ── a good answer ──► slower
//
// - growing: the window doubles at first; later window and pace grow slowly, then faster and faster.
// - slower: the limit that held requests back goes to what was taken. Where none did, the window is tried first, and the
//   pace if the next ones are refused as well. Nothing grows. The share that is refused all the same is not cured by
//   going slower: it is expected from now on, and only more than that slows us down again. Refusals at random do not.
// - blocked: one request at a time, each after a longer pause and not before the time that the server named.
//
// A refused request waits by itself before it asks again. What goes wrong with requests that were sent before the state
// changed is no news.

import {
  createPace,
  forget,
  isIdle,
  keepPace,
  lowerPace,
  type Pace,
  type Ticket,
  uncount,
  waitForPace,
} from './pace.ts';
import { countLate, countTaken, createQuota, endQuota, forgetQuota, isUsedUp, leftOf, type Quota } from './quota.ts';
import {
  createRefusals,
  endLearning,
  forgetExpected,
  isMost,
  isTooMuch,
  judge,
  learnAnew,
  type Refusals,
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

/** How a request ended: answered, refused with 429, or neither (5xx, no answer, aborted). */
export type Ending =
  /** `remaining` is what the server says is left of a quota. */
  | { kind: 'good'; remaining?: number | undefined }
  /** `waitMs` is what the server asks to wait. */
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
  /** What made the next one wait, if anything has. */
  heldBy: Ticket['heldBy'];
  /** Nothing is sent before. */
  heldUntilMs: number;
  slowerUntilMs: number;
  /** The share that was refused before "slower" began. */
  shareBefore: number;
  /** How often in a row a limit was found where it was. */
  confirmed: number;
  /** Sent since "growing" began. */
  grown: number;
  blockedAtMs: number;
  passedAtMs: number;
  /** How long the pauses of "blocked" have grown. */
  pauses: number;
  /** Tickets with a lower number were sent before the state changed. */
  newsFrom: number;
  lastJudged: number;
}

const shortestSlowerMs = 3_000;
const longestSlowerMs = 100_000;
/** Growing costs a refusal or two: let each pay for itself a hundred times over. */
const slowerRequests = 100;
const longestHoldMs = 120_000;
const longestPauseMs = 5_000;
/** What is over sooner is a matter of pace. */
const shortestQuotaMs = 5_000;

/** A limiter that has seen nothing; `maxConcurrency` from 1. */
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
    passedAtMs: 0,
    pauses: 0,
    newsFrom: 0,
    lastJudged: -1,
  };
}

/** Requests that may be in flight now. */
export function allowed({ state, window, quota }: Limiter): number {
  return state === 'blocked' ? 1 : Math.min(Math.floor(window.limit), leftOf(quota));
}

/** Somebody wants to send: 0 for now, else ask again after so many milliseconds; Infinity is after the next answer. */
export function asked(limiter: Limiter, nowMs: number): number {
  pass(limiter, nowMs);
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

/** A request is sent now; hand its ticket to `answered` once. */
export function sent(limiter: Limiter, nowMs: number): Ticket {
  const { pace, heldBy } = limiter;
  const isGrowing = limiter.state === 'growing';
  limiter.inFlight++;
  limiter.heldBy = undefined;
  const number = limiter.sentCount++;
  const ticket = { number, sentAtMs: nowMs, inFlight: limiter.inFlight, heldBy, isRefused: false, isCounted: true };
  if (isGrowing) limiter.grown++;
  keepPace(pace, ticket, 0.05 * eagerness(limiter, nowMs));
  // A pace that holds nothing back while the window does is not the limit.
  if (isGrowing && isIdle(pace) && limiter.inFlight >= allowed(limiter)) pace.perSecond = undefined;
  spreadOut(limiter.window, limiter.roundTripMs, nowMs);
  return ticket;
}

/** A request has ended. */
export function answered(limiter: Limiter, ticket: Ticket, ending: Ending, nowMs: number): void {
  pass(limiter, nowMs);
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
    else countTaken(limiter.quota, ending.remaining);
  }
  if (!isNews) return;
  if (limiter.state === 'blocked') {
    if (ending.kind === 'good') unblock(limiter, nowMs);
    else pause(limiter, ending.waitMs, nowMs);
    return;
  }
  judgeInOrder(limiter, ticket);
  if (ending.kind === 'good') grow(limiter, ticket, nowMs);
  else refuse(limiter, ticket, ending.waitMs, nowMs);
}

/** What time alone changes. */
function pass(limiter: Limiter, nowMs: number): void {
  const { window, pace, refusals } = limiter;
  forget(pace, nowMs, limiter.roundTripMs);
  if (limiter.state === 'growing') forgetExpected(refusals, nowMs - limiter.passedAtMs);
  limiter.passedAtMs = nowMs;
  if (limiter.state !== 'slower' || nowMs < limiter.slowerUntilMs) return;
  limiter.state = 'growing';
  settleWindow(window, seenShare(refusals));
  pace.settledAt = pace.perSecond;
  endLearning(refusals, limiter.shareBefore);
}

/** Those sent before one that has its answer, and not refused so far, count as taken: refusals may come sooner than answers. */
function judgeInOrder(limiter: Limiter, ticket: Ticket): void {
  const { refusals, lastJudged } = limiter;
  const isSlower = limiter.state === 'slower';
  for (let number = Math.max(lastJudged + 1, limiter.newsFrom); number < ticket.number; number++) {
    judge(refusals, undefined, isSlower);
  }
  if (ticket.isRefused) judge(refusals, ticket.inFlight, isSlower);
  else if (ticket.number > lastJudged) judge(refusals, undefined, isSlower);
  limiter.lastJudged = Math.max(lastJudged, ticket.number);
}

function grow(limiter: Limiter, ticket: Ticket, nowMs: number): void {
  const { window, roundTripMs } = limiter;
  limiter.pauses = Math.max(0, limiter.pauses - 0.25);
  // Far below the limit, an answer says nothing about it.
  if (Math.max(ticket.inFlight, limiter.inFlight + 1) < window.limit / 2) return;
  growWindow(window, (eagerness(limiter, nowMs) * roundTripMs) / 1_000, nowMs);
}

/** 1 when growing begins, and twice that every second more, to 64; but not faster than answers can tell. */
function eagerness({ state, slowerUntilMs, roundTripMs, grown }: Limiter, nowMs: number): number {
  if (state !== 'growing') return 0;
  return 2 ** Math.min((nowMs - slowerUntilMs) / Math.max(1_000, roundTripMs), grown / 4, 6);
}

function refuse(limiter: Limiter, ticket: Ticket, waitMs: number | undefined, nowMs: number): void {
  const { refusals, quota, window } = limiter;
  if (isUsedUp(quota)) {
    block(limiter, waitMs, nowMs);
  } else if (isMost(refusals)) {
    slowDown(limiter, ticket, nowMs);
    window.limit = Math.max(1, window.limit / 2);
    block(limiter, waitMs, nowMs);
  } else if (isTooMuch(refusals)) {
    slowDown(limiter, ticket, nowMs);
  }
}

function slowDown(limiter: Limiter, refused: Ticket, nowMs: number): void {
  const { window, pace, refusals } = limiter;
  const isAgain = limiter.state === 'slower';
  const isAlone = refused.inFlight === 1 && limiter.inFlight === 0;
  const isInVain = window.triedFrom !== undefined && refused.inFlight <= window.triedFrom / 2;
  let isKnown: boolean;
  if (refused.heldBy === 'pace' || isAlone || isInVain) {
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
  limiter.slowerUntilMs = nowMs + slowerFor(limiter);
  limiter.newsFrom = limiter.sentCount;
  limiter.window.doubling = undefined;
  limiter.grown = 0;
  learnAnew(limiter.refusals);
}

/** Long enough to learn what is expected, and longer each time that the same limit was found. */
function slowerFor({ pace, window, roundTripMs, confirmed }: Limiter): number {
  const rate = Math.min(pace.perSecond ?? Number.POSITIVE_INFINITY, (window.limit * 1_000) / Math.max(1, roundTripMs));
  const leastMs = Math.max(shortestSlowerMs, 4 * roundTripMs);
  const mostMs = Math.max(leastMs, Math.min(longestSlowerMs, (slowerRequests * 1_000) / rate));
  return Math.min(mostMs, leastMs * 2 ** confirmed);
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
