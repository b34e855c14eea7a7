// `retry`: tries everything in quarantine now, whatever its waits.
// Goes by the rows of the quarantine, and leaves those with a status of 3 that are still in it afterwards.

import { type AppConfig, scopeOf } from '../../app.ts';
import { openConfigured } from '../../database.ts';
import { findQuarantined } from '../../postgres/asked.ts';
import { refuseWrongScope } from '../../postgres/scope.ts';
import type { Log } from '../../worker/log.ts';
import { exitStatus } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';
import { fetchAsked } from './asked.ts';

/** Tries them. @returns the exit status. @throws what ended it. */
export async function retry(config: AppConfig, log: Log, terminal: Terminal, signal: AbortSignal): Promise<number> {
  await using opened = await openConfigured(config.database);
  const { database } = opened;
  await opened.prepare((doing) => log.info(doing));
  await refuseWrongScope(database, scopeOf(config));
  const { ids, nameless } = await findQuarantined(database);
  if (nameless > 0)
    terminal.write(`${nameless} list items have no id to fetch by; a reconcile forgets those that are gone.`);
  if (ids.length > 0) {
    const outcomes = await fetchAsked({ config, database, log, terminal, signal }, 'retry', ids);
    const failed = outcomes.filter(({ outcome }) => outcome === 'failed');
    terminal.write(
      `Tried ${ids.length}: ${ids.length - failed.length} are stored now, ${failed.length} are still in quarantine.`,
    );
    for (const { id, error } of failed.slice(0, 20)) terminal.write(`  ${id}: ${error ?? 'no reason known'}`);
    if (failed.length > 0) return exitStatus.quarantine;
  } else if (nameless === 0) terminal.write('The quarantine is empty.');
  return nameless > 0 ? exitStatus.quarantine : exitStatus.inSync;
}
