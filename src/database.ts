// Opens the database of the configuration: a server, or the embedded one, which is started if it does not run. Separate from
// app.ts, so that commands that need only a database load nothing else.

import type { DatabaseConfig } from './config/config.ts';
import { type Connection, connectionOf, parametersOfUrl } from './config/connection-string.ts';
import { openEmbedded } from './embedded/embedded.ts';
import { type Database, type DatabaseLimits, openDatabase, retrying } from './postgres/database.ts';
import { migrate } from './postgres/migrate.ts';

/** A database; `prepare` makes sure that it is migrated. */
export interface OpenedDatabase extends AsyncDisposable {
  database: Database;
  connection: Connection;
  /** A shell command that opens it; only for an embedded one. */
  psql: string | null;
  /** Applies missing migrations; `onProgress` is called with what takes long. @throws DatabaseTrouble, NewerSchema, RowSecurity. */
  prepare(onProgress?: (doing: string) => void, options?: PrepareOptions): Promise<number>;
}

export interface PrepareOptions {
  /** By default that of the connection. */
  schema?: string;
  /** Ends the wait for another process that migrates; by default that of the database. */
  signal?: AbortSignal;
}

export interface OpenOptions {
  /** In the end, also stop an embedded server that a killed process left running. */
  adopt?: boolean;
  limits?: Partial<DatabaseLimits>;
  /** After it is aborted, statements have a few seconds to end. */
  signal?: AbortSignal;
}

/** Less than the process's own limit, and enough for any load on a database that answers. */
const graceMs = 5_000;

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
    prepare(onProgress, { schema = connection.schema, signal: given = signal } = {}) {
      const under = { ...connection, schema };
      return retrying(() => migrate(under, limits, given, onProgress), given ?? new AbortController().signal);
    },
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(late);
      await database.close();
      await close();
    },
  };
}
