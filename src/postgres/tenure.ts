// Work done under the lease: waited for, renewed while the work goes on, given back at its end. When it is lost, which
// is noticed within seconds, the work's signal is aborted; its writes would be refused anyway.

import { wait } from '../lib/wait.ts';
import { LeaseLost } from '../sync/model.ts';
import type { Database } from './database.ts';
import { leaseSeconds, renewLease, returnLease, takeLease } from './lease.ts';
import { Obstacle } from './obstacles.ts';

/** The lease was not to be had in the time there was. */
export class LeaseHeld extends Error {
  override readonly name = 'LeaseHeld';
  constructor(heldBy: string, waitedMs: number) {
    super(
      `another worker holds the lease (${heldBy}), also after ${Math.round(waitedMs / 1000)} s: a database has one writer at a time`,
    );
  }
}

export interface TenureOptions {
  /** Who takes it, for people to read. */
  holder: string;
  signal: AbortSignal;
  /** How long to wait for another worker's; for ever unless given. */
  giveUpAfterMs?: number;
  /** Told at each ask that somebody else has it. */
  onWaiting?: (heldBy: string) => void;
  /** Told that the lease ran out, since it could not be renewed within its term; and that it is held again after all. */
  onHeld?: (held: boolean) => void;
  /** Where waits are to be shorter than they are by themselves. */
  limits?: { renewEveryMs?: number; termMs?: number };
}

const askEveryMs = 2_000;
const renewAfterMs = 5_000;
const returnLimitMs = 3_000;

/** Does the work under a lease of its own. @throws LeaseHeld, LeaseLost, Obstacle, the signal's reason, and what the work throws. */
export async function whileLeased<Result>(
  database: Database,
  options: TenureOptions,
  work: (epoch: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { holder, signal, giveUpAfterMs = Number.POSITIVE_INFINITY, onWaiting } = options;
  let waitedMs = 0;
  let taken = await takeLease(database, holder);
  while ('heldBy' in taken) {
    onWaiting?.(taken.heldBy);
    if (waitedMs >= giveUpAfterMs) throw new LeaseHeld(taken.heldBy, waitedMs);
    await wait(askEveryMs, signal);
    waitedMs += askEveryMs;
    taken = await takeLease(database, holder);
  }
  const { epoch } = taken;
  const ended = new AbortController();
  const lost = new AbortController();
  const renewing = keepRenewed(database, epoch, ended.signal, options).catch((error: unknown) => lost.abort(error));
  try {
    return await work(epoch, AbortSignal.any([signal, lost.signal]));
  } finally {
    ended.abort();
    // Where the database is away there is nothing to wait for: the lease expires by itself.
    const over = new AbortController();
    const giving = renewing.then(() => returnLease(database, epoch)).finally(() => over.abort());
    await Promise.race([giving, wait(returnLimitMs, over.signal)]).catch(() => {});
  }
}

/** Renews until told to stop. @throws LeaseLost, Obstacle; anything else passes, and the loads will tell. */
async function keepRenewed(
  database: Database,
  epoch: number,
  ended: AbortSignal,
  { onHeld = () => {}, limits = {} }: TenureOptions,
): Promise<void> {
  const { renewEveryMs = renewAfterMs, termMs = leaseSeconds * 1000 } = limits;
  let held = true;
  const turn = (now: boolean) => {
    if (held !== now && !ended.aborted) onHeld(now);
    held = now;
  };
  const beginTerm = () => setTimeout(() => turn(false), termMs);
  let term = beginTerm();
  try {
    for (;;) {
      await wait(renewEveryMs, ended);
      try {
        await renewLease(database, epoch);
        clearTimeout(term);
        term = beginTerm();
        turn(true);
      } catch (error) {
        if (error instanceof LeaseLost || error instanceof Obstacle) throw error;
      }
    }
  } catch (error) {
    if (!ended.aborted) throw error;
  } finally {
    clearTimeout(term);
  }
}
