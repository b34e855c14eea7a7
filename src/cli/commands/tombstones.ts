// `forget --undo`, `--export` and `--import`: lifts tombstones, and carries them over to a database that was restored from a backup or
// loaded anew.

import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { exportTombstones, findNamed, importTombstones, tombstoneFile } from '../../postgres/tombstone-file.ts';
import { forget, undoForget } from '../../postgres/tombstones.ts';
import { exitStatus, UsageError } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';
import { confirm } from './forget.ts';

const standard = '-';

/** Lets conversations be stored again. @returns the exit status: 1 if one of them was not forgotten. */
export async function undo(config: DatabaseConfig, ids: string[], terminal: Terminal): Promise<number> {
  await using opened = await openConfigured(config);
  await opened.prepare();
  const lifted = new Set(await undoForget(opened.database, ids));
  for (const id of ids)
    terminal.write(
      lifted.has(id)
        ? `${id}: no longer kept out; sync --id fetches it now, else the next listing that shows it`
        : `${id}: was not forgotten`,
    );
  return lifted.size === ids.length ? exitStatus.inSync : exitStatus.incomplete;
}

/** Writes all tombstones to a file that only its owner can read, or to standard output. */
export async function exportTo(config: DatabaseConfig, path: string, terminal: Terminal): Promise<number> {
  await using opened = await openConfigured(config);
  await opened.prepare();
  const file = await exportTombstones(opened.database);
  const json = JSON.stringify(file);
  if (path === standard) terminal.write(json);
  else {
    // Whole or not at all: the file may be one that an earlier export wrote.
    const unfinished = `${path}.${randomBytes(4).toString('hex')}`;
    await writeFile(unfinished, `${json}\n`, { mode: 0o600 });
    await rename(unfinished, path);
    terminal.write(`Wrote ${file.tombstones.length} tombstones.`);
  }
  return exitStatus.inSync;
}

/** Takes over the tombstones of a file, and erases what is stored of the conversations that it names. Asks first. */
export async function importFrom(
  config: DatabaseConfig,
  { path, yes, dryRun }: { path: string; yes: boolean; dryRun: boolean },
  terminal: Terminal,
): Promise<number> {
  const file = parse(path === standard ? await text(process.stdin) : await readFile(path, 'utf8'));
  await using opened = await openConfigured(config);
  const { database } = opened;
  await opened.prepare();
  terminal.write(
    `${file.tombstones.length} tombstones; ${(await findNamed(database, file)).length} of the conversations are here.`,
  );
  if (dryRun) return exitStatus.inSync;
  if (!yes && !(await confirm(terminal, 'Erase these for good, and never store any of the others?')))
    return exitStatus.incomplete;
  const added = await importTombstones(database, file);
  // Looked up again: until then a worker may have stored more of them.
  const erased = await forget(database, await findNamed(database, file), 'forget --import');
  terminal.write(`Took over ${added} tombstones that were new here, and erased ${erased.length} conversations.`);
  return exitStatus.inSync;
}

function parse(json: string) {
  try {
    return tombstoneFile.parse(JSON.parse(json));
  } catch {
    throw new UsageError('this is not a file that forget --export has written');
  }
}
