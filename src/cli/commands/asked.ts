// Single conversations that a person asks for (`sync --id`, `retry`, `verify --repair`): recorded, then carried out by a
// running worker where there is one, else here.

import { wait } from '../../lib/wait.ts';
import { type Asked, askFor, findOutcomes, findUnanswered, takeBack } from '../../postgres/asked.ts';
import type { Database } from '../../postgres/database.ts';
import { LeaseHeld } from '../../postgres/tenure.ts';
import { syncIds } from '../../sync/once.ts';
import { exitStatus } from '../exit-status.ts';
import { leased, type Surroundings } from './leased.ts';

/** The worker asks every 5 s, and may be in the middle of a batch. */
const askedWaitMs = 60_000;

/** Fetches and stores them. @returns how each stands then. @throws what ended it; the asks are taken back. */
export async function fetchAsked(around: Surroundings, command: string, ids: string[]): Promise<Asked[]> {
  const { database, terminal, signal } = around;
  await askFor(database, ids);
  try {
    await leased(around, { command, waitMs: 0 }, async (context, held) => {
      await syncIds(context, ids, held);
      return exitStatus.inSync;
    });
  } catch (error) {
    if (!(error instanceof LeaseHeld)) {
      await takeBack(database, ids);
      throw error;
    }
    terminal.write('Asked the running worker for it.');
    await answered(database, ids, signal);
  }
  return await findOutcomes(database, ids);
}

async function answered(database: Database, ids: string[], signal: AbortSignal): Promise<void> {
  let left = await findUnanswered(database, ids);
  let waitedMs = 0;
  while (left.length > 0) {
    if (waitedMs >= askedWaitMs) {
      throw new Error(
        `the running worker has not come to it in ${askedWaitMs / 1000} s; it will: ${left.length} are recorded as due`,
      );
    }
    await wait(500, signal);
    const before = left.length;
    left = await findUnanswered(database, ids);
    // It makes progress: many take long.
    waitedMs = left.length < before ? 0 : waitedMs + 500;
  }
}
