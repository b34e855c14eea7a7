// Where a Postgres server is and how to reach it, read as libpq reads it. In: a postgres:// URL and what the PG* variables
// say. Out: what node-postgres takes. node-postgres reads URLs itself, but gives `sslmode` another meaning than libpq does
// and warns on stderr that this will change: here it has libpq's meaning today, and no file is read behind the caller's back.

import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import { reasonOf } from './reason.ts';

/** libpq's connection parameters that mean something to node-postgres, with the variable that sets each. */
export const variables = {
  host: 'PGHOST',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslnegotiation: 'PGSSLNEGOTIATION',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
} as const;

export type Parameter = keyof typeof variables;
export type Parameters = Partial<Record<Parameter, string>>;

/** A connection that node-postgres can be given, complete: nothing of it is looked up in the environment again. */
export type Connection = ClientConfig & { host: string; port: number; user: string; database: string };

/** Told of each parameter that cannot be used, and why. The message completes "NAME …" and never holds the URL or a password. */
export type Report = (parameter: Parameter, message: string) => void;

/** The parameters that a postgres:// or postgresql:// URL names; undefined where the text is not one. Parameters unknown here are left out: poolers and hosts add their own. */
export function parametersOfUrl(url: string): Parameters | undefined {
  if (!/^postgres(ql)?:\/\//.test(url)) return undefined;
  try {
    // URL refuses an empty host after a user; libpq means the host of `?host=` or PGHOST then.
    const { username, password, hostname, port, pathname, searchParams } = new URL(url.replace('@/', '@-/'));
    const parts: Parameters = {
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
      host: hostname === '-' ? '' : decodeURIComponent(hostname).replace(/^\[(.+)\]$/, '$1'),
      port,
      dbname: decodeURIComponent(pathname.slice(1)),
    };
    const found: Parameters = {};
    for (const name of Object.keys(variables) as Parameter[]) {
      const value = searchParams.get(name) || parts[name];
      if (value) found[name] = value;
    }
    return found;
  } catch {
    // What went wrong would quote the URL, password and all.
    return undefined;
  }
}

/** What node-postgres takes for these parameters, libpq's defaults filled in. Reads the TLS files that they name. Once something is reported, the connection is of no use. */
export function connectionOf(parameters: Parameters, readFile: (path: string) => string, report: Report): Connection {
  const user = parameters.user ?? systemUser(report);
  const host = parameters.host ?? 'localhost';
  if (host.includes(',')) report('host', 'takes one host');
  const ssl = tlsOf(parameters, readFile, report);
  const timeout = numberOf('connect_timeout', parameters, 0, 86_400, report);
  return {
    host,
    port: numberOf('port', parameters, 1, 65_535, report) ?? 5432,
    user,
    password: parameters.password,
    database: parameters.dbname ?? user,
    ssl,
    sslnegotiation: ssl !== false && parameters.sslnegotiation === 'direct' ? 'direct' : 'postgres',
    ...(parameters.options !== undefined && { options: parameters.options }),
    ...(parameters.application_name !== undefined && { application_name: parameters.application_name }),
    // Zero is to wait without limit, for both.
    ...(timeout !== undefined && { connectionTimeoutMillis: timeout * 1000 }),
  };
}

/** TLS by `sslmode`, see https://www.postgresql.org/docs/current/libpq-ssl.html; `no-verify` is node-postgres' own word for libpq's `require`. */
function tlsOf(parameters: Parameters, readFile: (path: string) => string, report: Report): false | ConnectionOptions {
  const { sslmode = 'disable', sslrootcert } = parameters;
  if (sslmode === 'disable') return false;
  const fromFile = (parameter: Parameter, path = parameters[parameter]): string | undefined => {
    if (path === undefined || path === 'system') return undefined;
    try {
      return readFile(path);
    } catch (error) {
      report(parameter, `names ${path}, which cannot be read (${reasonOf(error)})`);
      return undefined;
    }
  };
  const files: ConnectionOptions = {};
  const [ca, cert, key] = [fromFile('sslrootcert'), fromFile('sslcert'), fromFile('sslkey')];
  if (ca !== undefined) files.ca = ca;
  if (cert !== undefined && key !== undefined) Object.assign(files, { cert, key });
  else if (cert !== undefined || key !== undefined)
    report(cert ? 'sslcert' : 'sslkey', 'sslcert goes with sslkey: give both');

  const anyName: ConnectionOptions = { ...files, checkServerIdentity: () => undefined };
  const anyServer: ConnectionOptions = { ...files, rejectUnauthorized: false };
  if (sslmode === 'no-verify') return anyServer;
  // With a root certificate libpq takes `require` for `verify-ca`.
  if (sslmode === 'require') return ca === undefined ? anyServer : anyName;
  if (sslmode === 'verify-full') return files;
  if (sslmode !== 'verify-ca') {
    report('sslmode', `takes disable, require, verify-ca, verify-full or no-verify, not ${JSON.stringify(sslmode)}`);
  } else if (sslrootcert === undefined || sslrootcert === 'system') {
    report('sslmode', 'verify-ca goes with sslrootcert, the file of your own authority: without, anybody may pass');
  }
  return anyName;
}

function numberOf(parameter: Parameter, parameters: Parameters, least: number, most: number, report: Report) {
  const text = parameters[parameter];
  if (text === undefined) return undefined;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  report(parameter, `takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  return undefined;
}

/** libpq's default user is the one the process runs as, which in a container may have no name. */
function systemUser(report: Report): string {
  try {
    return userInfo().username;
  } catch {
    report('user', 'is required: the user of this process has no name');
    return '';
  }
}
