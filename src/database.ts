// The database of the configuration, as every command has it: a server, or the embedded one, started or found. Apart from
// the rest of the composition, so that what needs nothing else does not load the rest.

import type { DatabaseConfig } from './config/config.ts';
import { type Connection, connectionOf, parametersOfUrl } from './config/connection-string.ts';
import { openEmbedded } from './embedded/embedded.ts';
import { type Database, type DatabaseLimits, openDatabase, retrying } from './postgres/database.ts';
import { migrate } from './postgres/migrate.ts';

/** A database that is there and migrated, or will be: `prepare` finds out. */
export interface OpenedDatabase extends AsyncDisposable {
  database: Database;
  connection: Connection;
  /** A line for a shell that opens it; only of an embedded one. */
  psql: string | null;
  /** Applies missing migrations, and says what it is at where that takes long. @throws DatabaseTrouble, NewerSchema, RowSecurity. */
  prepare(onProgress?: (doing: string) => void): Promise<number>;
}

export interface OpenOptions {
  /** Stop at the end also an embedded server that a killed process left running. */
  adopt?: boolean;
  limits?: Partial<DatabaseLimits>;
  /** Once it is aborted, what is under way has a few seconds. */
  signal?: AbortSignal;
}

/** Below the process's own limit, and enough for any load on a database that answers. */
const graceMs = 5_000;

/** Opens the database of the configuration, starting the embedded one where that is asked for. */
export async function openConfigured(config: DatabaseConfig, options: OpenOptions = {}): Promise<OpenedDatabase> {
  if (config.kind === 'server') return connected(config.connection, null, async () => {}, options);
  const embedded = await openEmbedded({ folder: config.folder, adopt: options.adopt ?? false });
  const parameters = parametersOfUrl(embedded.url) ?? {};
  const connection = {
    ...connectionOf(
      parameters,
      () => '',
      () => {},
    ),
    schema: config.schema,
  };
  return connected(connection, embedded.psql, embedded.close, options);
}

function connected(
  connection: Connection,
  psql: string | null,
  close: () => Promise<void>,
  { limits = {}, signal }: OpenOptions,
): OpenedDatabase {
  const database = openDatabase(connection, limits);
  let late: NodeJS.Timeout | undefined;
  const onAbort = () => {
    late = setTimeout(database.close, graceMs);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    database,
    connection,
    psql,
    prepare: (onProgress) =>
      retrying(() => migrate(connection, limits, signal, onProgress), signal ?? new AbortController().signal),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(late);
      await database.close();
      await close();
    },
  };
}
