// `migrate`: applies missing migrations, and makes what all accounts of the accounts file have together, as `run` does when it starts.

import type { DatabaseConfig } from '../../config/config.ts';
import { allSchema } from '../../config/setting-kinds.ts';
import { openConfigured } from '../../database.ts';
import { type AllOf, mostAccounts, updateAllViews } from '../../postgres/all-views.ts';
import { createReplicas } from '../../postgres/replicas.ts';
import { exitStatus } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

/** @returns the exit status. @throws what ended it. */
export async function migrate(config: DatabaseConfig, terminal: Terminal): Promise<number> {
  await using opened = await openConfigured(config);
  const applied = await opened.prepare();
  terminal.write(
    applied === 0 ? 'The tables are up to date.' : `Applied ${applied} migration${applied === 1 ? '' : 's'}.`,
  );
  return exitStatus.inSync;
}

/**
 * Makes what all accounts have together: the table of replicas, and the views over all. Views that have to stay as they are, are named.
 * @returns the exit status. @throws DatabaseTrouble.
 */
export async function prepareAll(config: DatabaseConfig, accounts: AllOf[], terminal: Terminal): Promise<number> {
  await using opened = await openConfigured(config);
  await createReplicas(opened.database);
  const { made, dropped, kept, tooMany } = await updateAllViews(opened.database, accounts);
  if (tooMany) terminal.write(`There are no views over more than ${mostAccounts} accounts.`);
  if (made.length > 0) terminal.write(`Made ${made.length} views in schema ${allSchema}.`);
  if (dropped.length > 0) terminal.write(`Dropped ${dropped.length} views in schema ${allSchema}.`);
  for (const { view, reason } of kept) terminal.write(`${view} stays as it is: ${reason}.`);
  if (!tooMany && made.length + dropped.length + kept.length === 0)
    terminal.write('The views over all accounts are up to date.');
  return exitStatus.inSync;
}
