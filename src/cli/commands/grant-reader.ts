// `grant-reader`: a login role that may read schema twilio and nothing else. Name and password are checked before the
// database is asked. A generated password is shown once, on the terminal only; no password is sent to the server.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type DatabaseConfig, underSchema } from '../../config/config.ts';
import type { Connection } from '../../config/connection-string.ts';
import { openConfigured } from '../../database.ts';
import { reasonOf } from '../../lib/reason.ts';
import { anonymousOf, bookkeepingOf } from '../../postgres/schemas.ts';
import { type Granted, grantReader, printReader, refuseName } from '../../readers/grant.ts';
import { scramVerifier } from '../../readers/scram.ts';
import { exitStatus, UsageError } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface GrantReaderOptions {
  /** Unless given, SYNC_SCHEMA's. */
  schema?: string;
  /** It reads views without personal data alone. */
  anonymous?: boolean;
  passwordFile?: string;
  newPassword: boolean;
  print: boolean;
}

/** Checks the arguments. @returns a function that runs the command. @throws UsageError, ReaderRefused. */
export function grantReaderCommand(
  role: string,
  { schema, anonymous = false, passwordFile, newPassword, print }: GrantReaderOptions,
) {
  refuseName(role);
  if (passwordFile !== undefined && newPassword) {
    throw new UsageError('use either --new-password or --password-file');
  }
  const password = passwordFile === undefined ? randomBytes(24).toString('base64url') : readPassword(passwordFile);
  const change = newPassword || passwordFile !== undefined;
  const asked = { role, anonymous, verifier: scramVerifier(password, randomBytes(16)), change };
  const shown = passwordFile === undefined ? password : null;

  return async (config: DatabaseConfig, terminal: Terminal): Promise<number> => {
    const wanted = { ...asked, schema: schema ?? config.schema };
    await using opened = await openConfigured(underSchema(config, wanted.schema));
    if (print) {
      const { script, passwordSet } = await printReader(opened.database, wanted);
      terminal.write(script);
      // Not with the SQL, which may end up in a file or a ticket.
      if (passwordSet && shown !== null) terminal.progress.write(`Password of "${role}", shown only now: ${shown}\n`);
      return exitStatus.inSync;
    }
    const granted = await grantReader(opened.database, wanted);
    const lines = describeGranted({
      role,
      schema: wanted.schema,
      anonymous,
      granted,
      password: shown,
      connection: opened.connection,
    });
    if (config.kind === 'embedded') lines.push('This is the embedded database: it runs only while the worker runs.');
    for (const line of lines) terminal.write(line);
    return exitStatus.inSync;
  };
}

/** What is printed about a reader; `password` if it was generated here. */
export function describeGranted(found: {
  role: string;
  schema: string;
  anonymous?: boolean;
  granted: Granted;
  password: string | null;
  connection: Connection;
}): string[] {
  const { role, schema, anonymous, granted, password, connection } = found;
  const done = granted.created ? 'was created' : 'existed and is up to date';
  const kept = 'unchanged (--new-password sets a new one)';
  return [
    `Role "${role}" ${done}: ${anonymous ? `it may read the views of schema ${anonymousOf(schema)}` : `it may read schema ${schema}`} of database ${connection.database}, and nothing in ${anonymous ? `${schema} and ` : ''}${bookkeepingOf(schema)}.`,
    `Password  ${granted.passwordSet ? (password === null ? 'the one in the file' : `${password}  (shown only now)`) : kept}`,
    `Connect   psql '${urlOf(role, connection)}'`,
    ...granted.warnings.map((warning) => `Warning: ${warning}.`),
  ];
}

/** The database's URL for another user, without a password: psql asks for it, and BI tools have a field for it. */
export function urlOf(role: string, { host, port, database, ssl }: Connection): string {
  // The URL is printed between single quotes.
  const escaped = (text: string) => encodeURIComponent(text).replaceAll("'", '%27');
  const socket = host.startsWith('/');
  const where = socket ? '' : host.includes(':') ? `[${host}]` : escaped(host);
  const parameters = [socket ? `host=${escaped(host)}` : '', sslmodeOf(ssl)].filter((each) => each !== '');
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  // SQLAlchemy accepts only this form of the scheme; all others accept it too.
  return `postgresql://${escaped(role)}@${where}:${port}/${escaped(database)}${query}`;
}

/** As strict about TLS as our own connection. */
function sslmodeOf(ssl: Connection['ssl']): string {
  if (typeof ssl !== 'object') return '';
  if (ssl.rejectUnauthorized === false) return 'sslmode=require';
  return ssl.checkServerIdentity === undefined ? 'sslmode=verify-full' : 'sslmode=verify-ca';
}

function readPassword(path: string): string {
  let password: string;
  try {
    password = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new UsageError(`--password-file names ${path}, which cannot be read (${reasonOf(error)})`);
  }
  if (/^[\x20-\x7e]+$/.test(password)) return password;
  throw new UsageError(
    `--password-file names ${path}, which must hold one line with a password of printable ASCII characters: clients differ in how they read others`,
  );
}
