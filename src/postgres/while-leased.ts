// Does work under the lease: waits for it, renews it while the work goes on, and gives it back at the end. If it is lost, the
// work's signal is aborted within seconds. Its writes would be refused anyway.

import { wait } from '../lib/wait.ts';
import { LeaseLost } from '../sync/model.ts';
import type { Database } from './database.ts';
import { leaseSeconds, renewLease, returnLease, takeLease } from './lease.ts';
import { Obstacle } from './obstacles.ts';

/** Another process held the lease for all the time that there was to wait. */
export class LeaseHeld extends Error {
  override readonly name = 'LeaseHeld';
  constructor(heldBy: string, waitedMs: number) {
    super(
      `another worker holds the lease (${heldBy}), also after ${Math.round(waitedMs / 1000)} s: a database has one writer at a time`,
    );
  }
}

export interface LeaseOptions {
  /** The holder's name, for people to read. */
  holder: string;
  signal: AbortSignal;
  /** How long to wait for another worker's lease; without a limit by default. */
  giveUpAfterMs?: number;
  /** Called at each try that finds another holder. */
  onWaiting?: (heldBy: string) => void;
  /** Called if the lease could not be renewed in time, and when it is held again. */
  onHeld?: (held: boolean) => void;
  /** Shorter waits, for tests. */
  limits?: { renewEveryMs?: number; termMs?: number };
}

const askEveryMs = 2_000;
const renewAfterMs = 5_000;
const returnLimitMs = 3_000;

/** Does the work under a lease of its own. @throws LeaseHeld, LeaseLost, Obstacle, the signal's reason, and what the work throws. */
export async function whileLeased<Result>(
  database: Database,
  options: LeaseOptions,
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
    // If the database cannot be reached, there is nothing to wait for: the lease expires.
    const over = new AbortController();
    const giving = renewing.then(() => returnLease(database, epoch)).finally(() => over.abort());
    await Promise.race([giving, wait(returnLimitMs, over.signal)]).catch(() => {});
  }
}

/** Renews the lease until aborted. @throws LeaseLost, Obstacle. Other errors are ignored: the loads report them. */
async function keepRenewed(
  database: Database,
  epoch: number,
  ended: AbortSignal,
  { onHeld = () => {}, limits = {} }: LeaseOptions,
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
