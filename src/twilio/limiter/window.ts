// The window: how many requests may be in flight. It doubles until something is refused, returns quickly to just below that
// point (the ceiling), and grows slowly above it.

import { timerMs } from './pace.ts';

export interface Window {
  /** Allowed in flight; the fraction adds up until it is a whole request. */
  limit: number;
  readonly max: number;
  /** Up to here the limit grows quickly. */
  ceiling: number;
  doubling: { fromMs: number; upTo: number } | undefined;
  /** The earliest time for the next request, so that answers that come together do not cause a burst. */
  spreadAtMs: number;
  /** The limit before it was lowered as a trial; undefined if there is no trial. */
  triedFrom: number | undefined;
  /** The limit that was kept last, and whether it had almost no refusals. */
  settled: { limit: number; isGood: boolean };
}

const firstLimit = 4;
/** A doubling takes at least this long, so that a small limit a second is exceeded by less. */
const doublingMs = 100;
/** The share of a round trip that a window is spread over. */
const spread = 0.95;

export function createWindow(max: number): Window {
  return {
    limit: Math.min(firstLimit, max),
    max,
    ceiling: max,
    doubling: { fromMs: Number.NEGATIVE_INFINITY, upTo: 0 },
    spreadAtMs: 0,
    triedFrom: undefined,
    settled: { limit: Number.POSITIVE_INFINITY, isGood: true },
  };
}

/** A request is sent. Once a limit is known, the requests of a round trip are spread over it. */
export function spreadOut(window: Window, roundTripMs: number, nowMs: number): void {
  if (window.ceiling >= window.max) return;
  window.spreadAtMs = Math.max(window.spreadAtMs, nowMs - timerMs) + (spread * roundTripMs) / window.limit;
}

/** An answer has come that used the window. `perRoundTrip`: the growth above the ceiling in a round trip. */
export function growWindow(window: Window, perRoundTrip: number, nowMs: number): void {
  const { limit, ceiling, doubling, max } = window;
  if (doubling !== undefined) {
    if (nowMs >= doubling.fromMs + doublingMs) window.doubling = { fromMs: nowMs, upTo: limit * 2 };
    window.limit = Math.min(limit + 1, window.doubling?.upTo ?? max, max);
  } else if (limit < ceiling) {
    window.limit = Math.min(limit + 1, ceiling);
  } else {
    // There are as many answers in a round trip as the limit: together they are the growth of a round trip.
    window.ceiling = Math.min(ceiling + perRoundTrip / limit, max);
    window.limit = window.ceiling;
  }
}

/** Lowers the window below the number in flight when requests were refused. @returns whether that is the limit that held before. */
export function lowerWindow(
  window: Window,
  refusedAt: { lowest: number; sum: number; count: number },
  isAgain: boolean,
): boolean {
  const { limit, settled } = window;
  const usual = refusedAt.sum / refusedAt.count - 1;
  if (!isAgain && usual >= 0.9 * settled.limit) {
    window.ceiling = Math.max(settled.isGood ? settled.limit : 1, Math.min(usual, limit - 1));
    window.limit = window.ceiling;
    return window.limit - settled.limit <= Math.max(1, 0.1 * settled.limit);
  }
  // A trial with half of it shows whether the window is the limit at all; it then returns to the ceiling.
  const isTried = window.triedFrom !== undefined;
  window.triedFrom ??= limit;
  window.ceiling = Math.max(1, Math.min(isTried ? 0.9 * limit : limit, refusedAt.lowest - 1));
  window.limit = Math.max(1, Math.min(window.ceiling, Math.floor(window.triedFrom / 2)));
  return false;
}

/** The trial did not help: the window is as wide as before. */
export function restoreWindow(window: Window): void {
  window.limit = Math.max(window.limit, window.triedFrom ?? 0);
  window.ceiling = Math.max(window.ceiling, window.limit);
  window.triedFrom = undefined;
}

/** The limit has held for a while, with this share refused. */
export function settleWindow(window: Window, refusedShare: number): void {
  window.triedFrom = undefined;
  window.settled = { limit: window.limit, isGood: refusedShare < 0.02 };
}
