// Replicas share the accounts: this process says that it runs, and takes for its share what falls to it by the number of those that do.
// Where that cannot be known, each tries for all accounts: their leases alone decide who works.

import { wait } from '../lib/wait.ts';
import type { Database } from '../postgres/database.ts';
import { beat, beatSeconds, createReplicas, leave, shareOf, untilOneIsMissed } from '../postgres/replicas.ts';
import type { Log } from './log.ts';
import type { Places } from './places.ts';

export interface SharingOptions {
  database: Database;
  /** The name of this process. */
  replica: string;
  /** How many accounts there are. */
  accounts: () => number;
  places: Places;
  log: Log;
  signal: AbortSignal;
}

/** So much later than a beat could still count. */
const missedMs = 100;
/** How long giving up the share may take at the end. Whoever does not is counted for a few seconds more. */
const leaveMs = 1_000;

/** Keeps the share right until the signal is aborted. @throws its reason. */
export async function keepSharing({
  database,
  replica,
  accounts,
  places,
  log,
  signal,
}: SharingOptions): Promise<never> {
  let isMade = false;
  let replicas = 0;
  let isFailing = false;
  try {
    for (;;) {
      let nextMs = beatSeconds * 1000;
      try {
        if (!isMade) await createReplicas(database);
        isMade = true;
        const found = await beat(database, replica);
        if (found !== replicas)
          log.info({ replicas: found, share: shareOf(accounts(), found) }, 'replicas share the accounts');
        replicas = found;
        // One that has died is missed at once, not up to a beat later: its accounts are without a worker.
        nextMs = Math.min(nextMs, ((await untilOneIsMissed(database, replica)) ?? nextMs) + missedMs);
        isFailing = false;
      } catch (error) {
        if (!isFailing) log.error({ err: error }, 'the replicas cannot be counted');
        isFailing = true;
      }
      places.setShare(shareOf(accounts(), replicas));
      await wait(Math.max(missedMs, nextMs), signal);
    }
  } finally {
    const over = new AbortController();
    const left = leave(database, replica).finally(() => over.abort());
    await Promise.race([left, wait(leaveMs, over.signal)]).catch(() => {});
  }
}
