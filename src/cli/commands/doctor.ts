// `doctor`: what is wrong with the settings, the API, the database or the ways to them, and what to do about it, a line a
// check as each is done. It changes nothing; the exit status says whether somebody has to put something right.

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
import { day } from '../../lib/duration.ts';
import { formatSeconds } from '../../lib/timestamp.ts';
import { startAt } from '../../sync/windows.ts';
import { baseUrl } from '../../twilio/base-url.ts';
import type { Terminal } from '../terminal.ts';

export interface DoctorOptions {
  env: Environment;
  readFile: ReadFile;
  json: boolean;
  terminal: Terminal;
  signal: AbortSignal;
}

/** Checks, and says what was found. @returns the exit status. @throws only the signal's reason. */
export async function doctor({ env, readFile, json, terminal, signal }: DoctorOptions): Promise<number> {
  const findings: Finding[] = [];
  let untold: Finding[] = [];
  const tell = () => {
    const [first, ...rest] = untold;
    if (first !== undefined && !json) terminal.write(describeFindings([first, ...rest]));
    untold = [];
  };
  for await (const finding of checks(env, readFile, signal)) {
    findings.push(finding);
    if (!sameSkip(untold[0], finding)) tell();
    untold.push(finding);
    // What was found is told at once; only of what was skipped there may be more.
    if (finding.mark !== 'skipped') tell();
  }
  tell();
  const status = statusOfFindings(findings);
  terminal.write(json ? JSON.stringify({ status, findings }, null, 2) : `\n${summarize(findings)}`);
  return status;
}

async function* checks(env: Environment, readFile: ReadFile, signal: AbortSignal): AsyncGenerator<Finding> {
  // A name that is no setting spoils none of the others.
  const misspelt = findMisspelt(env);
  const problems = new Set(misspelt.map(({ message }) => message));
  const known = { ...env, ...Object.fromEntries(misspelt.map(({ setting }) => [setting, undefined])) };
  const read = <Wanted extends Part>(part: Wanted) => readPart(known, readFile, part, problems);
  const [api, database, filters, sync] = [read('api'), read('database'), read('filters'), read('sync')];
  read('http');
  read('logLevel');
  for (const problem of problems) yield fail('settings', problem);
  const nowMs = () => Date.now();
  const start = startAt(sync?.start ?? { secondsBack: yearSeconds }, nowMs() / 1000);
  if (problems.size === 0)
    yield ok('settings', `each is what it takes; history goes back to ${formatSeconds(start).slice(0, 10)}`);
  for (const note of (database?.kind === 'server' && database.notes) || []) {
    yield warn('settings', note, 'It changes nothing: take it out, or correct it.');
  }

  const rest = { filters: filters ?? noFilters, start, nowMs, signal };
  if (api === null) for (const check of apiChecks) yield skipped(check, 'the settings of the API are wrong');
  else yield* checkApi({ api, ...rest });
  const scope = api && { accountSid: api.accountSid, baseUrl: baseUrl(api), filters: rest.filters, start };
  if (database === null) for (const check of databaseChecks) yield skipped(check, 'its settings are wrong');
  else yield* checkDatabase({ database, scope, nowMs, signal });
}

/** A part of the configuration, or null where something of it is wrong. */
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
