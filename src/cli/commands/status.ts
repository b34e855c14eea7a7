// `status`: how things stand, from the database alone, on one screen.
// It asks the API nothing and writes nothing; its exit status is the one a sync would have left, and 1 where none has come
// for too long.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { sayCount, sayDay, sayDuration, sayInstant, sayMany, sayWork } from '../../status/format.ts';
import { headlineOf } from '../../status/headline.ts';
import { foldPasses, type PassLine, sayRun } from '../../status/passes.ts';
import { judgeAge } from '../../status/readiness.ts';
import type { Standing } from '../../status/standing.ts';
import { readStatus, type Status } from '../../status/status.ts';
import type { Volume } from '../../status/volume.ts';
import { isStale } from '../../worker/schedule.ts';
import { exitStatus, sayError, statusOf } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface StatusOptions {
  json: boolean;
  /** How old the last complete tick may be, in seconds; null: what `/readyz` allows a worker of this schedule. */
  maxAgeSeconds: number | null;
  /** When a worker ticks: a cron expression. */
  schedule: string;
}

/** Shows it, for people or as JSON, also where it could not be read. @returns the exit status. @throws why, for people. */
export async function status(database: DatabaseConfig, options: StatusOptions, terminal: Terminal): Promise<number> {
  const { json, maxAgeSeconds, schedule } = options;
  const isTooOld = (age: number) => (maxAgeSeconds === null ? isStale(schedule, age * 1000) : age > maxAgeSeconds);
  try {
    await using opened = await openConfigured(database);
    const found = judgeAge(await readStatus(opened.database), isTooOld);
    terminal.write(json ? JSON.stringify(found, null, 2) : describeStatus(found));
    return statusOfSync(found);
  } catch (error) {
    if (!json) throw error;
    terminal.write(JSON.stringify({ error: sayError(error) }, null, 2));
    return statusOf(error);
  }
}

/** The exit status that says how things stand. */
export function statusOfSync(found: Standing): number {
  if (found.state !== 'in_sync' || found.pendingWindows.length > 0) return exitStatus.incomplete;
  return found.quarantine > 0 ? exitStatus.quarantine : exitStatus.inSync;
}

/** A screen of it, in words. */
export function describeStatus(found: Status): string {
  const rows = [...standingRows(found), ...volumeRows(found), ...troubleRows(found)];
  const sections = [
    headlineLines(found).join('\n'),
    rows.map(([name, value]) => `${name.padEnd(18)}${value}`).join('\n'),
  ];
  if (found.runs.length > 0) {
    const lines = foldPasses(found.runs, 6).map((line) => runLine(line, found.at));
    sections.push(['last runs', ...lines].join('\n'));
  }
  return sections.join('\n\n');
}

function headlineLines(found: Status): string[] {
  const { title, reason, fresh, notes } = headlineOf(found);
  const age = fresh && found.listedSecondsAgo !== null ? `, as of ${sayDuration(found.listedSecondsAgo)} ago` : '';
  return [`${title}${reason === null ? '' : `: ${reason}`}${age}`, ...notes];
}

type Rows = [name: string, value: string][];

function standingRows(found: Status): Rows {
  const { at, listedUpTo, listedSecondsAgo, dataCompleteThrough, reconciledAt } = found;
  return [
    ['account', found.accountSid ?? 'none yet: nothing was synced'],
    ['worker', found.worker ?? 'none holds the lease'],
    [
      'listed up to',
      listedUpTo === null || listedSecondsAgo === null
        ? 'nothing was listed yet'
        : `${sayInstant(listedUpTo, at)}, ${sayDuration(listedSecondsAgo)} ago`,
    ],
    ['whole up to', dataCompleteThrough === null ? 'not yet' : `${sayInstant(dataCompleteThrough, at)}, by created_at`],
    ['history', history(found)],
    ['coverage', coverage(found)],
    ['reconciled', reconciledAt === null ? 'never' : sayInstant(reconciledAt, at)],
  ];
}

function volumeRows(found: Status): Rows {
  const { conversations, open, deleted, days, hours } = found;
  const byDay = days.slice(-60).map(({ stored }) => stored);
  const byHour = hours.slice(-24).map((hour) => hour.added + hour.changed + hour.deleted);
  return [
    [
      'conversations',
      `${sayCount(conversations)} (${sayCount(open)} open; ${sayCount(deleted)} deleted at the API besides)`,
    ],
    ['… by day', `${sparkline(byDay)}  ${sayMany(byDay.length, 'day')} to today, at most ${most(byDay)}`],
    ['stored by hour', `${sparkline(byHour)}  the last 24 hours, at most ${most(byHour)}`],
    ['communications', sayCount(found.communications)],
    ['operator results', `${sayCount(found.operatorResultLinks)} links`],
    ['due', sayMany(found.due, 'detail')],
    ['quarantine', found.quarantine === 0 ? 'empty' : `${sayCount(found.quarantine)}: see twilio_sync.quarantine`],
  ];
}

function troubleRows({ braked, pendingWindows }: Status): Rows {
  const failing = pendingWindows.filter((window) => window.failures > 0);
  return [
    ...braked.map(({ sweep, expected, missing }): Rows[number] => {
      return ['deletion brake', `${sweep}: ${missing} of ${expected} were not listed; see --allow-mass-delete`];
    }),
    ...failing.map(({ sweep, from, to, failures, error }): Rows[number] => {
      return ['window fails', `${sweep} ${from} to ${to}, ${failures} times: ${error ?? 'no reason known'}`];
    }),
  ];
}

function history({ listedUpTo, pendingWindows, pendingDays, historyFrom }: Status): string {
  if (listedUpTo === null) return 'not begun';
  const since = historyFrom === null ? '' : `since ${sayDay(historyFrom)}: `;
  if (pendingWindows.length === 0) return `${since}complete`;
  return `${since}${sayMany(pendingDays, 'day')} of it still to be listed, in ${sayMany(pendingWindows.length, 'window')}`;
}

function coverage({ days }: Volume): string {
  const [first] = days;
  if (first === undefined) return 'none';
  const whole = days.filter(({ listedCompletelyAt }) => listedCompletelyAt !== null).length;
  return `${sayCount(whole)} of ${sayMany(days.length, 'day')} listed completely, back to ${sayDay(first.day)}`;
}

function runLine({ run, count, firstStartedAt }: PassLine, at: string): string {
  const outcome = run.outcome ?? 'not ended';
  const took = run.seconds === null ? '' : sayWork(run.seconds);
  const what = [sayRun(run), run.error].filter(Boolean).join('; ');
  const [middle, end] =
    count === 1
      ? [took.padStart(7), what]
      : [`${sayCount(count)} in a row since ${sayInstant(firstStartedAt, at)}`, run.error ?? ''];
  return `  ${sayInstant(run.startedAt, at)}  ${run.command.padEnd(6)}  ${outcome.padEnd(10)} ${middle}  ${end}`.trimEnd();
}

const bars = '▁▂▃▄▅▆▇█';

/** Nothing is a dot, so that it is told apart from little. */
function sparkline(values: readonly number[]): string {
  const top = Math.max(...values, 1);
  return values
    .map((value) =>
      value === 0 ? '·' : (bars[Math.min(bars.length - 1, Math.floor((value / top) * bars.length))] ?? ''),
    )
    .join('');
}

const most = (values: readonly number[]) => sayCount(Math.max(0, ...values));
