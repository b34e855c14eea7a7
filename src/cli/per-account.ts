// Runs a command for each account: for the one of the environment, or for those of the accounts file, one after the other. With the
// file, what one prints stands under its heading, or in a list of JSON. What goes wrong with one is said, and costs no other.

import { inEntryNames } from '../config/account-entry.ts';
import {
  type Account,
  type AccountPart,
  accountParts,
  copiesOf,
  type Refused,
  readAccounts,
} from '../config/accounts.ts';
import { type Config, ConfigError, type DatabaseConfig, underSchema } from '../config/config.ts';
import type { Part } from '../config/settings.ts';
import { closest } from '../lib/closest.ts';
import type { Log } from '../worker/log.ts';
import { configure, type ProcessIO, type Run } from './configure.ts';
import { exitStatus, firstStatus, sayError, statusOf, UsageError } from './exit-status.ts';
import type { Terminal } from './terminal.ts';

export interface PerAccountOptions<Wanted extends Part> {
  /** The parts of the configuration that the command needs, besides that of the database. */
  parts: readonly Wanted[];
  /** `--account`: a SID or a schema. */
  account: string | undefined;
  /** The command prints one object as JSON. */
  json?: boolean;
  /** Log only warnings unless LOG_LEVEL is set. */
  quiet?: boolean;
  /** What cannot be done for several accounts at once. */
  alone?: string | undefined;
  /** With the accounts file: what is done at the end, for all accounts together. */
  lastly?: (of: OfAll) => Turn;
}

export interface OfAll {
  database: DatabaseConfig;
  copies: { sid: string; schema: string }[];
}

export interface OfAccount<Wanted extends Part> {
  config: Pick<Config, Wanted | 'database'>;
  log: Log;
  terminal: Terminal;
}

/** Reads the configuration. @returns what does the work for each account. @throws ConfigError, UsageError. */
export function perAccount<Wanted extends Part>(
  io: ProcessIO,
  { parts, account, json = false, quiet = false, alone, lastly }: PerAccountOptions<Wanted>,
  work: (of: OfAccount<Wanted>, signal: AbortSignal) => Promise<number>,
): Run {
  const { env, terminal } = io;
  const level = quiet ? 'warn' : undefined;
  if (!env['SYNC_ACCOUNTS_FILE']) {
    const { config, log } = configure(io, [...parts, 'database'], level);
    refuseOther(account, env['TWILIO_ACCOUNT_SID'], config.database.schema);
    return (signal) => work({ config, log, terminal }, signal);
  }
  const own = accountParts.filter((part) => (parts as readonly Part[]).includes(part));
  const ofProcess = parts.filter((part) => !(accountParts as readonly Part[]).includes(part));
  const { config, log, readFile } = configure<Part>(io, [...ofProcess, 'database'], level);
  const read = readAccounts<AccountPart>(env, readFile, own);
  const turns: Turn[] = [
    ...read.refused.map(({ sid, schema, problems }) => ({
      sid,
      schema,
      run: () => Promise.reject(new ConfigError(problems)),
    })),
    ...read.accounts.map((account) => ({
      ...account,
      run: (terminal: Terminal, signal: AbortSignal) =>
        work({ config: configOf(account), log: log.child({ account: account.sid }), terminal }, signal),
    })),
  ];
  const last = lastly === undefined ? [] : [lastly({ database: config.database, copies: copiesOf(read) })];
  return inTurn([...chosenOf(turns, account, alone), ...last], { terminal, json });

  function configOf(account: Account<AccountPart>): Pick<Config, Wanted | 'database'> {
    return { ...config, ...account, database: underSchema(config.database, account.schema) };
  }
}

/** The work for one account of the file. */
export interface Turn extends Pick<Refused, 'sid' | 'schema'> {
  run(terminal: Terminal, signal: AbortSignal): Promise<number>;
}

/** Those that `--account` names, by default all. @throws UsageError if it names none, or if several cannot be done at once. */
export function chosenOf(turns: readonly Turn[], account: string | undefined, alone?: string): readonly Turn[] {
  const chosen = turns.filter(({ sid, schema }) => account === undefined || account === sid || account === schema);
  if (chosen.length === 0 && account !== undefined) {
    const meant = closest(
      account,
      turns.flatMap(({ sid, schema }) => [sid, schema].filter((name) => name !== null)),
    );
    throw new UsageError(
      `--account: no account in SYNC_ACCOUNTS_FILE has the SID or the schema ${account}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    );
  }
  if (alone !== undefined && chosen.length > 1) throw new UsageError(`${alone}: choose the account with --account`);
  return chosen;
}

/** @throws UsageError if `--account` names another account than the one there is. */
export function refuseOther(account: string | undefined, sid: string | undefined, schema: string): void {
  if (account === undefined || account === sid || account === schema) return;
  throw new UsageError(
    `--account: the one account is ${sid === undefined ? '' : `${sid}, `}schema ${schema}; SYNC_ACCOUNTS_FILE, which names several, is not set`,
  );
}

/** Does the work for one after the other. The exit status is the first that holds for any of them. */
export function inTurn(turns: readonly Turn[], { terminal, json }: { terminal: Terminal; json: boolean }): Run {
  return async (signal) => {
    const statuses: number[] = [];
    const printed: object[] = [];
    for (const { sid, schema, run } of turns) {
      signal.throwIfAborted();
      const shown: Record<string, unknown> = { account: sid, schema };
      printed.push(shown);
      // A comment in SQL: some commands print statements.
      if (!json) terminal.write(`${statuses.length > 0 ? '\n' : ''}-- ${nameOf(sid, schema)}`);
      const own = json
        ? { ...terminal, write: (text: string) => void Object.assign(shown, JSON.parse(text)) }
        : terminal;
      try {
        statuses.push(await run(own, signal));
      } catch (error) {
        if (signal.aborted) throw error;
        statuses.push(statusOf(error));
        const said = inEntryNames(sayError(error), () => false);
        if (json) shown['error'] = said;
        // The problems of an entry name it themselves.
        else terminal.progress.write(`${error instanceof ConfigError ? '' : `${nameOf(sid, schema)}: `}${said}\n`);
      }
    }
    if (json) terminal.write(JSON.stringify({ accounts: printed }, null, 2));
    return firstStatus(statuses) ?? exitStatus.inSync;
  };
}

/** In one line: a schema's name may have several. */
function nameOf(sid: string | null, schema: string | null): string {
  const parts = [sid === null ? [] : `account ${sid}`, schema === null ? [] : `schema ${schema.replace(/\s+/g, ' ')}`];
  return parts.flat().join(', ') || 'an account without a SID';
}
