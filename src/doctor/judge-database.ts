// Facts about a database in, findings out. Pure. What to do is a command, or SQL to paste with the names of this database.

import pg from 'pg';
import { isMisconfigured } from '../cli/exit-status.ts';
import { isLocal } from '../config/connection-string.ts';
import type { EmbeddedFacts } from '../embedded/inspect.ts';
import { type CitusFacts, findRefusals, planDistribution } from '../postgres/citus.ts';
import type { ConnectionConfig } from '../postgres/connection.ts';
import { DatabaseTrouble } from '../postgres/errors.ts';
import type { LeaseFacts, LedgerFacts, RightsFacts, RoomFacts, ServerFacts, Timeout } from '../postgres/examine.ts';
import { sayOccupied } from '../postgres/obstacles.ts';
import { type Finding, fail, ok, temporary, warn } from './finding.ts';

/** The maximum of connections that a worker uses. */
const workerConnections = 6;
const gigabyte = 1_000_000_000;

/** `place`: what the connection leads to, without a password. */
export function judgeConnected(place: string, error: Error | null): Finding {
  const check = 'database';
  if (error === null) return ok(check, `connected to ${place}`);
  const code = error instanceof DatabaseTrouble ? error.code : 'ETIMEDOUT';
  const said = `${place}: ${reasonIn(error)}`;
  const todo =
    connectionAdvice.find(([codes]) => codes.test(code))?.[1] ?? 'Try again. If it lasts, see the server’s log.';
  return isMisconfigured(error) || /CERT|^UNABLE_TO_/.test(code)
    ? fail(check, said, todo)
    : temporary(check, said, todo);
}

const connectionAdvice: [codes: RegExp, todo: string][] = [
  [
    /^28P01/,
    'Check user and password in DATABASE_URL (or PGUSER, PGPASSWORD); special characters in a URL have to be in percent form: @ is %40.',
  ],
  [
    /^28/,
    'The server does not let this user connect to this database from here: see its pg_hba.conf (address, user, database, TLS or not, client certificate).',
  ],
  [/^3D000/, 'Create it, or correct the name at the end of DATABASE_URL (or PGDATABASE).'],
  [
    /^ECONNREFUSED/,
    'Is the server running, and listening at this address? In a container, localhost is the container itself.',
  ],
  [/^(ENOTFOUND|EAI_)/, 'Correct the host in DATABASE_URL (or PGHOST), or this machine’s DNS.'],
  [
    /^ERR_NO_TLS/,
    'Turn on TLS at the server (ssl = on), or use ?sslmode=prefer, which connects without TLS if the server has none.',
  ],
  [
    /^(EHOST|ENET)/,
    'There is no route to it: the network is down, or the name has only IPv6 addresses and this machine has no IPv6.',
  ],
  [/^(ECONNRESET|ETIMEDOUT)/, 'No answer, or the connection broke: a firewall, or a wrong port.'],
  [/CERT|^UNABLE_TO_/, 'Name its authority: ?sslmode=verify-full&sslrootcert=/path/ca.pem in DATABASE_URL.'],
  [
    /^(08P01|XX000)/,
    'At a pooler: does it know this user, password and database (or tenant)? Remove a startup parameter that it does not accept from DATABASE_URL or PGOPTIONS, or add it to its ignore_startup_parameters. If it is full, raise its limit.',
  ],
  [/^53300/, 'All connections are in use: end some, or raise max_connections. A worker uses at most 6.'],
  [/^57P0/, 'It is starting or shutting down: try again in a moment.'],
];

/** Whether others can read or change the traffic. */
export function judgeEncryption(connection: ConnectionConfig, version: string | null) {
  const check = 'encryption';
  if (version === null) {
    if (isLocal(connection)) return ok(check, 'none, but the server is on this machine');
    const todo = 'Set sslmode=require in DATABASE_URL, or PGSSLMODE=require, once the server offers TLS.';
    return warn(check, 'none: people’s words cross the network in clear text', todo);
  }
  const tls = connection.optionalTls?.options ?? connection.ssl;
  if (typeof tls !== 'object') return ok(check, version);
  const full = '?sslmode=verify-full&sslrootcert=/path/ca.pem';
  if (tls.rejectUnauthorized === false) return ok(check, `${version}; the server is not verified (${full} does)`);
  if (tls.checkServerIdentity !== undefined)
    return ok(check, `${version}; the server's certificate is verified, its name is not (sslmode=verify-full does)`);
  return ok(check, `${version}; the server's certificate and name are verified`);
}

/** For the embedded database, which is used if none is configured. */
export function judgeEmbedded({ folder, made, connection, obstacle }: EmbeddedFacts): Finding {
  const check = 'database';
  const which = `no DATABASE_URL, so the embedded one in ${folder}`;
  if (obstacle !== null) return fail(check, `${which}, which cannot be ${made ? 'started' : 'created'}`, obstacle);
  if (connection !== null) return ok(check, `${which}: it is running`);
  return ok(
    check,
    made
      ? `${which}: it is not running; the next command starts it`
      : `${which}: it does not exist yet; the first command creates it`,
  );
}

export function judgeDisk({ freeBytes, folder }: EmbeddedFacts): Finding {
  const free = `${(freeBytes / gigabyte).toFixed(1)} GB free`;
  if (freeBytes >= gigabyte) return ok('disk', free);
  return warn('disk', `only ${free} at ${folder}`, 'Free some space: a full disk stops the database.');
}

export function judgeVersion({ version, versionText }: ServerFacts): Finding {
  if (version >= 140_000) return ok('version', `Postgres ${versionText}`);
  return fail('version', `Postgres ${versionText}`, 'Upgrade the server: 14 or later is required.');
}

export function judgeEncoding({ encoding }: ServerFacts, database: string): Finding {
  if (encoding === 'UTF8') return ok('encoding', 'UTF8');
  return fail(
    'encoding',
    `${encoding}, which cannot hold every text`,
    `Use another database: create database ${pg.escapeIdentifier(`${database}_utf8`)} encoding 'UTF8' template template0;`,
  );
}

export function judgeWrites({ standby, readOnly }: ServerFacts): Finding {
  if (standby)
    return temporary(
      'writes',
      'this is a standby, which does not accept writes',
      'Point DATABASE_URL at the primary, or wait for the failover to end.',
    );
  if (readOnly)
    return fail(
      'writes',
      'transactions are read-only by default here',
      'If this is a reader’s user, use the worker’s. Otherwise: alter role … reset default_transaction_read_only; and the same for the database.',
    );
  return ok('writes', 'accepted');
}

/** Timeouts of the role, the database or the server. */
export function judgeTimeouts(found: readonly Timeout[]): Finding {
  const check = 'timeouts';
  if (found.length === 0) return ok(check, 'none is set');
  const said = found.map(({ setting, source }) => `${setting} (${source})`).join(', ');
  return ok(check, `${said}; the worker lifts them for its own transactions, except those for idle sessions`);
}

export function judgeRights(facts: RightsFacts): Finding {
  const check = 'rights';
  const user = pg.escapeIdentifier(facts.user);
  if (facts.schemas.length < 2) {
    if (facts.mayCreate) return ok(check, `${facts.user} may create the tables`);
    const grant = `grant create on database ${pg.escapeIdentifier(facts.database)} to ${user};`;
    return fail(
      check,
      `${facts.user} may not create the tables (it lacks CREATE on the database)`,
      `As the database's owner: ${grant}\nor run migrate as the owner, and grant ${user} rights to the tables (docs/deploy.md, "Database users").`,
    );
  }
  if (facts.lacking.length === 0)
    return ok(
      check,
      `${facts.user} may sync${facts.foreign === 0 ? ' and migrate' : '; the owner of the tables migrates'}`,
    );
  const some = `${facts.lacking.slice(0, 3).join(', ')}${facts.lacking.length > 3 ? ` and ${facts.lacking.length - 3} more` : ''}`;
  return fail(
    check,
    `${facts.user} lacks ${some}`,
    `As the owner of the tables:\ngrant usage on schema twilio, twilio_sync to ${user};\ngrant select, insert, update, delete on all tables in schema twilio, twilio_sync to ${user};`,
  );
}

export function judgeRowSecurity({ user, secured, securedForOthers }: RightsFacts): Finding {
  const check = 'row security';
  const off = (tables: string[]) => tables.map((table) => `alter table ${table} disable row level security;`).join(' ');
  if (secured.length > 0) {
    return fail(
      check,
      `it hides rows of ${secured.join(', ')} from ${user}: hidden rows would look deleted or never stored`,
      `As the owner of the tables: ${off(secured)}\nor as a superuser: alter role ${pg.escapeIdentifier(user)} bypassrls;`,
    );
  }
  if (securedForOthers.length === 0) return ok(check, 'none');
  return warn(
    check,
    `it is on for ${securedForOthers.join(', ')}: other users see only the rows that a policy allows`,
    `If readers should see all rows: ${off(securedForOthers)}`,
  );
}

export function judgeMigrations(
  { missing, newer, occupying, dependants }: LedgerFacts,
  rights: RightsFacts | null,
): Finding {
  const check = 'migrations';
  if (occupying.length > 0) {
    return fail(check, sayOccupied(occupying), 'Use another database, or move them to another schema.');
  }
  if (newer > 0) {
    return fail(
      check,
      `the database has ${newer} more than this program knows: a newer release has migrated it`,
      'Run that release, or a newer one. To go back, restore a dump from before.',
    );
  }
  if (missing === 0) return ok(check, 'none is missing');
  const some = missing === 1 ? '1 is missing' : `${missing} are missing`;
  const may = rights === null || (rights.schemas.length < 2 ? rights.mayCreate : rights.foreign === 0);
  if (!may)
    return fail(check, `${some}, and ${rights.user} may not apply them`, 'Run migrate as the owner of the tables.');
  if (dependants.length > 0) {
    return warn(
      check,
      `${some}, and views of yours depend on the tables: ${dependants.join(', ')}`,
      'run, sync and migrate apply them. If a view prevents that, they name it and change nothing: drop the view, migrate, and create it again.',
    );
  }
  return warn(check, some, 'Nothing to do: run and sync apply them when they start; migrate does so now.');
}

export function judgeRoom(room: RoomFacts, workerRuns: boolean): Finding {
  const check = 'connections';
  const limits = [
    {
      free: room.max - room.reserved - room.used,
      said: `max_connections = ${room.max}, ${room.reserved} of them reserved, ${room.used} used`,
    },
    {
      free: room.userLimit - room.userUsed,
      said: `this user may have ${room.userLimit} and has ${room.userUsed}`,
      none: room.userLimit < 0,
    },
    {
      free: room.databaseLimit - room.databaseUsed,
      said: `this database may have ${room.databaseLimit} and has ${room.databaseUsed}`,
      none: room.databaseLimit < 0,
    },
  ];
  const [least] = limits.filter(({ none = false }) => !none).sort((a, b) => a.free - b.free);
  if (least === undefined) return ok(check, 'no limit');
  const found = `${Math.max(0, least.free)} free (${least.said})`;
  // A running worker already has its connections.
  if (least.free >= workerConnections || workerRuns) return ok(check, found);
  return warn(
    check,
    found,
    `A worker uses at most ${workerConnections}: end idle ones, raise the limit, or put a pooler in front of the server.`,
  );
}

/** Of a database that has Citus: whether the tables lie on one node, and whether there are nodes to put them on. */
export function judgeCitus(facts: CitusFacts): Finding {
  const check = 'citus';
  const { version, tables, nodes, node } = facts;
  const distributed = tables.filter(({ kind }) => kind !== 'local').length;
  const refusals = findRefusals(facts);
  const moved = `${distributed} of ${tables.length} tables are distributed`;
  if (distributed > 0 && refusals.length > 0) return fail(check, `${version}; ${moved}`, refusals.join('\n'));
  if (distributed > 0 && planDistribution(facts).length > 0)
    return fail(check, `${version}; ${moved}`, 'Run conversation-sync distribute: it distributes the others.');
  const place =
    distributed > 0 ? `all ${distributed} tables lie on ${node ?? 'one node'}` : 'the tables are not distributed';
  if (nodes === 0)
    return warn(
      check,
      `${version}; ${place}; no node takes tables`,
      'Add workers with citus_add_node: without them, all accounts lie on the coordinator.',
    );
  if (distributed > 0) return ok(check, `${version}; ${place}, one of ${nodes} that take tables`);
  const todo =
    refusals.length > 0
      ? refusals.join('\n')
      : 'conversation-sync distribute puts them on one node. Without it, they lie on the coordinator.';
  return warn(check, `${version}; ${place}`, todo);
}

export function judgeLease({ holder, held }: LeaseFacts): Finding {
  return ok('worker', held ? `${holder ?? 'one'} is running` : 'none is running');
}

/** For a query that failed. */
export function judgeUnanswered(check: string, error: Error): Finding {
  const said = reasonIn(error);
  return isMisconfigured(error)
    ? fail(check, said, 'See the line about rights.')
    : temporary(check, said, 'Try again. If it lasts, see the server’s log.');
}

const reasonIn = (error: Error) => (error instanceof DatabaseTrouble ? error.reason : error.message);
