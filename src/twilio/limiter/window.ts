// The window: how many requests are in flight. It doubles until something is refused, and returns fast to just below
// where that was; beyond it grows by addition.

import { timerMs } from './pace.ts';

export interface Window {
  /** Allowed in flight; its fraction is growth not yet reached. */
  limit: number;
  readonly most: number;
  /** Up to here the limit grows fast. */
  ceiling: number;
  doubling: { fromMs: number; upTo: number } | undefined;
  /** When the next may be sent, so that answers that come together are not followed by a burst. */
  spreadAtMs: number;
  /** The limit when it was lowered for a try; undefined where it is no try. */
  triedFrom: number | undefined;
  /** What it was settled at when it was last tried, and whether next to nothing was refused there. */
  settled: { limit: number; isGood: boolean };
}

const firstLimit = 4;
/** The first doublings take this long at least: where a second's quota is small, it is overrun by less. */
const doublingMs = 100;
/** So much of a round trip a window is spread over. */
const spread = 0.95;

export function createWindow(most: number): Window {
  return {
    limit: Math.min(firstLimit, most),
    most,
    ceiling: most,
    doubling: { fromMs: Number.NEGATIVE_INFINITY, upTo: 0 },
    spreadAtMs: 0,
    triedFrom: undefined,
    settled: { limit: Number.POSITIVE_INFINITY, isGood: true },
  };
}

/** A request is sent; once a limit has shown, those of a round trip are spread over it. */
export function spreadOut(window: Window, roundTripMs: number, nowMs: number): void {
  if (window.ceiling >= window.most) return;
  window.spreadAtMs = Math.max(window.spreadAtMs, nowMs - timerMs) + (spread * roundTripMs) / window.limit;
}

/** An answer that used the window has come; `perRoundTrip` is the growth of a round trip beyond the ceiling. */
export function growWindow(window: Window, perRoundTrip: number, nowMs: number): void {
  const { limit, ceiling, doubling, most } = window;
  if (doubling !== undefined) {
    if (nowMs >= doubling.fromMs + doublingMs) window.doubling = { fromMs: nowMs, upTo: limit * 2 };
    window.limit = Math.min(limit + 1, window.doubling?.upTo ?? most, most);
  } else if (limit < ceiling) {
    window.limit = Math.min(limit + 1, ceiling);
  } else {
    // In a round trip there are as many answers as the limit: together they are one round trip's growth.
    window.ceiling = Math.min(ceiling + perRoundTrip / limit, most);
    window.limit = window.ceiling;
  }
}

/** Lowers the window to fewer than were in flight where requests were refused. @returns whether it had settled there. */
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
  // Half of it tells whether it is the window at all; from there it returns to the ceiling by itself.
  const isTried = window.triedFrom !== undefined;
  window.triedFrom ??= limit;
  window.ceiling = Math.max(1, Math.min(isTried ? 0.9 * limit : limit, refusedAt.lowest - 1));
  window.limit = Math.max(1, Math.min(window.ceiling, Math.floor(window.triedFrom / 2)));
  return false;
}

/** The window was tried in vain: it is as wide as before. */
export function restoreWindow(window: Window): void {
  window.limit = Math.max(window.limit, window.triedFrom ?? 0);
  window.ceiling = Math.max(window.ceiling, window.limit);
  window.triedFrom = undefined;
}

/** The limit has held for a while, with so large a share refused. */
export function settleWindow(window: Window, refusedShare: number): void {
  window.triedFrom = undefined;
  window.settled = { limit: window.limit, isGood: refusedShare < 0.02 };
}
