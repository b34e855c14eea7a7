// `status`: how things stand, from the database alone.
// It asks the API nothing and writes nothing; its exit status is the one a sync would have left.

import { openConfigured } from '../app.ts';
import type { DatabaseConfig } from '../config.ts';
import { exitStatus } from '../exit-status.ts';
import { formatDuration } from '../lib/duration.ts';
import { readStatus, type Status } from '../store/status.ts';
import type { Terminal } from './sync.ts';

/** Shows it, for people or as JSON. @returns the exit status. */
export async function status(database: DatabaseConfig, json: boolean, terminal: Terminal): Promise<number> {
  await using opened = await openConfigured(database);
  const found = await readStatus(opened.database);
  terminal.write(json ? JSON.stringify(found, null, 2) : describeStatus(found));
  return statusOfSync(found);
}

/** The exit status that says how things stand. */
export function statusOfSync(found: Status): number {
  if (found.listedUpTo === null || found.pendingWindows.length > 0 || found.braked.length > 0)
    return exitStatus.incomplete;
  return found.quarantine > 0 ? exitStatus.quarantine : exitStatus.inStep;
}

/** A screen of it, in words. */
export function describeStatus(found: Status): string {
  const rows: [string, string][] = [
    ['account', found.accountSid ?? 'none yet: nothing was synced'],
    ['in step', inStep(found)],
    ['worker', found.worker ?? 'none holds the lease'],
    ['conversations', `${found.conversations} (${found.open} open; ${found.deleted} deleted at the API besides)`],
    ['communications', String(found.communications)],
    ['operator results', `${found.operatorResultLinks} links`],
    ['history', history(found)],
    ['reconciled', found.reconciledAt ?? 'never'],
    ['due', `${found.due} details`],
    ['quarantine', found.quarantine === 0 ? 'empty' : `${found.quarantine}: see twilio_sync.quarantine`],
    ['last run', lastRun(found)],
  ];
  for (const { sweep, expected, missing } of found.braked) {
    rows.push(['deletion brake', `${sweep}: ${missing} of ${expected} were not listed; see --allow-mass-delete`]);
  }
  for (const { sweep, from, to, failures, error } of found.pendingWindows.filter((window) => window.failures > 0)) {
    rows.push(['window fails', `${sweep} ${from} to ${to}, ${failures} times: ${error ?? 'no reason known'}`]);
  }
  return rows.map(([name, value]) => `${name.padEnd(18)}${value}`).join('\n');
}

function inStep({ listedUpTo, listedSecondsAgo }: Status): string {
  if (listedUpTo === null || listedSecondsAgo === null) return 'nothing was listed yet';
  return `up to ${listedUpTo}, ${formatDuration(Math.max(0, listedSecondsAgo))} ago`;
}

function history({ listedUpTo, pendingWindows, pendingDays }: Status): string {
  if (listedUpTo === null) return 'not begun';
  if (pendingWindows.length === 0) return 'complete';
  return `${pendingDays} days of it still to be listed, in ${pendingWindows.length} windows`;
}

function lastRun({ lastRun: run }: Status): string {
  if (run === null) return 'none';
  const how = run.outcome ?? 'not ended';
  return `${run.command} at ${run.startedAt}: ${how}${run.error === null ? '' : ` (${run.error})`}`;
}
