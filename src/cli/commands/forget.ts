// `forget`: erases single conversations for good, and makes sure that they are never stored again. It prints what is
// stored of them and asks before it erases.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { countStored, forget as erase, type StoredRows } from '../../postgres/tombstones.ts';
import { exitStatus, UsageError } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface ForgetOptions {
  ids: string[];
  dryRun: boolean;
  /** Erase without asking. */
  yes: boolean;
}

/** @returns the exit status. @throws UsageError if nobody can be asked. */
export async function forget(
  config: DatabaseConfig,
  { ids, dryRun, yes }: ForgetOptions,
  terminal: Terminal,
): Promise<number> {
  await using opened = await openConfigured(config);
  const { database } = opened;
  await opened.prepare();
  if (dryRun || !yes) {
    for (const each of await countStored(database, ids)) terminal.write(`${each.id}: ${describe(each)}`);
  }
  if (dryRun) return exitStatus.inSync;
  if (!yes) {
    const which = ids.length === 1 ? 'this conversation' : `these ${ids.length} conversations`;
    const answer = await terminal.ask(
      `Erase ${which} from the database for good, and never store ${ids.length === 1 ? 'it' : 'them'} again? [y/N] `,
    );
    if (answer === null) throw new UsageError('forget asks before it erases: use --yes if nobody can answer');
    if (!/^y(es)?$/i.test(answer.trim())) {
      terminal.write('Nothing was erased.');
      return exitStatus.incomplete;
    }
  }
  for (const each of await erase(database, ids)) terminal.write(`${each.id}: erased ${describe(each)}`);
  return exitStatus.inSync;
}

/** What is stored of a conversation, by table. */
function describe({ rows, forgotten }: StoredRows): string {
  const parts = Object.entries(rows).filter(([, count]) => count > 0);
  if (parts.length > 0)
    return parts.map(([table, count]) => `${count} ${count === 1 ? 'row' : 'rows'} of ${table}`).join(', ');
  return forgotten ? 'nothing: it was erased before' : 'nothing: it is not stored';
}
