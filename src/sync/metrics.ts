// A conversation's rows in, what is computed of them out: how long, how much, who answered and when. Pure. Postgres computes
// the same of stored rows (src/postgres/metrics.ts); tests compare the two. What each column means for a reader is said in
// the catalogue (`COMMENT ON`).

import { secondsOf } from '../lib/timestamp.ts';
import type { Cell, TableRows } from './fields.ts';
import * as tables from './tables.ts';

/** Goes up when the same rows give other values. What is stored is then computed again, without a request. */
export const metricsVersion = 1;

/** What separates words: spaces, tabs and line breaks. */
export const wordSeparators = '\t\n\v\f\r \u0085\u00a0\u2028\u2029\u3000';

const isPerson = (type: Cell) => type === 'HUMAN_AGENT' || type === 'AGENT';
const isAi = (type: Cell) => type === 'AI_AGENT';
const isCustomer = (type: Cell) => type === 'CUSTOMER';

interface Participant {
  id: Cell;
  name: Cell;
  type: Cell;
  address: Cell;
  communications: number;
  words: number;
  first: Cell;
  last: Cell;
  responses: number;
  /** How long customers waited for these responses, in all. */
  waited: Span;
}

/** Fills the computed columns of one conversation and of its participants. An array that is absent counts as empty. */
export function addMetrics(rows: TableRows[]): void {
  const participants = readParticipants(rows);
  const talk = readTalk(rows, participants);
  const course = follow(talk);
  const count = (matches: (type: Cell) => boolean) =>
    participants.reduce((sum, { type, communications }) => sum + (matches(type) ? communications : 0), 0);
  const [byAi, byPersons] = [count(isAi), count(isPerson)];
  const { response } = course;
  const customer = participants.find(({ type }) => isCustomer(type));
  const agent = participants.find(({ type }) => isPerson(type)) ?? participants.find(({ type }) => isAi(type));
  const channels = cellsOf(rows, tables.channels, 'channel').map(String);
  fill(rows, tables.conversations, [
    {
      communications: talk.speakers.length,
      customer_communications: count(isCustomer),
      agent_communications: byAi + byPersons,
      ai_agent_communications: byAi,
      words: talk.words,
      turns: course.turns,
      first_communication_at: talk.times[talk.order[0] ?? -1] ?? null,
      last_communication_at: talk.times[talk.order.at(-1) ?? -1] ?? null,
      first_response_seconds: response && lengthOf(response.wait),
      first_response_participant_id: response?.by.id ?? null,
      first_response_type: response?.by.type ?? null,
      first_response_name: response?.by.name ?? null,
      first_response_address: response?.by.address ?? null,
      person_response_seconds: course.personWait && lengthOf(course.personWait),
      longest_wait_seconds: course.longestWait && lengthOf(course.longestWait),
      is_handed_over: course.isHandedOver,
      is_contained: byAi > 0 && byPersons === 0,
      is_unanswered: course.isUnanswered,
      participants: participants.length,
      customer_name: customer?.name ?? null,
      customer_address: customer?.address ?? null,
      agent_name: agent?.name ?? null,
      agent_address: agent?.address ?? null,
      agent_type: agent?.type ?? null,
      channels: JSON.stringify(channels.sort(byCodePoint)),
      operator_results: cellsOf(rows, tables.operatorResultLinks, 'operator_result_id').length,
    },
  ]);
  fill(
    rows,
    tables.participants,
    participants.map(({ address, communications, words, first, last, responses, waited }) => ({
      address,
      communications,
      words,
      first_communication_at: first,
      last_communication_at: last,
      responses,
      response_seconds: responses === 0 ? null : lengthOf(waited),
    })),
  );
}

function readParticipants(rows: TableRows[]): Participant[] {
  const addresses = new Map<Cell, string>();
  const owners = cellsOf(rows, tables.participantAddresses, 'participant_id');
  for (const [at, cell] of cellsOf(rows, tables.participantAddresses, 'address').entries()) {
    const [owner, address] = [owners[at] ?? null, String(cell)];
    const other = addresses.get(owner);
    if (other === undefined || byCodePoint(address, other) < 0) addresses.set(owner, address);
  }
  const names = cellsOf(rows, tables.participants, 'name');
  const types = cellsOf(rows, tables.participants, 'type');
  return cellsOf(rows, tables.participants, 'id').map((id, at) => ({
    id,
    name: names[at] ?? null,
    type: types[at] ?? null,
    address: addresses.get(id) ?? null,
    communications: 0,
    words: 0,
    first: null,
    last: null,
    responses: 0,
    waited: noTime,
  }));
}

/** All communications: cells in the API's order, rather than an object of each, of which there would be very many. */
interface Talk {
  speakers: Cell[];
  times: Cell[];
  /** The participants who are listed, by id. */
  listed: Map<Cell, Participant>;
  words: number;
  /** The places of those with a time, in the order of time. */
  order: number[];
}

/** Reads all communications, and counts them and their words for those who are listed. */
function readTalk(rows: TableRows[], participants: Participant[]): Talk {
  const speakers = cellsOf(rows, tables.communications, 'participant_id');
  const texts = cellsOf(rows, tables.communications, 'text');
  const times = cellsOf(rows, tables.communications, 'created_at');
  const listed = new Map(participants.map((each) => [each.id, each]));
  const order: number[] = [];
  let latest = '';
  let isInOrder = true;
  let words = 0;
  for (let at = 0; at < speakers.length; at += 1) {
    const text = texts[at];
    const more = typeof text === 'string' ? countWords(text) : 0;
    words += more;
    const by = listed.get(speakers[at] ?? null);
    if (by !== undefined) {
      by.communications += 1;
      by.words += more;
    }
    const time = times[at];
    if (typeof time !== 'string') continue;
    order.push(at);
    if (time < latest) isInOrder = false;
    latest = time;
  }
  if (!isInOrder) order.sort((a, b) => byCodePoint(String(times[a]), String(times[b])));
  return { speakers, times, listed, words, order };
}

interface Course {
  turns: number;
  /** The first answer of an agent to a customer. */
  response: { by: Participant; wait: Span } | null;
  /** From the first words of a customer to the first of a person after them. */
  personWait: Span | null;
  longestWait: Span | null;
  isHandedOver: boolean;
  isUnanswered: boolean;
}

/** Follows a talk in the order of time. A wait begins with a customer's words that no agent has answered yet, and ends with an agent's. */
function follow({ speakers, times, listed, order }: Talk): Course {
  const course: Course = {
    turns: 0,
    response: null,
    personWait: null,
    longestWait: null,
    isHandedOver: false,
    isUnanswered: false,
  };
  let speaker: Cell | undefined;
  let askedFirst: string | null = null;
  let waitingSince: string | null = null;
  let hasAi = false;
  for (const place of order) {
    const at = String(times[place]);
    const next = speakers[place] ?? null;
    if (next !== speaker) course.turns += 1;
    speaker = next;
    const by = listed.get(next);
    if (by === undefined) continue;
    by.first ??= at;
    by.last = at;
    if (isCustomer(by.type)) {
      askedFirst ??= at;
      waitingSince ??= at;
      continue;
    }
    if (!isAi(by.type) && !isPerson(by.type)) continue;
    if (waitingSince !== null) {
      const wait = spanOf(waitingSince, at);
      waitingSince = null;
      by.responses += 1;
      by.waited = sumOf(by.waited, wait);
      course.response ??= { by, wait };
      if (course.longestWait === null || isLonger(wait, course.longestWait)) course.longestWait = wait;
    }
    if (isAi(by.type)) hasAi = true;
    else {
      if (hasAi) course.isHandedOver = true;
      if (askedFirst !== null) course.personWait ??= spanOf(askedFirst, at);
    }
  }
  course.isUnanswered = askedFirst !== null && course.response === null;
  return course;
}

/** Where a table's rows are among those of a conversation, and where its columns are among its cells. */
interface Place {
  rows: number;
  columns: Map<string, number>;
  computed: string[];
}

const places = new Map<tables.Table, Place>(
  tables.tablesOf.conversation.map((table, rows) => {
    const columns = new Map(Object.keys(table.columns).map((name, at) => [name, at]));
    return [table, { rows, columns, computed: tables.computedOf(table) }];
  }),
);

function placeOf(table: tables.Table): Place {
  const place = places.get(table);
  if (place === undefined) throw new TypeError(`${table.name} is not of a conversation`);
  return place;
}

/** The cells of a column of a table. */
function cellsOf(rows: TableRows[], table: tables.Table, column: string): Cell[] {
  const place = placeOf(table);
  return rows[place.rows]?.columns[place.columns.get(column) ?? -1] ?? [];
}

function fill(rows: TableRows[], table: tables.Table, values: Record<string, Cell>[]): void {
  const place = placeOf(table);
  const columns = rows[place.rows]?.columns ?? [];
  for (const name of place.computed)
    columns[place.columns.get(name) ?? -1] = values.map((value) => value[name] ?? null);
}

/** A length of time, exact: a number of microseconds cannot hold that of all times. */
interface Span {
  seconds: number;
  microseconds: number;
}

const noTime: Span = { seconds: 0, microseconds: 0 };
const million = 1_000_000;

function spanOf(from: string, to: string): Span {
  const fraction = (time: string) => Number(time.slice(20, 26));
  return carried(secondsOf(to) - secondsOf(from), fraction(to) - fraction(from));
}

const sumOf = (a: Span, b: Span) => carried(a.seconds + b.seconds, a.microseconds + b.microseconds);

const isLonger = (a: Span, b: Span) =>
  a.seconds === b.seconds ? a.microseconds > b.microseconds : a.seconds > b.seconds;

function carried(seconds: number, microseconds: number): Span {
  const carry = Math.floor(microseconds / million);
  return { seconds: seconds + carry, microseconds: microseconds - carry * million };
}

/** The nearest double, as Postgres rounds it too. */
function lengthOf({ seconds, microseconds }: Span): number {
  const all = seconds * million + microseconds;
  return Number.isSafeInteger(all) ? all / million : Number(`${seconds}.${String(microseconds).padStart(6, '0')}`);
}

/** Runs of anything but separators. */
function countWords(text: string): number {
  let words = 0;
  let wasLetter = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    // Nearly every unit is a letter or a space, and neither needs the look into the set.
    const isLetter =
      unit > 32 ? (unit < 0x85 || !separators.has(unit) ? 1 : 0) : unit === 32 || separators.has(unit) ? 0 : 1;
    words += isLetter & ~wasLetter;
    wasLetter = isLetter;
  }
  return words;
}

const separators = new Set([...wordSeparators].map((each) => each.charCodeAt(0)));

/** The order of collation "C": that of code points. UTF-16 has another where surrogates meet U+E000 and above. */
function byCodePoint(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
