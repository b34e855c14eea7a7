// The environment in, the configuration out: typed values in groups, or a ConfigError with all problems at once, each with
// its setting and what that takes. Pure, except for the files that settings name. No message holds a secret, and the
// configuration does not print any.

import { reasonOf } from '../lib/reason.ts';
import { hideSecrets } from '../lib/secret.ts';
import { type Connection, connectionOf, findUnknown, parametersOfUrl, problemOfUrl } from './connection-string.ts';
import {
  type Environment,
  findFlaw,
  findMisspelt,
  type Given,
  type Problem,
  type ReadFile,
  readValues,
} from './environment.ts';
import { type Parameter, type Parameters, variables } from './parameters.ts';
import type { Part, SettingName, Values } from './settings.ts';
import { type SyncConfig, syncOf } from './sync.ts';
import { type WebhookConfig, webhookOf } from './webhook.ts';

export type { SyncConfig } from './sync.ts';

/** Everything that is wrong with the environment; the message has a line for each problem. Exit status 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map((problem) => problem.message).join('\n'));
    this.problems = problems;
  }
}

export interface ApiConfig {
  accountSid: string;
  /** HTTP Basic: the key's SID and secret, or the account SID and auth token. */
  username: string;
  password: string;
  /** Reads both from their files again; undefined if these cannot be read, or are wrong. */
  current?: () => Pick<ApiConfig, 'username' | 'password'> | undefined;
  edge: string | undefined;
  region: string | undefined;
  /** Another base URL, without a slash at its end; takes precedence over edge and region. */
  url: string | undefined;
  createdFilter: 'auto' | 'createdAtBefore' | 'createdBefore';
  maxConcurrency: number;
  proxy: { https: string | undefined; http: string | undefined; none: string | undefined };
}

export type DatabaseConfig =
  /** `notes`: warnings about the settings. */
  | { kind: 'server'; schema: string; connection: Connection; notes?: string[] }
  /** The folder of the embedded Postgres, relative to the working directory. */
  | { kind: 'embedded'; schema: string; folder: string };

export interface FilterConfig {
  status: Values['SYNC_STATUS'];
  channels: Values['SYNC_CHANNELS'];
  channelId: string | undefined;
  conversationConfigurationId: string | undefined;
  intelligenceConfigurationIds: string[] | undefined;
  operatorIds: string[] | undefined;
}

export const noFilters: Readonly<FilterConfig> = {
  status: undefined,
  channels: undefined,
  channelId: undefined,
  conversationConfigurationId: undefined,
  intelligenceConfigurationIds: undefined,
  operatorIds: undefined,
};

export interface Config {
  api: ApiConfig;
  /** The path of the accounts file; undefined: one account, from the environment. */
  accounts: { file: string | undefined };
  database: DatabaseConfig;
  filters: FilterConfig;
  sync: SyncConfig;
  http: { host: string; port: number; allowedHosts: string[] };
  webhook: WebhookConfig;
  logLevel: Values['LOG_LEVEL'];
}

const everyPart: readonly Part[] = ['api', 'accounts', 'database', 'filters', 'sync', 'http', 'webhook', 'logLevel'];

/**
 * Reads the parts of the configuration that a command needs, by default all. An empty variable counts as unset. Misspelt
 * settings are always refused. Throws ConfigError with all problems of these parts.
 */
export function readConfig<Wanted extends Part = Part>(
  env: Environment,
  readFile: ReadFile,
  parts?: readonly Wanted[],
): Pick<Config, Wanted> {
  const wanted: readonly Part[] = parts ?? everyPart;
  const problems: Problem[] = findMisspelt(env);
  const given = readValues(env, readFile, wanted, problems);
  const build: { [Each in Part]: () => Config[Each] } = {
    api: () => apiOf(env, given, readFile, problems),
    accounts: () => ({ file: given.values.SYNC_ACCOUNTS_FILE }),
    database: () => databaseOf(env, given, readFile, problems),
    filters: () => filtersOf(given.values),
    sync: () => syncOf(given, problems),
    http: () => ({
      host: given.values.HTTP_HOST,
      port: given.values.HTTP_PORT,
      allowedHosts: given.values.HTTP_ALLOWED_HOSTS ?? [],
    }),
    webhook: () => webhookOf(env, given, readFile, problems, rereading(env, readFile, 'webhook')),
    logLevel: () => given.values.LOG_LEVEL,
  };
  const config = Object.fromEntries(wanted.map((part) => [part, build[part]()]));
  if (problems.length > 0) throw new ConfigError(problems);
  return config as Pick<Config, Wanted>;
}

/** A function that reads a part again, for secrets that change while a worker runs. */
function rereading<Wanted extends Part>(env: Environment, readFile: ReadFile, part: Wanted) {
  return (): Config[Wanted] | undefined => {
    try {
      return readConfig(env, readFile, [part])[part];
    } catch (error) {
      // The file may be incomplete just now; what was read last may still work.
      if (error instanceof ConfigError) return undefined;
      throw error;
    }
  };
}

function apiOf(env: Environment, { values, given }: Given, readFile: ReadFile, problems: Problem[]): ApiConfig {
  const report = (setting: SettingName, message: string) => problems.push({ setting, message });
  const has = { key: given.has('TWILIO_API_KEY'), secret: given.has('TWILIO_API_SECRET') };
  if (!given.has('TWILIO_ACCOUNT_SID')) {
    report('TWILIO_ACCOUNT_SID', 'TWILIO_ACCOUNT_SID is required: AC and 32 hexadecimal digits');
  }
  if (has.key && !has.secret) report('TWILIO_API_SECRET', 'TWILIO_API_KEY is set but TWILIO_API_SECRET is not');
  if (has.secret && !has.key) report('TWILIO_API_KEY', 'TWILIO_API_SECRET is set but TWILIO_API_KEY is not');
  if (!has.key && !has.secret && !given.has('TWILIO_AUTH_TOKEN')) {
    report('TWILIO_API_KEY', 'TWILIO_API_KEY and TWILIO_API_SECRET are required, or TWILIO_AUTH_TOKEN');
  }
  const authorities = values.NODE_EXTRA_CA_CERTS;
  try {
    // Node reads it when it starts, but only warns if it cannot.
    if (authorities) readFile(authorities);
  } catch (error) {
    report(
      'NODE_EXTRA_CA_CERTS',
      `NODE_EXTRA_CA_CERTS names ${authorities}, which cannot be read (${reasonOf(error)})`,
    );
  }
  const api: ApiConfig = {
    accountSid: values.TWILIO_ACCOUNT_SID ?? '',
    username: (has.key ? values.TWILIO_API_KEY : values.TWILIO_ACCOUNT_SID) ?? '',
    password: (has.key ? values.TWILIO_API_SECRET : values.TWILIO_AUTH_TOKEN) ?? '',
    ...(apiSecrets.some((name) => env[`${name}_FILE`]) && { current: rereading(env, readFile, 'api') }),
    edge: values.TWILIO_EDGE,
    region: values.TWILIO_REGION,
    url: values.TWILIO_INTELLIGENCE_URL,
    createdFilter: values.TWILIO_CREATED_FILTER,
    maxConcurrency: values.SYNC_MAX_CONCURRENCY,
    // A proxy's URL may hold its password.
    proxy: hideSecrets({ https: values.HTTPS_PROXY, http: values.HTTP_PROXY, none: values.NO_PROXY }, 'https', 'http'),
  };
  return hideSecrets(api, 'password');
}

const apiSecrets: SettingName[] = ['TWILIO_API_KEY', 'TWILIO_API_SECRET', 'TWILIO_AUTH_TOKEN'];

/** The URL takes precedence over the PG* variables, as with libpq. */
function databaseOf(
  env: Environment,
  { values, given }: Given,
  readFile: ReadFile,
  problems: Problem[],
): DatabaseConfig {
  const schema = values.SYNC_SCHEMA;
  const embedded: DatabaseConfig = { kind: 'embedded', schema, folder: 'data/postgres' };
  const report = (setting: string, message: string) => problems.push({ setting, message });
  const fromVariables: Parameters = {};
  for (const [parameter, name] of Object.entries(variables)) {
    const value = name === 'PGPASSWORD' ? values.PGPASSWORD : name && env[name];
    if (value) fromVariables[parameter as Parameter] = value;
    const flaw = name === 'PGPASSWORD' ? undefined : findFlaw(value || '');
    if (flaw !== undefined && name) report(name, `${name} ${flaw}`);
  }
  if (env['PGSERVICE'] && !given.has('DATABASE_URL'))
    report('PGSERVICE', 'PGSERVICE is not supported: set PGHOST or DATABASE_URL');
  const { host, hostaddr, port, user, password, dbname } = fromVariables;
  if (!given.has('DATABASE_URL') && !(host || hostaddr || port || user || password || dbname)) {
    if (values.CONVERSATION_SYNC_REQUIRE_DATABASE) {
      report(
        'DATABASE_URL',
        'DATABASE_URL (or PGHOST, PGDATABASE, …) is required: the container image does not contain a database',
      );
    }
    return embedded;
  }
  const url = values.DATABASE_URL;
  const problem = url === undefined ? null : problemOfUrl(url);
  if (problem !== null) report('DATABASE_URL', `DATABASE_URL ${problem}`);
  const fromUrl = url === undefined ? {} : parametersOfUrl(url);
  if (fromUrl === undefined || problem !== null) return embedded;
  const reportParameter = (parameter: Parameter, message: string) => {
    const variable = variables[parameter];
    if (parameter in fromUrl || variable === undefined) report('DATABASE_URL', `DATABASE_URL: ${parameter} ${message}`);
    else report(variable, `${variable} ${message}`);
  };
  const parameters = { application_name: 'conversation-sync', ...fromVariables, ...fromUrl };
  const connection: Connection = { ...connectionOf(parameters, readFile, reportParameter), schema };
  const { sslcert, sslrootcert } = parameters;
  if (env['DATABASE_URL_FILE'] || env['PGPASSWORD_FILE'] || sslcert || sslrootcert) {
    const reread = rereading(env, readFile, 'database');
    connection.current = () => {
      const database = reread();
      return database?.kind === 'server' ? database.connection : undefined;
    };
  }
  const notes = findUnknown(url ?? '').map((unknown) => `DATABASE_URL: ${unknown}`);
  return { kind: 'server', schema, connection: hideSecrets(connection, 'password', 'ssl', 'optionalTls'), notes };
}

function filtersOf(values: Values): FilterConfig {
  return {
    status: values.SYNC_STATUS,
    channels: values.SYNC_CHANNELS,
    channelId: values.SYNC_CHANNEL_ID,
    conversationConfigurationId: values.SYNC_CONVERSATION_CONFIGURATION_ID,
    intelligenceConfigurationIds: values.SYNC_INTELLIGENCE_CONFIGURATION_IDS,
    operatorIds: values.SYNC_OPERATOR_IDS,
  };
}

/** The same database, with the tables in another schema. */
export function underSchema(config: DatabaseConfig, schema: string): DatabaseConfig {
  if (config.kind === 'embedded') return { ...config, schema };
  const connection = hideSecrets({ ...config.connection, schema }, 'password', 'ssl', 'optionalTls');
  return { ...config, schema, connection };
}
