// A quota for a longer time, such as 300 a minute: how many more requests will be accepted? Either the server counts it down
// in its headers, or it refuses everything after the same number of answers as before. Neither is certain: when the quota
// should be used up, requests go one by one, and a few that are accepted nevertheless prove that there is no quota.

export interface Quota {
  /** Accepted since everything was refused, and up to then. */
  accepted: number;
  acceptedBefore: number;
  /** How many will be accepted; Infinity if unknown. */
  max: number;
  /** Accepted beyond that. */
  beyond: number;
  /** The headers have not been proved wrong. */
  isCountedDown: boolean;
}

const proof = 3;

export function createQuota(): Quota {
  return { accepted: 0, acceptedBefore: 0, max: Number.POSITIVE_INFINITY, beyond: 0, isCountedDown: true };
}

/** How many more may be in flight. */
export function leftOf({ max, accepted }: Quota): number {
  return Math.max(1, max - accepted);
}

export function isUsedUp({ max, accepted }: Quota): boolean {
  return accepted >= max;
}

/** One more was accepted; `remaining` according to the server. */
export function countAccepted(quota: Quota, remaining: number | undefined): void {
  quota.accepted++;
  if (quota.accepted > quota.max && ++quota.beyond >= proof) {
    quota.max = Number.POSITIVE_INFINITY;
    quota.isCountedDown = false;
  }
  if (remaining === undefined || !quota.isCountedDown) return;
  quota.max = quota.accepted + remaining;
  if (remaining > 0) quota.beyond = 0;
}

/** Everything is refused: the quota may be used up. If the number is the same as the last time, it is. */
export function endQuota(quota: Quota): void {
  const { accepted, acceptedBefore } = quota;
  const isAlike = Math.abs(accepted - acceptedBefore) <= 0.1 * acceptedBefore;
  const max = isAlike ? accepted : Number.POSITIVE_INFINITY;
  Object.assign(quota, createQuota(), { acceptedBefore: accepted, max });
}

/** It was not a quota. */
export function forgetQuota(quota: Quota): void {
  Object.assign(quota, createQuota());
}

/** A request that was accepted before everything was refused is answered only now. */
export function countLate(quota: Quota): void {
  quota.acceptedBefore++;
  quota.max++;
}

/** X-RateLimit-Remaining as a number; undefined if it is not one, or more than X-RateLimit-Limit. */
export function remainingOf(remaining: string | undefined, limit: string | undefined): number | undefined {
  if (!/^\s*\d{1,15}\s*$/.test(remaining ?? '')) return undefined;
  const left = Number(remaining);
  return /^\s*\d{1,15}\s*$/.test(limit ?? '') && left > Number(limit) ? undefined : left;
}
