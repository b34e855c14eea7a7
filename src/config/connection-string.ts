// How to reach a Postgres server, read as libpq reads it. In: a postgres:// URL and the PG* variables. Out: a configuration
// for node-postgres. node-postgres can read URLs itself, but gives `sslmode` another meaning than libpq does (see tls.ts).
// The files in ~/.postgresql are not read, unlike with libpq.

import { userInfo } from 'node:os';
import type { ClientConfig } from 'pg';
import { closest } from '../lib/closest.ts';
import { type Parameter, type Parameters, type Report, variables } from './parameters.ts';
import { type OptionalTls, tlsOf } from './tls.ts';

/** libpq's other parameters, which have no effect here. `service` and `passfile` are not among them: ignoring these would lose settings. */
const harmless = new Set(
  `channel_binding client_encoding fallback_application_name gssdelegation gssencmode gsslib keepalives keepalives_count
  keepalives_idle keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version
  oauth_client_id oauth_client_secret oauth_issuer oauth_scope replication require_auth requirepeer requiressl
  scram_client_key scram_server_key servicefile sslcertmode sslcompression sslcrldir sslkeylogfile sslsni
  target_session_attrs tcp_user_timeout`.split(/\s+/),
);

/** A complete configuration for node-postgres: it looks up nothing in the environment. */
export type Connection = ClientConfig & {
  host: string;
  port: number;
  user: string;
  database: string;
  /** The schema of the tables people query: see postgres/schemas.ts. */
  schema?: string;
  /** In place of `ssl`, which is false then. */
  optionalTls?: OptionalTls;
  /** Reads the files again, for each new connection; undefined if these cannot be read, or are wrong. */
  current?: () => Connection | undefined;
  /** Called when the connection to a server on another machine is not encrypted, though that was not asked for. */
  onUnencrypted?: () => void;
};

/** The supported parameters of a postgres:// or postgresql:// URL; undefined if the text is not one. For the others see `findUnknown`. */
export function parametersOfUrl(url: string): Parameters | undefined {
  if (!/^postgres(ql)?:\/\//.test(url)) return undefined;
  try {
    // URL refuses an empty host after a user; libpq then takes the host from `?host=` or PGHOST.
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
    // JDBC's form, which libpq understands too.
    if (searchParams.get('ssl') === 'true') found.sslmode ??= 'require';
    return found;
  } catch {
    // The error would quote the URL with its password.
    return undefined;
  }
}

/** Why the text is not a usable URL; null if it is. Never quotes it. */
export function problemOfUrl(text: string): string | null {
  const form = 'postgres://user:password@host:5432/database';
  if (/^jdbc:/i.test(text)) return `does not take a jdbc: URL: write it as ${form}`;
  if (/^\s*\w+\s*=/.test(text))
    return `does not take a list of key=value: write it as ${form}, or set PGHOST, PGUSER, …`;
  // The host begins after the last @ before the path.
  if (/^postgres(ql)?:\/\/([^/?#]*@)?[^@/?#]*,/.test(text)) {
    return 'takes one host: the one that accepts writes, or a name that always leads to it';
  }
  if (parametersOfUrl(text) !== undefined) return null;
  return `takes ${form} (special characters of user and password in percent form: @ is %40)`;
}

/** A sentence for each parameter of a URL that is not supported. Poolers and hosts add their own, so none is an error. */
export function findUnknown(url: string): string[] {
  const known = Object.keys(variables);
  const names = URL.canParse(url.replace('@/', '@-/')) ? new URL(url.replace('@/', '@-/')).searchParams : [];
  return [...names].flatMap(([name, value]) => {
    if (known.includes(name) || harmless.has(name) || (name === 'ssl' && value === 'true')) return [];
    if (name.toLowerCase() === 'ssl') return [`${name} turns TLS on only as ssl=true; sslmode=require is better`];
    const meant = closest(name.toLowerCase(), known);
    return [`${name} is not a supported parameter${meant === undefined ? '' : `; did you mean ${meant}?`}`];
  });
}

/** The configuration for node-postgres, with libpq's defaults filled in. Reads the TLS files. If anything is reported, the result must not be used. */
export function connectionOf(parameters: Parameters, readFile: (path: string) => string, report: Report): Connection {
  const user = parameters.user ?? systemUser(report);
  const host = parameters.host ?? parameters.hostaddr ?? 'localhost';
  if (host.includes(',')) report('host', 'takes one host');
  const { ssl, optionalTls } = tlsOf(parameters, readFile, report);
  // The certificate is for the host's name, not for the address.
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
    // Zero is no limit, for both.
    ...(timeout !== undefined && { connectionTimeoutMillis: timeout * 1000 }),
  };
}

/** Whether the server is on this machine. */
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

/** libpq's default is the user of the process, who may have no name in a container. */
function systemUser(report: Report): string {
  try {
    return userInfo().username;
  } catch {
    report('user', 'is required: the user of this process has no name');
    return '';
  }
}
