// The data and errors that all steps of a sync share. No logic: what a step does with them is in the step's own file.
// Times in windows and due rows are whole seconds since the epoch, by the API's clock.

import type { Timestamp } from '../lib/timestamp.ts';
import type { BadItem, Detail, ListItem } from '../twilio/decode.ts';

/** A range of `createdAt`: `from` is included, `to` is not. */
export interface TimeRange {
  from: number;
  to: number;
}

/** How far back history goes: to a time, or this many seconds back from now. */
export type HistoryStart = number | { secondsBack: number };

export type Sweep = 'new' | 'open' | 'lookback' | 'backfill' | 'reconcile' | 'range';

/** A range that a sweep has to list, newest first. Everything from `cursor` up is listed and stored. */
export interface Window extends TimeRange {
  id: number;
  sweepId: number;
  sweep: Sweep;
  cursor: number;
  /** How often in a row it could not be listed. */
  failures: number;
}

/** A list item, reduced to what a sync needs of it: a slice has thousands. */
export interface Item {
  id: string;
  fingerprint: string;
  /** When it was created, or the earliest it can have been. */
  createdFrom: number;
  wants: ExpectedFromList;
}

/** What a list item shows, and the detail has to show too. */
export interface ExpectedFromList {
  updatedAt: string | null;
  operatorResultIds: readonly string[];
  arrays: readonly string[];
}

export type DueReason =
  | 'behind'
  | 'absent'
  | 'closed'
  | 'open'
  | 'missing'
  | 'failed'
  | 'asked'
  | 'upgrade'
  | 'mend'
  | 'reread'
  | 'old'
  | 'pushed';

/** A detail to fetch without a listing. */
export interface Due {
  id: string;
  reason: DueReason;
  dueAt: number;
  attempts: number;
  firstAt: number;
  error: string | null;
  fingerprint: string | null;
  wants: ExpectedFromList | null;
  /** If it was listed: when it was created, or the earliest it can have been. Until it is stored, the copy lacks it. */
  createdFrom: number | null;
}

/** A due row as it was read. */
export interface DueRow extends Due {
  /** Changes with every change of the row. */
  number: number;
  /** An unfinished sweep found it missing: it is not due yet. */
  setAside: boolean;
}

/** What the store remembers of a conversation: it is stored, or due, or both. */
export interface Known {
  /** Null if no detail of it was ever stored. */
  stored: {
    /** Fingerprint of its list item; null if it is deleted. */
    item: string | null;
    detail: string | null;
    normalizer: number;
    generation: number;
    /** How many rows its child tables have; null if they were not counted. */
    children: number | null;
    algorithm: number;
    policy: string;
    /** As stored, to the microsecond. Only given if its fingerprints were made in another way than today's. */
    updatedAt: string | null;
  } | null;
  due: DueRow[];
  /** It was erased with `forget`, and is never stored again. */
  forgotten: boolean;
}

/** A detail to fetch, and why. */
export interface Fetch {
  id: string;
  /** The list item that showed a change; null if it was due. */
  item: Item | null;
  /** What was due when the fetch was decided. The fetch serves these rows. */
  due: DueRow[];
  /** Whether a version of it is stored. */
  stored: boolean;
}

/** How a request is sent. */
export interface SendOptions {
  /** Before other requests. */
  urgent?: boolean;
  /** Called just before each attempt is sent. */
  onSend?: () => void;
}

/** The result of asking for a detail. */
export type Outcome =
  | { kind: 'found'; detail: Detail; bytes: number }
  | { kind: 'gone' }
  | { kind: 'tooLarge' }
  | Failed;

/** Why there is no detail to store. */
export interface Failed {
  kind: 'failed';
  /** For people; about this conversation only. */
  error: string;
  /** What was thrown. The pass ends with it if it affects every conversation. */
  cause: unknown;
  /** The same may happen to every other request: the key, the rate limit, the connection. */
  perhapsAll: boolean;
}

/** An outcome without the detail itself. */
export type OutcomeKind = { kind: 'found' | 'gone' | 'tooLarge' } | Failed;

/** One page of a listing, reduced to the range that was asked for. */
export interface Listed {
  items: ListItem[];
  bad: BadItem[];
  /** When each row was created, of the range and the second on both sides. Rows that a bound should have kept out are not in it. */
  times: Timestamp[];
}

/** A conversation's rows in the database's format, outside the heap. Only the store looks inside. */
export interface Packed {
  id: string;
  bytes: Buffer;
  ends: number[];
  counts: number[];
  /** How many rows its child tables get; null if the detail did not contain all of them. */
  children: number | null;
}

/** Why a conversation is erased without being asked for: the setting. */
export type EraseReason = 'SYNC_RETENTION' | 'SYNC_DELETED';

/** One conversation's part of a load. */
export interface Change {
  id: string;
  /** The order of its request within this lease: an answer never replaces that of a later request. */
  request: number;
  /** Null: its rows stay as they are. */
  rows: Packed | null;
  /** Whether a version of it was stored when it was requested. */
  stored: boolean;
  /** It was listed under the present filters. */
  listed: boolean;
  /** Fingerprints to remember; null if the detail was not found. */
  item: string | null;
  detail: string | null;
  deleted: boolean;
  /** Why all of it is to be erased; it is not, if nothing is said. */
  erase?: EraseReason;
  /** Write the rows even if the detail equals the one stored last. */
  force: boolean;
  /** Numbers of the due rows that this fetch serves: they are removed unless they have changed since. */
  served: number[];
  /** What is due for it from now on, in place of those. */
  due: Due[];
}

/** The end of a slice: everything in its window from `cursor` up is in this load or was stored before. */
export interface Checkpoint {
  window: Window;
  cursor: number;
  /** The API's time when the slice's listing began. Nothing later is listed. */
  listedAt: number;
  listed: number;
  /** When the oldest listed conversation was created, or the earliest it can have been; null if none was listed. */
  oldest: number | null;
  expected: number;
  missing: string[];
  /** Unchanged conversations that the present filters show for the first time. */
  touched: string[];
  /** Due rows of unchanged conversations that were missing and are listed again. */
  relisted: { id: string; number: number }[];
  /** New due rows: of unchanged conversations made by an older normalizer or with lost rows, and of items without a usable id. */
  due: Due[];
}

export interface Loaded {
  /** Conversations of which anything was written. */
  changed: number;
  deleted: number;
  /** Conversations that are erased, among them those that were deleted. */
  erased: number;
  /** Something is due by now. */
  due: boolean;
}

/** What a sweep found missing. Times are of `createdAt`; null if there is none. */
export interface Missing {
  sweep: Sweep;
  /** Stored conversations that the sweep should have listed, and those that it did not list. */
  expected: number;
  missing: number;
  /** All of its windows are listed. */
  complete: boolean;
  oldestListed: number | null;
  oldestMissing: number | null;
  newestMissing: number | null;
  /** Since the last reconcile that the brake let through, or else since the first sync. */
  secondsSinceReconcile: number;
}

export interface EndedSweep {
  sweep: Sweep;
  expected: number;
  missing: number;
  braked: boolean;
}

/** A range could not be listed as asked; the message says why. */
export class ListingFailed extends Error {
  override readonly name = 'ListingFailed';
}

/** A conversation cannot be stored as it is. The message names what is wrong, never its contents. `code` is the SQLSTATE if Postgres refused it. */
export class Unstorable extends Error {
  override readonly name = 'Unstorable';
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** Another process holds the lease: nothing was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  constructor() {
    super('another worker has taken the lease over; nothing was written');
  }
}
