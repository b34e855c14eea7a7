// `status`: how things stand, from the database alone, on one screen.
// It asks the API nothing and writes nothing; its exit status is the one a sync would have left, and 1 where none has come
// for too long.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { day } from '../../lib/duration.ts';
import { describeRun, foldRuns, type RunLine, summarize } from '../../status/describe.ts';
import {
  formatBytes,
  formatCount,
  formatDay,
  formatDuration,
  formatInstant,
  formatMany,
  formatWork,
} from '../../status/format.ts';
import { judge, type Status } from '../../status/judge.ts';
import { describePushes } from '../../status/pushes.ts';
import { areLoading, describeAwaited, describeLoad } from '../../status/results.ts';
import { readSnapshot, type Snapshot } from '../../status/snapshot.ts';
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
    const facts = await opened.database.run(readSnapshot);
    const status = judge({ facts, databaseTrouble: null, process: null, isTooOld });
    const { evidence: _, ...shown } = facts;
    terminal.write(json ? JSON.stringify({ ...status, ...shown }, null, 2) : describeStatus(status, facts));
    return statusOfSync(status, facts);
  } catch (error) {
    if (!json) throw error;
    terminal.write(JSON.stringify({ error: sayError(error) }, null, 2));
    return statusOf(error);
  }
}

/** The exit status that says how things stand. */
export function statusOfSync({ state }: Status, { pendingWindows, quarantine }: Snapshot): number {
  if (state !== 'in_sync' || pendingWindows.length > 0) return exitStatus.incomplete;
  return quarantine > 0 ? exitStatus.quarantine : exitStatus.inSync;
}

/** A screen of it, in words. */
export function describeStatus(status: Status, found: Snapshot): string {
  const rows = [...progressRows(found), ...countRows(found), ...troubleRows(found)];
  const sections = [
    summaryLines(status, found).join('\n'),
    rows.map(([name, value]) => `${name.padEnd(18)}${value}`).join('\n'),
  ];
  if (found.runs.length > 0) {
    const lines = foldRuns(found.runs, 6).map((line) => runLine(line, found.at));
    sections.push(['last runs', ...lines].join('\n'));
  }
  return sections.join('\n\n');
}

function summaryLines(status: Status, found: Snapshot): string[] {
  const { title, notes } = summarize(status, found, null);
  const { state, reason } = status;
  const age =
    state === 'in_sync' && found.listedSecondsAgo !== null
      ? `, as of ${formatDuration(found.listedSecondsAgo)} ago`
      : '';
  return [`${title}${reason === null ? '' : `: ${reason}`}${age}`, ...notes];
}

type Rows = [name: string, value: string][];

function progressRows(found: Snapshot): Rows {
  const { at, listedUpTo, listedSecondsAgo, dataCompleteThrough, reconciledAt } = found;
  return [
    ['account', found.accountSid ?? 'none yet: nothing was synced'],
    ['worker', found.worker ?? 'none holds the lease'],
    [
      'listed up to',
      listedUpTo === null || listedSecondsAgo === null
        ? 'nothing was listed yet'
        : `${formatInstant(listedUpTo, at)}, ${formatDuration(listedSecondsAgo)} ago`,
    ],
    [
      'whole up to',
      dataCompleteThrough === null ? 'not yet' : `${formatInstant(dataCompleteThrough, at)}, by created_at`,
    ],
    ['history', history(found)],
    ['coverage', coverage(found)],
    ...(found.retention?.seconds == null ? [] : [['kept', kept(found.retention.seconds)] satisfies Rows[number]]),
    ['reconciled', reconciledAt === null ? 'never' : formatInstant(reconciledAt, at)],
  ];
}

function countRows(found: Snapshot): Rows {
  const { conversations, open, deleted, days, hours } = found;
  const byDay = days.slice(-60).map(({ stored }) => stored);
  const byHour = hours.slice(-24).map((hour) => hour.added + hour.changed + hour.deleted);
  return [
    [
      'conversations',
      `${formatCount(conversations)} (${formatCount(open)} open; ${formatCount(deleted)} deleted at the API besides)`,
    ],
    ['… by day', `${sparkline(byDay)}  ${formatMany(byDay.length, 'day')} to today, at most ${most(byDay)}`],
    ['stored by hour', `${sparkline(byHour)}  the last 24 hours, at most ${most(byHour)}`],
    ['communications', formatCount(found.communications)],
    ['operator results', describeResults(found)],
    ['search index', describeIndex(found.searchIndex)],
    ...(found.pushes === null ? [] : [['webhooks', describePushes(found.pushes)] satisfies Rows[number]]),
    ['due', formatMany(found.due, 'detail')],
    ...(found.maskedOtherwise === 0 ? [] : [['to fetch again', describeMasked(found)] satisfies Rows[number]]),
    ['quarantine', found.quarantine === 0 ? 'empty' : `${formatCount(found.quarantine)}: see twilio_sync.quarantine`],
  ];
}

function describeResults({ operatorResults, operatorResultLinks, results }: Snapshot): string {
  const links = `${formatCount(operatorResultLinks)} links`;
  if (results === null) return links;
  const more = areLoading(results) ? `first load: ${describeLoad(results)}` : describeAwaited(results);
  return [`${formatCount(operatorResults)} stored`, links, more].filter(Boolean).join(', ');
}

function describeMasked({ maskedOtherwise }: Snapshot): string {
  return `${formatMany(maskedOtherwise, 'conversation')}, within a day: SYNC_OMIT or SYNC_HASH changed`;
}

function describeIndex(index: Snapshot['searchIndex']): string {
  if (index === null) return 'none';
  return index.valid
    ? `${index.configuration ?? 'not one of ours'}, ${formatBytes(index.bytes)}`
    : 'not valid, an interrupted build: run search-index again, or search-index off';
}

function troubleRows({ braked, pendingWindows, results, retention }: Snapshot): Rows {
  const failing = pendingWindows.filter((window) => window.failures > 0);
  return [
    ...braked.map(({ sweep, expected, missing }): Rows[number] => {
      return ['deletion brake', `${sweep}: ${missing} of ${expected} were not listed; see --allow-mass-delete`];
    }),
    ...(retention?.braked
      ? [
          [
            'deletion brake',
            `SYNC_RETENTION: ${retention.braked.old} of ${retention.braked.stored} would be erased; see --allow-mass-delete`,
          ] as Rows[number],
        ]
      : []),
    ...(results?.braked
      ? [
          [
            'deletion brake',
            `operator results: ${results.braked.missing} of ${results.braked.expected} were not listed; see --allow-mass-delete`,
          ] as Rows[number],
        ]
      : []),
    ...failing.map(({ sweep, from, to, failures, error }): Rows[number] => {
      return ['window fails', `${sweep} ${from} to ${to}, ${failures} times: ${error ?? 'no reason known'}`];
    }),
  ];
}

function history({ listedUpTo, pendingWindows, pendingDays, historyFrom }: Snapshot): string {
  if (listedUpTo === null) return 'not begun';
  const since = historyFrom === null ? '' : `since ${formatDay(historyFrom)}: `;
  if (pendingWindows.length === 0) return `${since}complete`;
  return `${since}${formatMany(pendingDays, 'day')} of it still to be listed, in ${formatMany(pendingWindows.length, 'window')}`;
}

const kept = (seconds: number) => `conversations created in the last ${formatMany(Math.round(seconds / day), 'day')}`;

function coverage({ days }: Snapshot): string {
  const [first] = days;
  if (first === undefined) return 'none';
  const whole = days.filter(({ listedCompletelyAt }) => listedCompletelyAt !== null).length;
  return `${formatCount(whole)} of ${formatMany(days.length, 'day')} listed completely, back to ${formatDay(first.day)}`;
}

function runLine({ run, count, firstStartedAt }: RunLine, at: string): string {
  const outcome = run.outcome ?? 'not ended';
  const took = run.seconds === null ? '' : formatWork(run.seconds);
  const what = [describeRun(run), run.error].filter(Boolean).join('; ');
  const [middle, end] =
    count === 1
      ? [took.padStart(7), what]
      : [`${formatCount(count)} in a row since ${formatInstant(firstStartedAt, at)}`, run.error ?? ''];
  return `  ${formatInstant(run.startedAt, at)}  ${run.command.padEnd(6)}  ${outcome.padEnd(10)} ${middle}  ${end}`.trimEnd();
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

const most = (values: readonly number[]) => formatCount(Math.max(0, ...values));
