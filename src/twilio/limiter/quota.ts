// A quota of a longer time, 300 a minute for example: how many more will be taken? The server counts it down in its
// headers, or refuses everything after as many answers as the time before. Neither is trusted: where the quota should be
// used up, requests go one by one, and a few that are taken all the same prove that there is none.

export interface Quota {
  /** Taken since everything was refused, and until then. */
  taken: number;
  takenBefore: number;
  /** As many will be taken; Infinity where nothing is known. */
  most: number;
  /** Taken beyond that. */
  beyond: number;
  /** What the headers say has not been proven wrong. */
  isCountedDown: boolean;
}

const proof = 3;

export function createQuota(): Quota {
  return { taken: 0, takenBefore: 0, most: Number.POSITIVE_INFINITY, beyond: 0, isCountedDown: true };
}

/** How many more may be in flight. */
export function leftOf({ most, taken }: Quota): number {
  return Math.max(1, most - taken);
}

export function isUsedUp({ most, taken }: Quota): boolean {
  return taken >= most;
}

/** One more was taken; the server says so many remain. */
export function countTaken(quota: Quota, remaining: number | undefined): void {
  quota.taken++;
  if (quota.taken > quota.most && ++quota.beyond >= proof) {
    quota.most = Number.POSITIVE_INFINITY;
    quota.isCountedDown = false;
  }
  if (remaining === undefined || !quota.isCountedDown) return;
  quota.most = quota.taken + remaining;
  if (remaining > 0) quota.beyond = 0;
}

/** Everything is refused: the quota may be used up. After as many as the time before it is no chance. */
export function endQuota(quota: Quota): void {
  const { taken, takenBefore } = quota;
  const isAlike = Math.abs(taken - takenBefore) <= 0.1 * takenBefore;
  const most = isAlike ? taken : Number.POSITIVE_INFINITY;
  Object.assign(quota, createQuota(), { takenBefore: taken, most });
}

/** It was something else. */
export function forgetQuota(quota: Quota): void {
  Object.assign(quota, createQuota());
}

/** One that was taken before everything was refused has its answer only now. */
export function countLate(quota: Quota): void {
  quota.takenBefore++;
  quota.most++;
}

/** X-RateLimit-Remaining as a number; undefined where it is none, or more than X-RateLimit-Limit. */
export function remainingOf(remaining: string | undefined, limit: string | undefined): number | undefined {
  if (!/^\s*\d{1,15}\s*$/.test(remaining ?? '')) return undefined;
  const left = Number(remaining);
  return /^\s*\d{1,15}\s*$/.test(limit ?? '') && left > Number(limit) ? undefined : left;
}
