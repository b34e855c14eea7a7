// What a database said of itself → findings. Pure. What a person can do about it is said as a command or as SQL to paste,
// with the names that stand in this very database.

import pg from 'pg';
import { isMisconfigured } from '../cli/exit-status.ts';
import { isLocal } from '../config/connection-string.ts';
import type { EmbeddedFacts } from '../embedded/inspect.ts';
import type { ConnectionConfig } from '../postgres/connection.ts';
import { DatabaseTrouble } from '../postgres/errors.ts';
import type { LeaseFacts, LedgerFacts, RightsFacts, RoomFacts, ServerFacts, Timeout } from '../postgres/examine.ts';
import { sayOccupied } from '../postgres/obstacles.ts';
import { away, type Finding, fail, ok, warn } from './finding.ts';

/** The most connections that a worker uses. */
const wanted = 6;
const gigabyte = 1_000_000_000;

/** Whether there is a connection. `place`: where it leads, without a password. */
export function judgeConnected(place: string, error: Error | null): Finding {
  const check = 'database';
  if (error === null) return ok(check, `connected to ${place}`);
  const code = error instanceof DatabaseTrouble ? error.code : 'ETIMEDOUT';
  const said = `${place}: ${reasonIn(error)}`;
  const todo =
    connectionAdvice.find(([codes]) => codes.test(code))?.[1] ?? 'Try again; if it lasts, see the server’s log.';
  return isMisconfigured(error) || /CERT|^UNABLE_TO_/.test(code) ? fail(check, said, todo) : away(check, said, todo);
}

const connectionAdvice: [codes: RegExp, todo: string][] = [
  [
    /^28P01/,
    'Check user and password in DATABASE_URL (or PGUSER, PGPASSWORD); special characters in a URL are in percent form: @ is %40.',
  ],
  [
    /^28/,
    'The server does not let this user into this database from here: see its pg_hba.conf (address, user, database, TLS or not, a client certificate).',
  ],
  [/^3D000/, 'Create it, or correct the name at the end of DATABASE_URL (or PGDATABASE).'],
  [
    /^ECONNREFUSED/,
    'Is the server running, and listening at this address? In a container, localhost is the container itself.',
  ],
  [/^(ENOTFOUND|EAI_)/, 'Correct the host in DATABASE_URL (or PGHOST), or this machine’s DNS.'],
  [/^ERR_NO_TLS/, 'Turn TLS on at the server (ssl = on), or off here: ?sslmode=prefer takes what there is.'],
  [
    /^(EHOST|ENET)/,
    'This machine has no way there: a network that is down, or a name that has IPv6 addresses only and no IPv6 here.',
  ],
  [/^(ECONNRESET|ETIMEDOUT)/, 'No answer, or cut off: a firewall, or a wrong port.'],
  [/CERT|^UNABLE_TO_/, 'Name its authority: ?sslmode=verify-full&sslrootcert=/path/ca.pem in DATABASE_URL.'],
  [
    /^(08P01|XX000)/,
    'In a pooler: does it know this user, password and database (or tenant)? A startup parameter that it does not take leaves DATABASE_URL or PGOPTIONS, or goes into its ignore_startup_parameters. Where it is full, raise its limit.',
  ],
  [/^53300/, 'Every connection is taken: end some, or raise max_connections. A worker uses at most 6.'],
  [/^57P0/, 'It is starting or shutting down: try again in a moment.'],
];

/** Whether what goes to the server and back can be read, or changed, on the way. */
export function judgeEncryption(connection: ConnectionConfig, version: string | null) {
  const check = 'encryption';
  if (version === null) {
    if (isLocal(connection)) return ok(check, 'none, and the way stays on this machine');
    const todo = 'Add ?sslmode=require to DATABASE_URL, once the server offers TLS.';
    return warn(check, 'none: what people said goes over the network in clear', todo);
  }
  const tls = connection.optionalTls?.options ?? connection.ssl;
  if (typeof tls !== 'object') return ok(check, version);
  const full = '?sslmode=verify-full&sslrootcert=/path/ca.pem';
  if (tls.rejectUnauthorized === false) return ok(check, `${version}; the server is not verified (${full} does)`);
  if (tls.checkServerIdentity !== undefined)
    return ok(check, `${version}; the server's certificate is verified, its name is not (sslmode=verify-full does)`);
  return ok(check, `${version}; the server's certificate and name are verified`);
}

/** None is configured, so the embedded one is used; `facts` is how it stands. */
export function judgeEmbedded({ folder, made, connection, obstacle }: EmbeddedFacts): Finding {
  const check = 'database';
  const which = `no DATABASE_URL, so the embedded one in ${folder}`;
  if (obstacle !== null) return fail(check, `${which}, which cannot be ${made ? 'started' : 'made'}`, obstacle);
  if (connection !== null) return ok(check, `${which}: it is running`);
  return ok(
    check,
    made ? `${which}: not running; the next command starts it` : `${which}: not there yet; the first command makes it`,
  );
}

export function judgeDisk({ freeBytes, folder }: EmbeddedFacts): Finding {
  const free = `${(freeBytes / gigabyte).toFixed(1)} GB free`;
  if (freeBytes >= gigabyte) return ok('disk', free);
  return warn('disk', `only ${free} at ${folder}`, 'Make room: a full disk stops the database.');
}

export function judgeVersion({ version, versionText }: ServerFacts): Finding {
  if (version >= 140_000) return ok('version', `Postgres ${versionText}`);
  return fail('version', `Postgres ${versionText}`, 'Upgrade the server: 14 or later is needed.');
}

export function judgeEncoding({ encoding }: ServerFacts, database: string): Finding {
  if (encoding === 'UTF8') return ok('encoding', 'UTF8');
  return fail(
    'encoding',
    `${encoding}, in which not every text can be stored`,
    `Use another database: create database ${pg.escapeIdentifier(`${database}_utf8`)} encoding 'UTF8' template template0;`,
  );
}

export function judgeWrites({ standby, readOnly }: ServerFacts): Finding {
  if (standby)
    return away(
      'writes',
      'this is a standby: it takes none',
      'Point DATABASE_URL at the primary, or wait for the failover to end.',
    );
  if (readOnly)
    return fail(
      'writes',
      'transactions are read-only by default here',
      'Is this a reader’s user? Use the worker’s. Else: alter role … reset default_transaction_read_only; and the same for the database.',
    );
  return ok('writes', 'taken');
}

/** Limits of a role that was made for something else. */
export function judgeTimeouts(found: readonly Timeout[]): Finding {
  const check = 'timeouts';
  if (found.length === 0) return ok(check, 'none is set');
  const said = found.map(({ setting, source }) => `${setting} (${source})`).join(', ');
  return ok(check, `${said}; the worker lifts them for its own transactions, but for those of idle sessions`);
}

export function judgeRights(facts: RightsFacts): Finding {
  const check = 'rights';
  const user = pg.escapeIdentifier(facts.user);
  if (facts.schemas.length < 2) {
    if (facts.mayCreate) return ok(check, `${facts.user} may make the tables`);
    const grant = `grant create on database ${pg.escapeIdentifier(facts.database)} to ${user};`;
    return fail(
      check,
      `${facts.user} may not make the tables (CREATE on the database)`,
      `As the database's owner: ${grant}\nor run migrate as the owner, and grant ${user} the tables (docs/deploy.md, "Database users").`,
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
      `it hides rows of ${secured.join(', ')} from ${user}: what is missing would look deleted, or never stored`,
      `As the owner of the tables: ${off(secured)}\nor as a superuser: alter role ${pg.escapeIdentifier(user)} bypassrls;`,
    );
  }
  if (securedForOthers.length === 0) return ok(check, 'none');
  return warn(
    check,
    `it is on for ${securedForOthers.join(', ')}: others see only the rows that a policy shows them`,
    `If readers are to see all: ${off(securedForOthers)}`,
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
      `${newer} more than this program knows: a newer release was here`,
      'Run that release, or a newer one. There is no way down but a dump from before.',
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
      `${some}, and there are views of yours on the tables: ${dependants.join(', ')}`,
      'run, sync and migrate apply them. Where a view is in the way they stop, name it, and change nothing: drop it, migrate, and make it again.',
    );
  }
  return warn(check, some, 'Nothing needs to be done: run and sync apply them at their start; migrate does so now.');
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
  // A worker that runs has those it needs already.
  if (least.free >= wanted || workerRuns) return ok(check, found);
  return warn(
    check,
    found,
    `A worker uses at most ${wanted}: end some that are idle, raise the limit, or put a pooler before the server.`,
  );
}

export function judgeLease({ holder, held }: LeaseFacts): Finding {
  return ok('worker', held ? `${holder ?? 'one'} is at work` : 'none is at work just now');
}

/** A question that had no answer. */
export function judgeUnanswered(check: string, error: Error): Finding {
  const said = reasonIn(error);
  return isMisconfigured(error)
    ? fail(check, said, 'See the line on rights.')
    : away(check, said, 'Try again; if it lasts, see the server’s log.');
}

const reasonIn = (error: Error) => (error instanceof DatabaseTrouble ? error.reason : error.message);
