// `doctor`: checks settings, API and database and the connections to them, prints a line for each check as it is done,
// and says what to do. It changes nothing. The exit status says whether somebody has to correct something. With the accounts file, each
// account is checked.

import { type Entry, readEntries } from '../../config/accounts.ts';
import { type Config, ConfigError, noFilters, readConfig, underSchema } from '../../config/config.ts';
import { type Environment, findMisspelt, type ReadFile } from '../../config/environment.ts';
import type { Part } from '../../config/settings.ts';
import { apiChecks, checkApi } from '../../doctor/api.ts';
import { checkDatabase, databaseChecks } from '../../doctor/database.ts';
import {
  describeFindings,
  type Finding,
  fail,
  ok,
  sameSkip,
  skipped,
  statusOfFindings,
  summarize,
  warn,
} from '../../doctor/finding.ts';
import { checkWebhook } from '../../doctor/webhook.ts';
import { day } from '../../lib/duration.ts';
import { formatSeconds } from '../../lib/timestamp.ts';
import { startAt } from '../../sync/sweeps.ts';
import { baseUrl } from '../../twilio/base-url.ts';
import { urlOfAccount } from '../../webhooks/signature.ts';
import { chosenOf, inTurn, refuseOther } from '../per-account.ts';
import type { Terminal } from '../terminal.ts';

export interface DoctorOptions {
  env: Environment;
  readFile: ReadFile;
  /** `--account`: a SID or a schema. */
  account: string | undefined;
  json: boolean;
  /** Also send signed requests through WEBHOOK_URL. */
  webhook: boolean;
  terminal: Terminal;
  signal: AbortSignal;
}

/** How each part of the configuration is read. @throws ConfigError. */
type Readers = { [Each in Exclude<Part, 'accounts'>]: () => Config[Each] };

/** What is checked. */
interface Subject {
  /** What is wrong beside values. */
  problems: string[];
  readers: Readers;
  /** A text in the names under which this account has its settings. */
  inOwnNames?: (text: string) => string;
}

type CheckOptions = Pick<DoctorOptions, 'json' | 'webhook' | 'terminal' | 'signal'>;

/** @returns the exit status. @throws UsageError if there is no such account, and the signal's reason. */
export async function doctor({ env, readFile, account, ...options }: DoctorOptions): Promise<number> {
  // A misspelt name does not affect the other settings.
  const misspelt = findMisspelt(env);
  const problems = misspelt.map(({ message }) => message);
  const known = { ...env, ...Object.fromEntries(misspelt.map(({ setting }) => [setting, undefined])) };
  const readers = readersOf(known, readFile);
  if (!env['SYNC_ACCOUNTS_FILE']) {
    refuseOther(account, env['TWILIO_ACCOUNT_SID'], env['SYNC_SCHEMA'] || 'twilio');
    return await check({ problems, readers }, options);
  }
  let entries: Entry[];
  try {
    entries = readEntries(known, readFile, []);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const refuse = () => {
      throw error;
    };
    const ofAccount = { api: refuse, database: refuse, filters: refuse, sync: refuse, webhook: refuse };
    return await check({ problems, readers: { ...readers, ...ofAccount } }, options);
  }
  const turns = entries.map((entry) => ({
    ...entry,
    run(terminal: Terminal) {
      const more = entry.problems.map(({ message }) => message);
      const { inOwnNames } = entry;
      const subject = { problems: [...problems, ...more], readers: ofEntry(entry, readers), inOwnNames };
      return check(subject, { ...options, terminal });
    },
  }));
  return await inTurn(chosenOf(turns, account), options)(options.signal);
}

function readersOf(env: Environment, readFile: ReadFile): Readers {
  const reader =
    <Wanted extends Part>(part: Wanted) =>
    () =>
      readConfig(env, readFile, [part])[part];
  return {
    api: reader('api'),
    database: reader('database'),
    filters: reader('filters'),
    sync: reader('sync'),
    http: reader('http'),
    webhook: reader('webhook'),
    logLevel: reader('logLevel'),
  };
}

function ofEntry(entry: Entry, ofProcess: Readers): Readers {
  const { sid, schema, problems } = entry;
  return {
    ...ofProcess,
    api: () => entry.read(['api']).api,
    filters: () => entry.read(['filters']).filters,
    sync: () => entry.read(['sync']).sync,
    database() {
      if (schema === null) throw new ConfigError(problems);
      return underSchema(ofProcess.database(), schema);
    },
    webhook() {
      const { webhook } = entry.read(['webhook']);
      if (webhook.url !== undefined && sid !== null) webhook.url = urlOfAccount(webhook.url, sid);
      return webhook;
    },
  };
}

async function check(subject: Subject, { json, webhook, terminal, signal }: CheckOptions): Promise<number> {
  const findings: Finding[] = [];
  let pending: Finding[] = [];
  const print = () => {
    const [first, ...rest] = pending;
    if (first !== undefined && !json) terminal.write(describeFindings([first, ...rest]));
    pending = [];
  };
  const named = ({ found, todo, ...rest }: Finding): Finding => {
    // Problems of settings are said in their names already.
    const { inOwnNames = (text: string) => text } = rest.check === 'settings' ? {} : subject;
    return { ...rest, found: inOwnNames(found), todo: todo && inOwnNames(todo) };
  };
  for await (const each of checks(subject, webhook, signal)) {
    const finding = named(each);
    findings.push(finding);
    if (!sameSkip(pending[0], finding)) print();
    pending.push(finding);
    // Skipped checks with the same reason share a line; all others are printed at once.
    if (finding.mark !== 'skipped') print();
  }
  print();
  const status = statusOfFindings(findings);
  terminal.write(json ? JSON.stringify({ status, findings }, null, 2) : `\n${summarize(findings)}`);
  return status;
}

async function* checks(subject: Subject, sends: boolean, signal: AbortSignal): AsyncGenerator<Finding> {
  const problems = new Set(subject.problems);
  const read = <Wanted extends keyof Readers>(part: Wanted) => readPart(subject.readers, part, problems);
  const [api, database, filters, sync] = [read('api'), read('database'), read('filters'), read('sync')];
  read('http');
  const webhook = read('webhook');
  read('logLevel');
  for (const problem of problems) yield fail('settings', problem);
  const nowMs = () => Date.now();
  const start = startAt(sync?.start ?? { secondsBack: yearSeconds }, nowMs() / 1000);
  if (problems.size === 0)
    yield ok('settings', `all are valid; history goes back to ${formatSeconds(start).slice(0, 10)}`);
  for (const note of (database?.kind === 'server' && database.notes) || []) {
    yield warn('settings', note, 'It has no effect: remove or correct it.');
  }

  const operatorResults = sync?.operatorResults ?? true;
  const rest = { filters: filters ?? noFilters, operatorResults, start, nowMs, signal };
  if (api === null) for (const check of apiChecks) yield skipped(check, 'the settings of the API are wrong');
  else yield* checkApi({ api, ...rest });
  const scope = api && { accountSid: api.accountSid, baseUrl: baseUrl(api), filters: rest.filters, start };
  if (database === null) for (const check of databaseChecks) yield skipped(check, 'its settings are wrong');
  else yield* checkDatabase({ database, scope, nowMs, signal });
  if (!sends) return;
  if (webhook === null) yield skipped('webhook', 'its settings are wrong');
  else yield* checkWebhook({ webhook, signal });
}

/** A part of the configuration, or null if something in it is wrong. */
function readPart<Wanted extends keyof Readers>(readers: Readers, part: Wanted, problems: Set<string>) {
  try {
    return readers[part]();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { message } of error.problems) problems.add(message);
    return null;
  }
}

const yearSeconds = 365 * day;
