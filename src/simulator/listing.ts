// One page of the list: the source's timeline, a query and the last row of the previous page in; entries out, in the
// order that the switches say. Changes nothing. Paging by key gives every conversation that exists throughout exactly
// once, whatever is added or removed meanwhile.

import { hashText } from '../lib/random.ts';
import { secondsOf, type Timestamp, timestampOf } from '../lib/timestamp.ts';
import type { Entry } from './entry.ts';
import type { ConversationQuery } from './query.ts';
import { operatorOf } from './results.ts';
import type { Source } from './source.ts';
import type { Switches } from './switches.ts';
import { compare, type Place, type Timeline } from './timeline.ts';

/** Where a listing continues: after which row, and how many rows were listed before. */
export interface Resume {
  readonly row: Place | undefined;
  readonly offset: number;
  /** The seed of the order, for order `none`. */
  readonly shuffle: number;
}

export interface Listed {
  readonly entries: readonly Entry[];
  /** Whether more follow. */
  readonly more: boolean;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Sorts after every key. */
const afterAllKeys = '\uffff\uffff';

/** The next `size` entries of a listing. `nowMs` decides what is listed yet. */
export function listPage(
  source: Source,
  query: ConversationQuery,
  resume: Resume,
  size: number,
  switches: Switches,
  nowMs: number,
): Listed {
  if (switches.lists === 'nothing') return { entries: [], more: false };
  const range = rangeOf(source.timeline, query, switches);
  const shown = (entry: Entry) => isListed(entry, switches, nowMs) && matches(entry, query);
  const byKey = switches.paging === 'keyset' && resume.row !== undefined;
  const rows =
    switches.order === 'none'
      ? shuffledRows(source.timeline, range, shown, resume, byKey)
      : sortedRows(source.timeline, range, shown, switches.order, byKey ? resume.row : undefined);
  return take(rows, byKey ? 0 : resume.offset, size);
}

/** Whether a conversation matches a query, without regard to its bounds. */
export function matches(entry: Entry, query: ConversationQuery): boolean {
  if (!filtersFields(query)) return true;
  const head = entry.head();
  return (
    is(head.status, query.status) &&
    is(head.conversationConfigurationId, query.conversationConfigurationId) &&
    (query.channelId === undefined || (head.channelIds ?? []).includes(query.channelId)) &&
    meet(head.channels, query.channels) &&
    meet(head.intelligenceConfigurationIds, query.intelligenceConfigurationIds) &&
    meet(
      (head.operatorResultIds ?? []).map((id) => operatorOf(id).id),
      query.operatorIds,
    )
  );
}

function filtersFields(query: ConversationQuery): boolean {
  return (
    query.status !== undefined ||
    query.conversationConfigurationId !== undefined ||
    query.channelId !== undefined ||
    query.channels.length + query.intelligenceConfigurationIds.length + query.operatorIds.length > 0
  );
}

function is(value: string | null | undefined, wanted: string | undefined): boolean {
  return wanted === undefined || value === wanted;
}

function meet(values: readonly string[] | null | undefined, wanted: readonly string[]): boolean {
  return wanted.length === 0 || (values ?? []).some((value) => wanted.includes(value));
}

function isListed(entry: Entry, switches: Switches, nowMs: number): boolean {
  if (switches.listLagMs > 0 && nowMs - entry.arrivedMs < switches.listLagMs) return false;
  return switches.lists !== 'half' || hashText(entry.key) % 2 === 0;
}

/** The positions between the bounds. A bound is a place before or after all rows of its instant. */
function rangeOf(timeline: Timeline, query: ConversationQuery, switches: Switches): Range {
  const to =
    query.before && timeline.positionOf(boundPlace(query.before, switches.upperBound === 'inclusive', switches));
  const from =
    query.after && timeline.positionOf(boundPlace(query.after, switches.lowerBound === 'exclusive', switches));
  return { from: from ?? 0, to: to ?? timeline.length };
}

function boundPlace(bound: Timestamp, behind: boolean, switches: Switches): Place {
  if (switches.boundGranularity === 'nanosecond') return { createdAt: bound, key: behind ? afterAllKeys : '' };
  return { createdAt: timestampOf(secondsOf(bound) + (behind ? 1 : 0)), key: '' };
}

function* sortedRows(
  timeline: Timeline,
  { from, to }: Range,
  shown: (entry: Entry) => boolean,
  order: 'newestFirst' | 'oldestFirst',
  behind: Place | undefined,
): Generator<Entry> {
  const step = order === 'newestFirst' ? -1 : 1;
  const start = order === 'newestFirst' ? to - 1 : from;
  for (let position = behind === undefined ? start : clamp(); ; position += step) {
    const entry = position >= from && position < to ? timeline.at(position) : undefined;
    if (entry === undefined) return;
    if (shown(entry)) yield entry;
  }

  function clamp(): number {
    const place = timeline.positionOf(behind as Place);
    if (order === 'newestFirst') return Math.min(place, to) - 1;
    const row = timeline.at(place);
    const stillThere = row !== undefined && compare(row, behind as Place) === 0;
    return Math.max(stillThere ? place + 1 : place, from);
  }
}

function* shuffledRows(
  timeline: Timeline,
  { from, to }: Range,
  shown: (entry: Entry) => boolean,
  { row, shuffle }: Resume,
  byKey: boolean,
): Generator<Entry> {
  const rank = (key: string) => hashText(key, shuffle);
  const rows: { rank: number; entry: Entry }[] = [];
  for (let position = from; position < to; position += 1) {
    const entry = timeline.at(position);
    if (entry !== undefined && shown(entry)) rows.push({ rank: rank(entry.key), entry });
  }
  rows.sort((left, right) => left.rank - right.rank || (left.entry.key < right.entry.key ? -1 : 1));
  const passed = byKey && row !== undefined ? rank(row.key) : -1;
  for (const { rank: at, entry } of rows) {
    if (at > passed || (row !== undefined && at === passed && entry.key > row.key)) yield entry;
  }
}

function take(rows: Iterable<Entry>, skip: number, size: number): Listed {
  const entries: Entry[] = [];
  let skipped = 0;
  for (const entry of rows) {
    if (skipped < skip) skipped += 1;
    else if (entries.length === size) return { entries, more: true };
    else entries.push(entry);
  }
  return { entries, more: false };
}
