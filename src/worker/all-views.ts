// Keeps the views over all accounts as they should be: after a migration, and when accounts come or go. What stands in their way is
// logged once, and tried again.

import { wait } from '../lib/wait.ts';
import { type AllOf, mostAccounts, updateAllViews } from '../postgres/all-views.ts';
import type { Database } from '../postgres/database.ts';
import type { Log } from './log.ts';

export interface AllViewsOptions {
  database: Database;
  accounts: () => AllOf[];
  /** Set by whoever has changed what the views show. */
  views: { due: boolean };
  /** Whether this process works for any account, and migrates none: a migration keeps views from being made. */
  isTime: () => boolean;
  log: Log;
  signal: AbortSignal;
}

/** Accounts that come together are looked at together. */
const lookEveryMs = 5_000;
const againAfterMs = { first: 10_000, later: 60_000 };

/** Works until the signal is aborted. @throws its reason. */
export async function keepAllViews({
  database,
  accounts,
  views,
  isTime,
  log,
  signal,
}: AllViewsOptions): Promise<never> {
  const seen = new Map<string, number>();
  /** The first time, it may be a migration that is running. */
  const sayIfAgain = (what: string, say: () => void) => {
    const times = (seen.get(what) ?? 0) + 1;
    seen.set(what, times);
    if (times === 2) say();
  };
  let inVain = 0;
  let againAtMs = Number.POSITIVE_INFINITY;
  for (;;) {
    await wait(lookEveryMs, signal);
    if (!isTime() || !(views.due || performance.now() >= againAtMs)) continue;
    views.due = false;
    let isDone = false;
    try {
      const { made, dropped, kept, tooMany } = await updateAllViews(database, accounts());
      if (made.length + dropped.length > 0) log.info({ made, dropped }, 'views over all accounts were made');
      for (const { view, reason } of kept)
        sayIfAgain(`${view}: ${reason}`, () => log.warn({ view, reason }, 'a view over all accounts stays as it was'));
      if (tooMany && !seen.has('too many'))
        log.info({ mostAccounts }, 'there are too many accounts for views over all of them');
      if (tooMany) seen.set('too many', 1);
      isDone = kept.length === 0;
    } catch (error) {
      signal.throwIfAborted();
      sayIfAgain('failed', () => log.warn({ err: error }, 'views over all accounts could not be made'));
    }
    inVain = isDone ? 0 : inVain + 1;
    const afterMs = inVain > 1 ? againAfterMs.later : againAfterMs.first;
    againAtMs = isDone ? Number.POSITIVE_INFINITY : performance.now() + afterMs;
  }
}
