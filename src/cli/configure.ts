// The settings that a command needs, all of them checked before anything starts, and its log, which knows the secrets that it must
// not show.

import { readFileSync } from 'node:fs';
import { type Config, readConfig } from '../config/config.ts';
import { isLocal } from '../config/connection-string.ts';
import { findServiceLinks, type ReadFile } from '../config/environment.ts';
import { rememberSecrets } from '../config/secrets.ts';
import type { Part } from '../config/settings.ts';
import { createLog, type Log } from '../worker/log.ts';
import type { Terminal } from './terminal.ts';

/** What a command has of its process. */
export interface ProcessIO {
  env: Record<string, string | undefined>;
  terminal: Terminal;
  /** Where log lines go. */
  logStream: { write(line: string): void };
}

/** A command that is ready to run. @returns the exit status. */
export type Run = (signal: AbortSignal) => Promise<number>;

export interface Configured<Wanted extends Part> {
  config: Pick<Config, Wanted | 'logLevel'>;
  log: Log;
  /** Reads a file of settings; the log blanks what secrets it holds. */
  readFile: ReadFile;
}

/**
 * Reads these parts of the configuration. `unlessSet`: the log level if LOG_LEVEL is not set; commands with output of their own log only
 * warnings. @throws ConfigError.
 */
export function configure<Wanted extends Part>(
  { env, logStream }: ProcessIO,
  parts: readonly Wanted[],
  unlessSet?: 'warn',
): Configured<Wanted> {
  const { readFile, secrets } = rememberSecrets(env, (path) => readFileSync(path, 'utf8'));
  const config = readConfig<Wanted | 'logLevel'>(env, readFile, [...parts, 'logLevel']);
  const level = env['LOG_LEVEL'] ? config.logLevel : (unlessSet ?? config.logLevel);
  const log = createLog({ level, secrets, destination: logStream });
  for (const name of findServiceLinks(env, parts))
    log.info(`${name} is ignored: Kubernetes has set it for a Service of that name`);
  const { database } = config as Partial<Config>;
  if (database?.kind === 'server') warnOnce(database, log);
  return { config, log, readFile };
}

/** Warnings about the connection to the database, each once. */
function warnOnce({ connection, notes = [] }: Extract<Config['database'], { kind: 'server' }>, log: Log): void {
  for (const note of notes) log.warn(note);
  if (isLocal(connection) || connection.optionalTls === undefined) return;
  let warned = false;
  connection.onUnencrypted = () => {
    if (warned) return;
    warned = true;
    log.warn(
      'the connection to the database is not encrypted: people’s words cross the network in clear text; sslmode=require in DATABASE_URL, or PGSSLMODE=require, encrypts it; disable ends this warning',
    );
  };
}
