// What is kept of what the API says, and for how long. Pure; times are whole seconds.

import { day } from '../lib/duration.ts';

export interface Keep {
  /** For how long after they were created conversations are kept; null: for ever. */
  retentionSeconds: number | null;
  /** What the API no longer has is erased; else it is marked as deleted. */
  eraseDeleted: boolean;
  /** How often each closed conversation is fetched again, in seconds; null: never. */
  rereadSeconds: number | null;
}

export const keepEverything: Readonly<Keep> = { retentionSeconds: null, eraseDeleted: false, rereadSeconds: null };

/** Conversations created before this are not kept; null: all are. It is cut to the UTC day, so that it moves once a day. */
export function edgeOf(retentionSeconds: number | null, now: number): number | null {
  return retentionSeconds === null ? null : Math.floor((now - retentionSeconds) / day) * day;
}

/** Whether a first erasure takes more than is likely to be meant: over 20 % of what is stored. */
export function isMassErasure(old: number, stored: number): boolean {
  return old > stored * 0.2;
}
