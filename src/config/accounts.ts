// The accounts file in, a configuration for each account out. An entry is laid over the environment, which gives the defaults, and
// is read as the environment is. What is wrong with an entry is said in its own names, and costs no other entry.

import { createHash } from 'node:crypto';
import { reasonOf } from '../lib/reason.ts';
import { credentials, type EntryRead, inEntryNames, readEntry } from './account-entry.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { type Environment, findMisspelt, type Problem, type ReadFile, readValues } from './environment.ts';

/** The parts of the configuration that each account has of its own. The others are the process's. */
export const accountParts = ['api', 'filters', 'sync', 'webhook'] as const;
export type AccountPart = (typeof accountParts)[number];

/** `webhook` has the account's keys; its port, host and URL are those of the process. */
export type Account<Wanted extends AccountPart = AccountPart> = {
  sid: string;
  schema: string;
  /** Another text if, and only if, the entry has changed; says nothing of its secrets. What files hold is no part of it. */
  version: string;
} & Pick<Config, Wanted>;

export interface Refused {
  /** What messages call the entry. */
  name: string;
  /** Null where the entry has none, or a wrong one. */
  sid: string | null;
  schema: string | null;
  /** Each message begins with the entry's name; `setting` is the name within the entry. */
  problems: Problem[];
}

export interface AccountsRead<Wanted extends AccountPart = AccountPart> {
  accounts: Account<Wanted>[];
  refused: Refused[];
}

/**
 * Whose tables there are: also those of entries that are refused, where it is known which they are. They stay in the views over all
 * accounts while somebody corrects the entry.
 */
export function copiesOf({ accounts, refused }: AccountsRead<never>): Pick<Account<never>, 'sid' | 'schema'>[] {
  const all = [...accounts, ...refused].flatMap(({ sid, schema }) => (sid && schema ? [{ sid, schema }] : []));
  const isOnly = (one: (typeof all)[number]) => all.filter(({ schema }) => schema === one.schema).length === 1;
  return all.filter(isOnly);
}

/** An entry whose SID and schema are read. The rest is read when it is needed. */
export interface Entry extends Refused {
  version: string;
  /** A text with the entry's own names in place of settings, unless the environment sets them for all. */
  inOwnNames(text: string): string;
  /** @throws ConfigError, in the names of the entry. */
  read<Wanted extends AccountPart>(parts: readonly Wanted[]): Pick<Config, Wanted>;
}

/**
 * The accounts of the file, with these parts of their configuration, by default all.
 * @throws ConfigError if the file cannot be read or is no accounts file, or if the environment is wrong for every account.
 */
export function readAccounts<Wanted extends AccountPart = AccountPart>(
  env: Environment,
  readFile: ReadFile,
  parts: readonly Wanted[] = accountParts as readonly AccountPart[] as readonly Wanted[],
): AccountsRead<Wanted> {
  const found: AccountsRead<Wanted> = { accounts: [], refused: [] };
  for (const entry of readEntries(env, readFile, parts)) {
    const { name, sid, schema, version } = entry;
    const problems = [...entry.problems];
    const config = readOrReport(entry, parts, problems);
    if (config !== null && problems.length === 0 && sid !== null && schema !== null)
      found.accounts.push({ sid, schema, version, ...config });
    else found.refused.push({ name, sid, schema, problems: withoutRepeats(problems) });
  }
  return found;
}

function readOrReport<Wanted extends AccountPart>(entry: Entry, parts: readonly Wanted[], problems: Problem[]) {
  try {
    return entry.read(parts);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return null;
  }
}

/** The entries of the file; what the environment gives to all of them in these parts is checked. @throws ConfigError as `readAccounts` does. */
export function readEntries(env: Environment, readFile: ReadFile, parts: readonly AccountPart[]): Entry[] {
  const problems = [...findMisspelt(env), ...findCredentials(env)];
  readValues(env, readFile, parts, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const entries = parse(env['SYNC_ACCOUNTS_FILE'] ?? '', readFile).map((entry, index) =>
    entryOf(readEntry(entry), index, env, readFile),
  );
  refuseRepeated(entries, 'accountSid', ({ sid }) => sid?.toLowerCase());
  refuseRepeated(entries, 'schema', ({ schema }) => schema);
  return entries;
}

/** Credentials of one account, of which nobody could say which: they would be every account's. */
function findCredentials(env: Environment): Problem[] {
  return credentials
    .flatMap((name) => [name, `${name}_FILE`])
    .filter((name) => env[name])
    .map((setting) => ({
      setting,
      message: `${setting} and SYNC_ACCOUNTS_FILE are both set: with the file, each account has its own there`,
    }));
}

/** @throws ConfigError. */
function parse(path: string, readFile: ReadFile): unknown[] {
  const refuse = (what: string) =>
    new ConfigError([{ setting: 'SYNC_ACCOUNTS_FILE', message: `SYNC_ACCOUNTS_FILE names ${path}, which ${what}` }]);
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    throw refuse(`cannot be read (${reasonOf(error)})`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // Its message would quote the text around the place, and with it secrets.
    const [, line] = /\bline (\d+)/.exec(error instanceof Error ? error.message : '') ?? [];
    throw refuse(`is not JSON${line === undefined ? '' : ` in line ${line}`}`);
  }
  const { accounts, ...more } = Object(parsed) as { accounts?: unknown };
  const [unknown] = Object.keys(more);
  if (!Array.isArray(accounts) || unknown !== undefined)
    throw refuse(`is no accounts file: it takes {"accounts": [{"accountSid": "AC…", …}, …]} and nothing beside that`);
  // More likely a template that was filled with nothing than the wish to copy nothing.
  if (accounts.length === 0) throw refuse('has no account in it');
  return accounts;
}

function entryOf(
  { variables, problems: ofEntry }: EntryRead,
  index: number,
  env: Environment,
  readFile: ReadFile,
): Entry {
  const laid: Environment = { ...env, ...Object.fromEntries(variables) };
  const own: Problem[] = [];
  const { TWILIO_ACCOUNT_SID, SYNC_SCHEMA } = laid;
  const { values } = readValues({ TWILIO_ACCOUNT_SID, SYNC_SCHEMA }, readFile, ['api', 'database'], own);
  const sid = values.TWILIO_ACCOUNT_SID ?? null;
  // A default would be the one of the account before it.
  const needsSchema = index > 0 && variables.get('SYNC_SCHEMA') === undefined;
  const schema = (needsSchema ? undefined : values.SYNC_SCHEMA) ?? null;
  const name = `accounts[${index}]${(sid ?? schema) ? ` (${[sid, schema].filter((each) => each !== null).join(', ')})` : ''}`;
  const isFromEnvironment = (variable: string) => !variables.has(variable) && Boolean(env[variable]);
  const inOwnNames = (text: string) => inEntryNames(text, isFromEnvironment);
  const translate = ({ setting, message }: Problem): Problem => ({
    setting: inOwnNames(setting),
    message: `${name}: ${inOwnNames(message)}`,
  });
  if (TWILIO_ACCOUNT_SID === undefined) own.push(missing('TWILIO_ACCOUNT_SID', 'AC and 32 hexadecimal digits'));
  if (needsSchema) own.push(missing('SYNC_SCHEMA', 'only the first account has a default'));
  return {
    name,
    sid,
    schema,
    problems: [
      ...ofEntry.map(({ setting, message }) => ({ setting, message: `${name}: ${message}` })),
      ...own.map(translate),
    ],
    version: createHash('sha256')
      .update(JSON.stringify([...variables].sort()))
      .digest('hex'),
    inOwnNames,
    read(parts) {
      try {
        return readConfig(laid, readFile, parts);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        throw new ConfigError(error.problems.map(translate));
      }
    },
  };
}

const missing = (setting: string, what: string): Problem => ({ setting, message: `${setting} is required: ${what}` });

/** Two accounts in one schema, or one account twice: nobody can say which entry is meant, so none of them is used. */
function refuseRepeated(entries: readonly Entry[], setting: string, pick: (entry: Entry) => string | null | undefined) {
  const groups = Map.groupBy(entries, (entry) => pick(entry) ?? entry);
  for (const group of groups.values()) {
    for (const entry of group.length > 1 ? group : []) {
      const others = group.filter((other) => other !== entry).map(({ name }) => name.replace(/ .*/, ''));
      entry.problems.push({ setting, message: `${entry.name}: ${setting} is also that of ${others.join(', ')}` });
    }
  }
}

function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return problems.filter(({ message }, index) => problems.findIndex((other) => other.message === message) === index);
}
