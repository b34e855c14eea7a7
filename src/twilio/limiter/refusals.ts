// Is more refused than expected? Refusals that going slower does not cure are expected, whatever their reason. A CUSUM
// (Page, 1954) detects more: a refusal adds one, each request subtracts the expected share and a little more, never
// below 0.

export interface Refusals {
  /** Requests in state "slower": the refusals that it does not cure. Older ones count less. */
  learned: Count;
  /** Requests since the limiter's state changed. */
  seen: Count;
  excess: number;
  /** How many were in flight when requests were refused, since the excess was last 0. */
  inFlight: { lowest: number; sum: number; count: number };
  /** The refused share of about the last dozen. */
  recentShare: number;
}

interface Count {
  requests: number;
  refused: number;
}

/** More than this is never expected. */
const maxExpected = 0.2;
/** How many requests are remembered, and how many of them still count when learning starts again. */
const remembered = 3_000;
const rememberedAtRestart = 100;
/** While nothing is learned, half of the expected share is forgotten in this time. */
const halfLifeMs = 20_000;

export function createRefusals(): Refusals {
  // One of a hundred is assumed of every server.
  return { learned: { requests: 50, refused: 0.5 }, ...fresh(), recentShare: 0 };
}

const fresh = () => ({
  seen: { requests: 0, refused: 0 },
  excess: 0,
  inFlight: { lowest: Number.POSITIVE_INFINITY, sum: 0, count: 0 },
});

/** Counts a request that was accepted, or refused with so many in flight. */
export function count(refusals: Refusals, refusedAt: number | undefined, isSlower: boolean): void {
  const { learned, seen } = refusals;
  const refused = refusedAt === undefined ? 0 : 1;
  seen.requests++;
  seen.refused += refused;
  if (isSlower) {
    const kept = Math.min(1, remembered / learned.requests);
    learned.requests = learned.requests * kept + 1;
    learned.refused = learned.refused * kept + refused;
  }
  refusals.recentShare += (refused - refusals.recentShare) / 12;
  refusals.excess = Math.max(0, refusals.excess + refused - (1.5 * expected(refusals) + 0.015));
  if (refusals.excess === 0) refusals.inFlight = fresh().inFlight;
  if (refusedAt === undefined) return;
  refusals.inFlight.lowest = Math.min(refusals.inFlight.lowest, refusedAt);
  refusals.inFlight.sum += refusedAt;
  refusals.inFlight.count++;
}

/** Whether more is refused than expected, and not by chance: the threshold grows with the expected share. */
export function isExcessive(refusals: Refusals): boolean {
  return refusals.excess > Math.min(8, 0.9 + 150 * expected(refusals));
}

/** Whether over half of the last requests were refused. */
export function areMostRefused({ recentShare }: Refusals): boolean {
  return recentShare > 0.5;
}

/** Time has passed in which nothing is learned. */
export function forgetExpected(refusals: Refusals, ms: number): void {
  refusals.learned.refused *= 0.5 ** (ms / halfLifeMs);
}

/** The refused share since the limiter's state changed. */
export function seenShare({ seen }: Refusals): number {
  return seen.refused / Math.max(1, seen.requests);
}

/** Starts to learn again what is expected; what was known before counts little. */
export function restartLearning(refusals: Refusals): void {
  const { requests, refused } = refusals.learned;
  const kept = Math.min(1, rememberedAtRestart / requests);
  Object.assign(refusals, fresh(), { learned: { requests: requests * kept, refused: refused * kept } });
}

/** Ends the learning. If going slower helped, the refusals before it are not what to expect. */
export function endLearning(refusals: Refusals, shareBefore: number): void {
  const { requests, refused } = refusals.seen;
  if (seenShare(refusals) < shareBefore / 2) refusals.learned = { requests: 50 + requests, refused };
  refusals.seen = fresh().seen;
}

/** A little more than the observed share. */
function expected({ learned: { requests, refused } }: Refusals): number {
  return Math.min(maxExpected, (refused + Math.sqrt(refused)) / requests);
}
