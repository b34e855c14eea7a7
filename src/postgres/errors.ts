// Turns the driver's errors into ours: which ones to retry, which are about one conversation's data, and which a person has to
// correct. Postgres' messages can quote rows, with personal data. Ours name only the condition, its SQLSTATE, the table and column.

import { Unstorable } from '../sync/model.ts';

/** The database cannot be used. `message` is `reason` after the word "database". */
export class DatabaseTrouble extends Error {
  override readonly name = 'DatabaseTrouble';
  readonly code: string;
  /** What is wrong, and what to check. */
  readonly reason: string;
  /** The same statement may succeed in a moment. */
  readonly passing: boolean;
  /** Somebody has to correct a setting, here or at the pooler. */
  readonly misconfigured: boolean;
  constructor(message: string, code: string, passing: boolean, misconfigured = misconfiguring.test(code)) {
    const reason = `${message} (${code})`;
    super(`database: ${reason}`);
    this.reason = reason;
    this.code = code;
    this.passing = passing;
    this.misconfigured = misconfigured;
  }
}

const misconfiguring = /^(22...|28...|3D000|42501|42704|ERR_NO_TLS)$/;

const refusesData = 'Postgres refuses the data';

type Kind = 'passing' | 'trouble' | 'data';

/** Reasons by SQLSTATE or Node's code; the first match counts. Source: Postgres, appendix A. */
const table: [codes: RegExp, kind: Kind, means: string][] = [
  [/^40(001|P01)$/, 'passing', 'transactions collided'],
  [/^55P03$/, 'passing', 'a lock was not granted in time'],
  [/^25P03$/, 'passing', 'the transaction was idle for too long'],
  [/^57P05$/, 'passing', 'idle_session_timeout ended an idle connection'],
  [/^57014$/, 'trouble', 'statement_timeout, or somebody, ended a statement; see doctor'],
  [/^25P04$/, 'trouble', 'transaction_timeout ended a transaction; see doctor'],
  [/^57P0[1-3]$/, 'passing', 'the server is shutting down or starting up'],
  [/^53300$/, 'passing', 'the server has no connection left'],
  [/^53[0-9A-Z]{3}$/, 'trouble', 'the server is out of disk space or memory'],
  [/^08/, 'passing', 'the connection was lost'],
  [/^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_)/, 'passing', 'the server cannot be reached'],
  // As Node lists them: https://nodejs.org/api/tls.html#x509-certificate-error-codes
  [
    /CERT|^(UNABLE_TO_|INVALID_CA$|HOSTNAME_MISMATCH$)/,
    'trouble',
    "the server's certificate is not trusted, or is another host's; see sslmode and sslrootcert",
  ],
  [/^ERR_NO_TLS$/, 'trouble', 'the server offers no TLS, which sslmode asks for'],
  [/^2BP01$/, 'trouble', 'an object of yours depends on what is to change: drop it, migrate, and make it again'],
  [/^25006$/, 'trouble', 'the server takes no writes: it is read-only, a standby perhaps'],
  [/^28/, 'trouble', 'the server refuses this user or password; see DATABASE_URL or PGUSER and PGPASSWORD'],
  [/^3D000$/, 'trouble', 'there is no such database; see DATABASE_URL or PGDATABASE'],
  [
    /^42501$/,
    'trouble',
    'this user lacks rights: to migrate, CREATE on the database or ownership of the schemas twilio and twilio_sync; to sync, USAGE on both and rights to their tables',
  ],
  [/^(42P01|3F000|42703)$/, 'trouble', 'a table is missing; run: conversation-sync migrate'],
  [/^42883$/, 'trouble', 'a function is missing; run: conversation-sync migrate'],
  [/^(22|23|54|P0)/, 'data', refusesData],
];

/** Codes that are not about the data, whoever raises them. */
const neverData = /^(08|53|57|40001|40P01|55P03|25006|25P0[34])/;

/**
 * Our error for what a query threw. Errors that are not the database's, and our own, are returned as they are. `at` is where data
 * was written, such as `in twilio.communications`: an error of a user's trigger or function there is about the data.
 */
export function translate(error: unknown, at?: string): unknown {
  if (error instanceof DatabaseTrouble || error instanceof Unstorable) return error;
  if (!(error instanceof Error)) return error;
  const code = codeOf(error);
  if (code === null) return error;
  if ('severity' in error && error.severity === 'FATAL') {
    const refusal = refusalOf(error, code);
    if (refusal !== null) return refusal;
  }
  const [, kind, means] = table.find(([codes]) => codes.test(code)) ?? unforeseen;
  const raisedBy = at !== undefined && !neverData.test(code) ? functionOf(error) : undefined;
  const named = detailOf(error, code);
  const place = ['schema', 'table', 'column', 'constraint'].flatMap((name) => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? [value] : [];
  });
  const where = place.length === 0 ? '' : ` in ${place.join('.')}`;
  if (kind === 'data' || raisedBy !== undefined) {
    const by = raisedBy === undefined ? '' : `: ${raisedBy}()`;
    return new Unstorable(`${refusesData}${where || (at === undefined ? '' : ` ${at}`)}${by} (${code})`, code);
  }
  return new DatabaseTrouble(`${means}${named}${where}`, code, kind === 'passing');
}

/**
 * FATAL is the end of a connection, mostly before it was one: its text quotes settings and no rows. Poolers have one code
 * for whatever they refuse (PgBouncer 08P01, Supavisor XX000), so their words are all there is to tell a wrong setting by.
 */
function refusalOf({ message }: Error, code: string): DatabaseTrouble | null {
  if (/^(22|42)(?!501)/.test(code)) {
    const means = 'the server refuses the connection; see options in DATABASE_URL or PGOPTIONS';
    return new DatabaseTrouble(`${means}: ${message}`, code, false, true);
  }
  if (!/^(08P01|XX000|28000|53300)$/.test(code)) return null;
  const wrong = code === '28000' || wrongSetting.test(message);
  return new DatabaseTrouble(`the server or its pooler refuses the connection: ${message}`, code, !wrong, wrong);
}

const wrongSetting =
  /no such (database|user)|(database|user|tenant) .*(not found|does not exist|not allowed)|authentication failed|password|unsupported (startup|pkt|protocol)|invalid (startup|database|user)/i;

/**
 * The outermost function that raised it, which of a trigger is the trigger's. Nothing else is taken of the call stack: it quotes
 * statements and parameters.
 */
function functionOf(error: Error): string | undefined {
  const { where = '' } = error as Details;
  const lines = where.matchAll(/^(?:compilation of )?(?:PL\/\w+|SQL) function ((?:"[^"\n]+"|[\p{L}\p{N}_$.])+)/gmu);
  return [...lines].at(-1)?.[1]?.replaceAll('"', '');
}

/** What may be said besides without quoting a row: where nobody answered, or what Postgres has against our own statement. */
function detailOf(error: Error, code: string): string {
  // Where a name has several addresses, each has an error of its own.
  const { address, port, hostname, where, routine, detail } = (
    error instanceof AggregateError ? error.errors[0] : error
  ) as Details;
  if (address !== undefined) return ` at ${address}${port === undefined ? '' : `, port ${port}`}`;
  if (hostname !== undefined) return `: there is no host ${hostname}`;
  // Class 42 names rights and statements, unless somebody's trigger or function raised it; which table is missing does not help.
  const own = where === undefined && routine !== undefined && !routine.startsWith('exec_');
  if (!own) return '';
  // Their detail names the objects that are in the way of a migration, a line each.
  if (/^(2BP01|0A000|42P16)$/.test(code))
    return `: ${[error.message, detail ?? []].flat().join('; ').replaceAll('\n', '; ')}`;
  return /^42(?!P01|703)/.test(code) ? `: ${error.message}` : '';
}

interface Details {
  address?: string;
  port?: number;
  hostname?: string;
  detail?: string;
  /** Postgres' call stack of functions. */
  where?: string;
  /** The function of its source that raised it. */
  routine?: string;
}

const unforeseen: [RegExp, Kind, string] = [/./, 'trouble', 'a statement failed'];

function codeOf(error: Error): string | null {
  if ('code' in error && typeof error.code === 'string') return error.code;
  // pg has no code for these: its messages are all there is.
  if (
    /^(Connection terminated|Client has encountered a connection error|timeout e|Query read timeout)/.test(
      error.message,
    )
  ) {
    return 'ECONNRESET';
  }
  if (/Cannot use a pool after calling end/.test(error.message)) return 'ECONNABORTED';
  if (/^The server does not support SSL/.test(error.message)) return 'ERR_NO_TLS';
  if (/^(password must be a string|SASL|no pg_hba)/i.test(error.message)) return '28000';
  return null;
}
