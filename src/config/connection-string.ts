// Where a Postgres server is and how to reach it, read as libpq reads it. In: a postgres:// URL and what the PG* variables
// say. Out: what node-postgres takes. node-postgres reads URLs itself, but gives `sslmode` another meaning than libpq does
// (libpq-tls.ts), and the files in ~/.postgresql that libpq looks for are not read: nothing is done behind the caller's back.

import { userInfo } from 'node:os';
import type { ClientConfig } from 'pg';
import { closest } from '../lib/closest.ts';
import { type OptionalTls, tlsOf } from './tls.ts';

/** libpq's connection parameters that mean something here, with the variable that sets each, if one does. */
export const variables = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  sslcrl: 'PGSSLCRL',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  sslnegotiation: 'PGSSLNEGOTIATION',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
} as const;

/** libpq's others, which change nothing here. `service` and `passfile` are not among them: what they say would be lost. */
const harmless = new Set(
  `channel_binding client_encoding fallback_application_name gssdelegation gssencmode gsslib keepalives keepalives_count
  keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version
  oauth_client_id oauth_client_secret oauth_issuer oauth_scope replication require_auth requirepeer requiressl
  scram_client_key scram_server_key servicefile sslcertmode sslcompression sslcrldir sslkeylogfile sslsni
  target_session_attrs tcp_user_timeout`.split(/\s+/),
);

export type Parameter = keyof typeof variables;
export type Parameters = Partial<Record<Parameter, string>>;

/** A connection that node-postgres can be given, complete: nothing of it is looked up in the environment again. */
export type Connection = ClientConfig & {
  host: string;
  port: number;
  user: string;
  database: string;
  /** The schema of the tables people query: see postgres/schemas.ts. */
  schema?: string;
  /** In place of `ssl`, which then is false: what does not know it connects in clear. */
  optionalTls?: OptionalTls;
  /** The same as the files say now, for each new connection; undefined where these cannot be read, or are wrong. */
  current?: () => Connection | undefined;
  /** Called when a server off this machine was reached in clear that nobody had asked for. */
  onClear?: () => void;
};

/** Told of each parameter that cannot be used, and why. The message completes "NAME …" and never holds the URL or a password. */
export type Report = (parameter: Parameter, message: string) => void;

/** The parameters that a postgres:// or postgresql:// URL names; undefined where the text is not one. Those unknown here are left out, see `findUnknown`. */
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
    // As JDBC writes it, which libpq understands too.
    if (searchParams.get('ssl') === 'true') found.sslmode ??= 'require';
    return found;
  } catch {
    // What went wrong would quote the URL, password and all.
    return undefined;
  }
}

/** Why the text is no URL that can be used; null where it looks like one. Never quotes it. */
export function troubleOfUrl(text: string): string | null {
  const form = 'postgres://user:password@host:5432/database';
  if (/^jdbc:/i.test(text)) return `takes no jdbc: URL: write it as ${form}`;
  if (/^\s*\w+\s*=/.test(text)) return `takes no list of key=value: write it as ${form}, or set PGHOST, PGUSER, …`;
  // The host begins behind the last @ before the path.
  if (/^postgres(ql)?:\/\/([^/?#]*@)?[^@/?#]*,/.test(text)) {
    return 'takes one host: give the one that takes writes, or a name that always leads to it';
  }
  if (parametersOfUrl(text) !== undefined) return null;
  return `takes ${form} (special characters of user and password in percent form: @ is %40)`;
}

/** A sentence for each parameter of a URL that means nothing here. Poolers and hosts add their own, so none is an error. */
export function findUnknown(url: string): string[] {
  const known = Object.keys(variables);
  const names = URL.canParse(url.replace('@/', '@-/')) ? new URL(url.replace('@/', '@-/')).searchParams : [];
  return [...names].flatMap(([name, value]) => {
    if (known.includes(name) || harmless.has(name) || (name === 'ssl' && value === 'true')) return [];
    if (name.toLowerCase() === 'ssl') return [`${name} means TLS only as ssl=true; sslmode=require says it better`];
    const meant = closest(name.toLowerCase(), known);
    return [`${name} is not a parameter that is read here${meant === undefined ? '' : `; did you mean ${meant}?`}`];
  });
}

/** What node-postgres takes for these parameters, libpq's defaults filled in. Reads the TLS files that they name. Once something is reported, the connection is of no use. */
export function connectionOf(parameters: Parameters, readFile: (path: string) => string, report: Report): Connection {
  const user = parameters.user ?? systemUser(report);
  const host = parameters.host ?? parameters.hostaddr ?? 'localhost';
  if (host.includes(',')) report('host', 'takes one host');
  const { ssl, optionalTls } = tlsOf(parameters, readFile, report);
  // The certificate is the host's, whatever address it is reached at.
  if (parameters.hostaddr && host !== parameters.hostaddr) {
    for (const each of [ssl, optionalTls?.options]) if (each) Object.assign(each, { host, servername: host });
  }
  const timeout = numberOf('connect_timeout', parameters, 0, 86_400, report);
  return {
    host: parameters.hostaddr ?? host,
    port: numberOf('port', parameters, 1, 65_535, report) ?? 5432,
    user,
    password: parameters.password,
    database: parameters.dbname ?? user,
    ssl,
    ...(optionalTls && { optionalTls }),
    sslnegotiation: ssl !== false && parameters.sslnegotiation === 'direct' ? 'direct' : 'postgres',
    ...(parameters.options !== undefined && { options: parameters.options }),
    ...(parameters.application_name !== undefined && { application_name: parameters.application_name }),
    // Zero is to wait without limit, for both.
    ...(timeout !== undefined && { connectionTimeoutMillis: timeout * 1000 }),
  };
}

/** Whether the way to the server stays on this machine. */
export function isLocal({ host = 'localhost' }: Pick<ClientConfig, 'host'>): boolean {
  return host.startsWith('/') || /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
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
