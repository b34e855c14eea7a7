// `migrate`: applies missing migrations, as `run` does when it starts.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
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
