// `retry`: fetches everything in quarantine now, instead of at its next attempt. The exit status is 3 if anything stays there.

import { type AppConfig, scopeOf } from '../../app.ts';
import { openConfigured } from '../../database.ts';
import { findQuarantined } from '../../postgres/due.ts';
import { refuseWrongScope } from '../../postgres/scope.ts';
import type { Log } from '../../worker/log.ts';
import { exitStatus } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';
import { refetch } from './refetch.ts';

/** Retries. @returns the exit status. @throws what ended it. */
export async function retry(config: AppConfig, log: Log, terminal: Terminal, signal: AbortSignal): Promise<number> {
  await using opened = await openConfigured(config.database);
  const { database } = opened;
  await opened.prepare((doing) => log.info(doing));
  await refuseWrongScope(database, scopeOf(config));
  const { ids, withoutId } = await findQuarantined(database);
  if (withoutId > 0)
    terminal.write(
      `${withoutId} list items have no id and cannot be fetched; a reconcile removes those that are no longer listed.`,
    );
  if (ids.length > 0) {
    const results = await refetch({ config, database, log, terminal, signal }, 'retry', ids);
    const failed = results.filter(({ state }) => state === 'failed');
    terminal.write(
      `Tried ${ids.length}: ${ids.length - failed.length} are stored now, ${failed.length} are still in quarantine.`,
    );
    for (const { id, error } of failed.slice(0, 20)) terminal.write(`  ${id}: ${error ?? 'no reason known'}`);
    if (failed.length > 0) return exitStatus.quarantine;
  } else if (withoutId === 0) terminal.write('The quarantine is empty.');
  return withoutId > 0 ? exitStatus.quarantine : exitStatus.inSync;
}
