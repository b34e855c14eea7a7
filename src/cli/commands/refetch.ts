// Fetches single conversations that a person requests (`sync --id`, `retry`, `verify --repair`). The request is recorded in the
// database; a running worker carries it out if there is one, otherwise this process does.

import { wait } from '../../lib/wait.ts';
import type { Database } from '../../postgres/database.ts';
import { cancelRefetch, findResults, findWaiting, type RefetchResult, requestRefetch } from '../../postgres/due.ts';
import { LeaseHeld } from '../../postgres/while-leased.ts';
import { syncIds } from '../../sync/once.ts';
import { exitStatus } from '../exit-status.ts';
import { type Invocation, leased } from './leased.ts';

/** The worker looks every 5 s, and may be in the middle of a batch. */
const waitLimitMs = 60_000;
const pollEveryMs = 500;

/** Fetches and stores the conversations. @returns what became of each. @throws what ended it, after cancelling the requests. */
export async function refetch(invocation: Invocation, command: string, ids: string[]): Promise<RefetchResult[]> {
  const { config, database, terminal, signal } = invocation;
  await requestRefetch(database, ids, config.sync.operatorResults);
  try {
    await leased(invocation, { command, waitMs: 0 }, async (context, held) => {
      await syncIds(context, ids, held);
      return exitStatus.inSync;
    });
  } catch (error) {
    if (!(error instanceof LeaseHeld)) {
      await cancelRefetch(database, ids);
      throw error;
    }
    terminal.write('Asked the running worker for it.');
    await waitUntilDone(database, ids, signal);
  }
  return await findResults(database, ids);
}

/** Waits for the running worker as long as it makes progress. */
async function waitUntilDone(database: Database, ids: string[], signal: AbortSignal): Promise<void> {
  let waiting = await findWaiting(database, ids);
  let waitedMs = 0;
  while (waiting.length > 0) {
    if (waitedMs >= waitLimitMs) {
      throw new Error(
        `the running worker has not fetched them within ${waitLimitMs / 1000} s; it still will: ${waiting.length} are recorded as due`,
      );
    }
    await wait(pollEveryMs, signal);
    const before = waiting.length;
    waiting = await findWaiting(database, ids);
    waitedMs = waiting.length < before ? 0 : waitedMs + pollEveryMs;
  }
}
