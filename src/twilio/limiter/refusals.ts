// Is more refused than is to be expected? What going slower does not cure is expected, whatever the reason. "More" is
// told by a CUSUM (Page, 1954): a refusal adds one, each request takes away what is expected and a little, never below 0.

export interface Refusals {
  /** Of requests while going slower: what that has not cured. Older ones count less. */
  learned: Count;
  /** Of requests since the limiter's state changed. */
  seen: Count;
  excess: number;
  /** How many were in flight where requests were refused, since there was no excess. */
  inFlight: { lowest: number; sum: number; count: number };
  /** The share of the last dozen or so. */
  recentShare: number;
}

interface Count {
  requests: number;
  refused: number;
}

/** More than this is never expected. */
const mostExpected = 0.2;
/** As many requests as are remembered of what was learned, and as many as count once it is learned anew. */
const remembered = 3_000;
const rememberedAnew = 100;
/** While nothing is learned, half of what is expected is forgotten in this time. */
const halfForgottenMs = 20_000;

export function createRefusals(): Refusals {
  // One of a hundred is believed of every server.
  return { learned: { requests: 50, refused: 0.5 }, ...fresh(), recentShare: 0 };
}

const fresh = () => ({
  seen: { requests: 0, refused: 0 },
  excess: 0,
  inFlight: { lowest: Number.POSITIVE_INFINITY, sum: 0, count: 0 },
});

/** Counts a request that was taken, or refused with so many in flight. */
export function judge(refusals: Refusals, refusedAt: number | undefined, isSlower: boolean): void {
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

/** More than is expected, and not by chance: the more is expected, the more often it is passed by chance. */
export function isTooMuch(refusals: Refusals): boolean {
  return refusals.excess > Math.min(8, 0.9 + 150 * expected(refusals));
}

/** Over half of the last ones. */
export function isMost({ recentShare }: Refusals): boolean {
  return recentShare > 0.5;
}

/** Time in which nothing is learned. */
export function forgetExpected(refusals: Refusals, ms: number): void {
  refusals.learned.refused *= 0.5 ** (ms / halfForgottenMs);
}

/** The share of those since the limiter's state changed. */
export function seenShare({ seen }: Refusals): number {
  return seen.refused / Math.max(1, seen.requests);
}

/** Begins to learn anew what is expected; what was known before counts little. */
export function learnAnew(refusals: Refusals): void {
  const { requests, refused } = refusals.learned;
  const kept = Math.min(1, rememberedAnew / requests);
  Object.assign(refusals, fresh(), { learned: { requests: requests * kept, refused: refused * kept } });
}

/** Ends the learning: was it our speed, what was refused before it is no measure of what to expect. */
export function endLearning(refusals: Refusals, shareBefore: number): void {
  const { requests, refused } = refusals.seen;
  if (seenShare(refusals) < shareBefore / 2) refusals.learned = { requests: 50 + requests, refused };
  refusals.seen = fresh().seen;
}

/** A little more than was seen. */
function expected({ learned: { requests, refused } }: Refusals): number {
  return Math.min(mostExpected, (refused + Math.sqrt(refused)) / requests);
}
