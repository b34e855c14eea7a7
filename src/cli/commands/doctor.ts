// `doctor`: checks settings, API and database and the connections to them, prints a line for each check as it is done,
// and says what to do. It changes nothing. The exit status says whether somebody has to correct something.

import { type Config, ConfigError, noFilters, readConfig } from '../../config/config.ts';
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
import type { Terminal } from '../terminal.ts';

export interface DoctorOptions {
  env: Environment;
  readFile: ReadFile;
  json: boolean;
  /** Also send signed requests through WEBHOOK_URL. */
  webhook: boolean;
  terminal: Terminal;
  signal: AbortSignal;
}

/** @returns the exit status. @throws only the signal's reason. */
export async function doctor({ env, readFile, json, webhook, terminal, signal }: DoctorOptions): Promise<number> {
  const findings: Finding[] = [];
  let pending: Finding[] = [];
  const print = () => {
    const [first, ...rest] = pending;
    if (first !== undefined && !json) terminal.write(describeFindings([first, ...rest]));
    pending = [];
  };
  for await (const finding of checks({ env, readFile, webhook, signal })) {
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

async function* checks({
  env,
  readFile,
  webhook: sends,
  signal,
}: Pick<DoctorOptions, 'env' | 'readFile' | 'webhook' | 'signal'>): AsyncGenerator<Finding> {
  // A misspelt name does not affect the other settings.
  const misspelt = findMisspelt(env);
  const problems = new Set(misspelt.map(({ message }) => message));
  const known = { ...env, ...Object.fromEntries(misspelt.map(({ setting }) => [setting, undefined])) };
  const read = <Wanted extends Part>(part: Wanted) => readPart(known, readFile, part, problems);
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
function readPart<Wanted extends Part>(
  env: Environment,
  readFile: ReadFile,
  part: Wanted,
  problems: Set<string>,
): Config[Wanted] | null {
  try {
    return readConfig(env, readFile, [part])[part];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { message } of error.problems) problems.add(message);
    return null;
  }
}

const yearSeconds = 365 * day;
