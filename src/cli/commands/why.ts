// `why`: what is known here of one conversation or operator result, and what happens next. From the database alone.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { readWhy, type Why, type WhyDue } from '../../postgres/why.ts';
import { exitStatus } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

/** Shows it, for people or as JSON. @returns the exit status: 1 where nothing is known of the id. @throws what ended it. */
export async function why(
  config: DatabaseConfig,
  { id, json }: { id: string; json: boolean },
  terminal: Terminal,
): Promise<number> {
  await using opened = await openConfigured(config);
  await opened.prepare();
  const found = await readWhy(opened.database, id);
  if (json)
    terminal.write(JSON.stringify(found === null ? { id, known: false } : { ...found, next: nextOf(found) }, null, 2));
  else terminal.write(found === null ? unknown(id) : describeWhy(found));
  return found === null ? exitStatus.incomplete : exitStatus.inSync;
}

function unknown(id: string): string {
  return [
    `Nothing is known of ${id}.`,
    'It was not listed under the present filters since SYNC_START, or its id is misspelt.',
    `To fetch it: conversation-sync sync --id ${id}`,
  ].join('\n');
}

/** A few lines of it, in words. */
export function describeWhy(found: Why): string {
  const rows: [string, string][] = [
    [found.kind === 'conversation' ? 'conversation' : 'operator result', found.id],
    ...(found.kind === 'operatorResult' ? resultRows(found) : []),
    ...conversationRows(found),
    ...resultsRows(found),
    ...found.due.map((due): [string, string] => ['due', sayDue(due)]),
    ['next', nextOf(found)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(18)}${value}`).join('\n');
}

function resultRows({ result, conversationId }: Why): [string, string][] {
  const of: [string, string] = ['of conversation', conversationId ?? 'not known'];
  if (result === null) return [of, ['stored', 'no']];
  const { createdAt, operatorId, outputFormat, linked } = result;
  return [
    of,
    ['stored', `yes, made ${createdAt} by operator ${operatorId ?? 'not named'}, ${outputFormat ?? 'no format'}`],
    ['named', linked ? 'its conversation names it' : 'its conversation does not name it'],
  ];
}

function resultsRows({ forgotten, resultsListed, listingError }: Why): [string, string][] {
  const rows: [string, string][] = listingError === null ? [] : [['cannot be listed', listingError]];
  if (resultsListed === null || forgotten) return rows;
  const { walkEndedAt, newestReadTo, refused } = resultsListed;
  const newest = newestReadTo === null ? 'newest not read yet' : `newest read up to ${newestReadTo}`;
  const whole = walkEndedAt === null ? 'the first load has not ended' : `all read ${walkEndedAt}`;
  return [...rows, ['results listed', refused === null ? `${newest}; ${whole}` : `the API shows none: ${refused}`]];
}

function conversationRows({ kind, forgotten, conversation, fetched, listed }: Why): [string, string][] {
  const name = kind === 'conversation' ? 'stored' : 'conversation';
  if (forgotten) return [[name, 'no: it was forgotten and is kept out']];
  if (conversation === null) return [[name, 'no']];
  const { status, createdAt, firstSyncedAt, syncedAt, deletedAt, rows } = conversation;
  const counts = Object.entries(rows).map(([table, count]) => `${count} ${table}`);
  return [
    [name, `since ${firstSyncedAt}, last changed here ${syncedAt}`],
    ['status', `${status ?? 'none'}, created ${createdAt}`],
    ['rows', counts.join(', ')],
    ...(deletedAt === null ? [] : [['deleted', `found gone from the API ${deletedAt}`] as [string, string]]),
    ['fetched', fetched === null ? 'not remembered' : fetched.at],
    [
      'listed',
      listed === null
        ? 'no complete listing covers the time it was created'
        : `${listed.missing ? 'not shown' : 'shown'} by the last complete listing (${listed.sweep}), ${listed.at}`,
    ],
  ];
}

const reasons: Record<string, string> = {
  behind: 'its detail lags behind what a list showed',
  absent: 'it is listed, and its detail answers 404',
  closed: 'it is fetched once more some time after closing',
  open: 'it is stored as open and was not listed as open',
  missing: 'a listing did not show it',
  failed: 'fetching it failed',
  asked: 'a person asked for it',
  upgrade: 'this release stores more of it',
  mend: 'rows of it were lost',
  pushed: 'a webhook announced it',
  linked: 'its conversation names it, and it is not stored',
  unlinked: 'its conversation no longer names it',
  gone: 'its conversation names it, and the API does not have it',
  late: 'the list may have shown its operator results before the conversation was stored',
};

function sayDue({ operatorResultId, reason, dueAt, attempts, error }: WhyDue): string {
  const which = operatorResultId === null ? '' : `${operatorResultId}: `;
  const when = dueAt === null ? 'at no time of its own' : isAsked(dueAt) ? 'at once' : `at ${dueAt}`;
  const tries = attempts === 0 ? '' : `, after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return `${which}${reasons[reason] ?? reason}; ${when}${tries}${error === null ? '' : `; last error: ${error}`}`;
}

/** What people ask for is due since 1970. */
const isAsked = (dueAt: string) => dueAt.startsWith('1970-');

function nextOf({ forgotten, conversation, due, kind, result, resultsListed }: Why): string {
  if (forgotten) return 'nothing: forgotten conversations stay out';
  const times = due.flatMap(({ dueAt }) => (dueAt === null ? [] : [dueAt])).sort();
  const [first] = times;
  if (first !== undefined && isAsked(first)) return 'it is asked for with the next pass';
  if (first !== undefined) return `it is asked for at ${first}, or with the next change that a list shows`;
  if (conversation === null) return 'it is fetched when a list shows it';
  if (conversation.deletedAt !== null) return 'nothing, unless a list shows it again';
  if (kind === 'operatorResult') return nextOfResult(result !== null, due, resultsListed);
  if (conversation.status === 'CLOSED') return 'the lookback and the daily reconcile list it again';
  return 'each tick lists it again as long as it is open';
}

function nextOfResult(stored: boolean, due: WhyDue[], listed: Why['resultsListed']): string {
  if (stored)
    return 'results do not change; a walk over all of them, with each reconcile, shows whether it is still there';
  if (listed === null) return 'nothing: only the ids of operator results are kept (SYNC_OPERATOR_RESULTS=links)';
  if (listed.refused !== null) return 'results are asked for again with the next reconcile';
  if (due.some(({ reason }) => reason === 'gone')) return 'it is checked again when its conversation changes';
  return 'the first load of results has yet to show it';
}
