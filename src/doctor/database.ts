// The checks of the database, one after another, as findings. Checks that depend on a failed one are skipped with the
// reason; the others go on. Nothing is changed: no migration, no lease, no embedded server.

import type { DatabaseConfig } from '../config/config.ts';
import { inspectEmbedded } from '../embedded/inspect.ts';
import type { ConnectionConfig } from '../postgres/connection.ts';
import { type Examination, openExamination, type RightsFacts } from '../postgres/examine.ts';
import { refuseWrongScope, type Scope, WrongScope } from '../postgres/scope.ts';
import { type Finding, fail, ok, skipped, temporary } from './finding.ts';
import { judgeClock } from './judge-api.ts';
import {
  judgeCitus,
  judgeConnected,
  judgeDisk,
  judgeEmbedded,
  judgeEncoding,
  judgeEncryption,
  judgeLease,
  judgeMigrations,
  judgeRights,
  judgeRoom,
  judgeRowSecurity,
  judgeTimeouts,
  judgeUnanswered,
  judgeVersion,
  judgeWrites,
} from './judge-database.ts';
import { withTimeout } from './with-timeout.ts';

export interface DatabaseQuestion {
  database: DatabaseConfig;
  /** What it should be a copy of; null if the settings are wrong. */
  scope: Scope | null;
  /** This machine's clock. */
  nowMs: () => number;
  signal: AbortSignal;
}

const stepMs = 10_000;
/** Checks of the server. */
const ofServer = ['version', 'encoding', 'writes', 'database clock', 'timeouts'];
/** Checks of the database and its tables. */
const ofTables = ['rights', 'row security', 'migrations', 'connections', 'account', 'worker'];
/** All checks, in order. An embedded database has one more, `disk`; one with Citus, `citus`. */
export const databaseChecks = ['database', 'encryption', ...ofServer, ...ofTables];

/** @throws only the signal's reason. */
export async function* checkDatabase(question: DatabaseQuestion): AsyncGenerator<Finding> {
  const { database, signal } = question;
  if (database.kind === 'server') {
    const { user, host, port, database: name } = database.connection;
    yield* checkServer(database.connection, `${name} at ${host} port ${port} as ${user}`, question);
    return;
  }
  const facts = await withTimeout(stepMs, signal, () => inspectEmbedded(database.folder));
  if (facts instanceof Error) {
    yield temporary(
      'database',
      `cannot inspect the embedded one in ${database.folder} (${facts.message})`,
      'Check the folder and its permissions.',
    );
    for (const check of databaseChecks.slice(1)) yield skipped(check, 'the embedded database could not be inspected');
    return;
  }
  yield judgeEmbedded(facts);
  yield judgeDisk(facts);
  if (facts.connection !== null) yield* checkServer(facts.connection, null, question);
  else for (const check of databaseChecks.slice(1)) yield skipped(check, 'it is not running');
}

/** `place` describes the connection; null if it was described before. */
async function* checkServer(
  connection: ConnectionConfig,
  place: string | null,
  question: DatabaseQuestion,
): AsyncGenerator<Finding> {
  const { signal } = question;
  // Shorter than the whole time limit, so that the driver's error says what it waited for.
  const examination = await withTimeout(stepMs, signal, () => openExamination(connection, stepMs - 1_000));
  if (examination instanceof Error) {
    yield judgeConnected(place ?? 'the embedded server', examination);
    for (const check of databaseChecks.slice(1)) yield skipped(check, 'there is no connection');
    return;
  }
  try {
    if (place !== null) yield judgeConnected(place, null);
    yield judgeEncryption(connection, examination.tlsVersion);
    yield* checkServerFacts(examination, question);
    yield* checkTables(examination, question);
  } finally {
    await examination.close();
  }
}

async function* checkServerFacts(
  examination: Examination,
  { database, nowMs, signal }: DatabaseQuestion,
): AsyncGenerator<Finding> {
  const server = await withTimeout(stepMs, signal, () => examination.server());
  if (server instanceof Error) {
    for (const check of ofServer) yield judgeUnanswered(check, server);
    return;
  }
  const name = database.kind === 'server' ? database.connection.database : 'conversations';
  yield judgeVersion(server);
  yield judgeEncoding(server, name);
  yield judgeWrites(server);
  yield judgeClock('database clock', "the database's", server.now - nowMs() / 1000);
  const timeouts = await withTimeout(stepMs, signal, () => examination.timeouts());
  yield timeouts instanceof Error ? judgeUnanswered('timeouts', timeouts) : judgeTimeouts(timeouts);
}

async function* checkTables(examination: Examination, { scope, signal }: DatabaseQuestion): AsyncGenerator<Finding> {
  const ask = <Facts>(work: () => Promise<Facts>) => withTimeout(stepMs, signal, work);
  const rights = await ask(() => examination.rights());
  yield rights instanceof Error ? judgeUnanswered('rights', rights) : judgeRights(rights);
  yield rights instanceof Error ? skipped('row security', 'the rights are unknown') : judgeRowSecurity(rights);
  const closed = reasonUnreadable(rights);
  const ledger = closed === null ? await ask(() => examination.ledger()) : null;
  if (ledger === null) yield skipped('migrations', closed ?? '');
  else if (ledger instanceof Error) yield judgeUnanswered('migrations', ledger);
  else yield judgeMigrations(ledger, rights instanceof Error ? null : rights);

  const citus = await ask(() => examination.citus());
  if (citus instanceof Error) yield judgeUnanswered('citus', citus);
  else if (citus.version !== null) yield judgeCitus(citus);

  const empty = !(rights instanceof Error) && !rights.migrated;
  const why = closed ?? (empty ? 'there are no tables yet' : null);
  const lease = why === null ? await ask(() => examination.lease()) : null;
  const room = await ask(() => examination.room());
  const runs = lease !== null && !(lease instanceof Error) && lease.held;
  yield room instanceof Error ? judgeUnanswered('connections', room) : judgeRoom(room, runs);
  if (why !== null) yield skipped('account', why);
  else if (scope === null) yield skipped('account', 'the settings of the API are wrong');
  else yield judgeScope(scope, await ask(() => refuseWrongScope(examination.asDatabase, scope)));
  if (lease === null) yield skipped('worker', why ?? '');
  else yield lease instanceof Error ? judgeUnanswered('worker', lease) : judgeLease(lease);
}

/** Why the worker's own tables cannot be read; null if they can. */
function reasonUnreadable(rights: RightsFacts | Error): string | null {
  if (rights instanceof Error) return 'the rights are unknown';
  if (rights.secured.length > 0) return 'row-level security hides rows';
  return rights.unreadable ? 'rights are missing' : null;
}

function judgeScope(scope: Scope, entered: { generation: number } | Error): Finding {
  if (entered instanceof WrongScope) {
    const { found, advice } = entered;
    return fail('account', found, `${advice.charAt(0).toUpperCase()}${advice.slice(1)}.`);
  }
  if (entered instanceof Error) return judgeUnanswered('account', entered);
  return ok('account', `it belongs to ${scope.accountSid} at ${scope.baseUrl}, or to none yet`);
}
