// What the program needs from the world: the API as it lists and details conversations, the store as it remembers and
// writes. `src/api` and `src/store` fill these in; the program knows neither HTTP nor SQL.
// Instants that windows and due dates are made of are whole seconds since the epoch, by the API's clock.

import type { Timestamp } from '../lib/timestamp.ts';
import type { BadItem, Detail, ListItem } from '../twilio/decode.ts';
import type { ConversationRows } from './normalize.ts';

/** A stretch of `createdAt`: from included, to excluded. */
export interface Stretch {
  from: number;
  to: number;
}

export type Sweep = 'new' | 'open' | 'lookback' | 'backfill' | 'reconcile' | 'range';

/** A stretch to be listed, newest first; everything from `cursor` up is listed and stored. */
export interface Window extends Stretch {
  id: number;
  sweepId: number;
  sweep: Sweep;
  cursor: number;
  /** How often in a row it could not be listed. */
  failures: number;
}

export type DueReason = 'behind' | 'absent' | 'closed' | 'open' | 'missing' | 'failed' | 'asked' | 'upgrade' | 'mend';

/** What a list item showed that the detail has to show too. */
export interface Wants {
  updatedAt: string | null;
  operatorResultIds: string[];
  arrays: string[];
}

/** A detail wanted without a listing. */
export interface Due {
  id: string;
  reason: DueReason;
  dueAt: number;
  attempts: number;
  firstAt: number;
  error: string | null;
  fingerprint: string | null;
  wants: Wants | null;
  /** Of one that was listed: when it was created, or the earliest it can have been. Until it is stored, the copy lacks it. */
  createdFrom: number | null;
}

/** A due row as it was read. */
export interface NotedDue extends Due {
  /** Another one with every change of the row. */
  number: number;
  /** A sweep that has not ended found it missing: it is not due yet. */
  setAside: boolean;
}

/** What the store remembers of a conversation: stored, or due, or both. */
export interface Known {
  /**
   * Null: no detail of it was ever stored; a null item: it was deleted. `children`: rows of its child tables, null where not counted.
   * `updatedAt`: the one stored, to the microsecond; given only where the fingerprints were made in another way than is done at present.
   */
  stored: {
    item: string | null;
    detail: string | null;
    normalizer: number;
    generation: number;
    children: number | null;
    algorithm: number;
    policy: string;
    updatedAt: string | null;
  } | null;
  due: NotedDue[];
  /** A person has had it forgotten: it is kept out. */
  forgotten: boolean;
}

/** What became of asking for a detail. */
export type Outcome =
  | { kind: 'found'; detail: Detail; bytes: number }
  | { kind: 'gone' }
  | { kind: 'tooLarge' }
  | Failed;

/** Why there is no detail to store. */
export interface Failed {
  kind: 'failed';
  /** For people, of this conversation alone. */
  error: string;
  /** What was thrown: the pass ends with it where it is everybody's trouble. */
  cause: unknown;
  /** What refused this request may as well refuse every other: the key, the limit, the connection. */
  perhapsAll: boolean;
}

/** An outcome without the detail itself. */
export type Result = { kind: 'found' | 'gone' | 'tooLarge' } | Failed;

/** One page's conversations that belong to the stretch that was asked for. */
export interface Listed {
  items: ListItem[];
  bad: BadItem[];
  /** When each row was created that was asked for: those a second beyond the stretch too, but none that a bound did not keep out. */
  times: Timestamp[];
}

export interface Api {
  /** The API's clock, whole seconds. Known once anything was listed. */
  now(): number;
  /** True where asking for a shorter stretch costs less: where the server honours both bounds, or lists newest first. */
  readonly selective: boolean;
  /** True where the server honours a bound at all; else any listing is of everything. */
  readonly bounded: boolean;
  /** Finds out which createdBefore parameter the server honours, where that is not known yet. */
  proveBounds(start: number, signal: AbortSignal): Promise<void>;
  /**
   * Lists a stretch to its last page; with `otherPages`, in pages of another size.
   * @throws ListingFailed where a shorter stretch, or another try, may do; the pass's trouble (key, network, 429) as it came.
   */
  list(stretch: Stretch, status: string | null, signal: AbortSignal, otherPages?: boolean): AsyncIterable<Listed>;
  /** Fetches a detail of at most `limitBytes`. @throws the pass's trouble, where no request could be sent. */
  detail(id: string, limitBytes: number, signal: AbortSignal): Promise<Outcome>;
}

/** A conversation's rows as the store takes them, outside the heap; of what is in it only the store knows. */
export interface Packed {
  id: string;
  bytes: Buffer;
  ends: number[];
  counts: number[];
  /** Rows of its child tables; null where the detail did not say all. */
  children: number | null;
}

/** One conversation's part of a load. */
export interface Change {
  id: string;
  /** The order of its request among all of this lease: an answer never replaces that of a later request. */
  request: number;
  /** Null: its rows stay as they are. */
  rows: Packed | null;
  /** Whether a version of it was stored when it was asked for. */
  stored: boolean;
  /** It was listed under the present filters. */
  listed: boolean;
  /** Fingerprints to remember; null for a detail that was not found. */
  item: string | null;
  detail: string | null;
  deleted: boolean;
  /** Write the rows even where the detail is the one stored last. */
  force: boolean;
  /** The due rows that the fetch had read, by number: they are served, and removed unless they changed since. */
  served: number[];
  /** What is due for it from now on, in place of those. */
  due: Due[];
}

/** The end of a slice: everything of its window from `cursor` up is in this load or was stored before. */
export interface Mark {
  window: Window;
  cursor: number;
  /** The API's time when the slice's listing began: nothing later is listed. */
  listedAt: number;
  listed: number;
  /** When the oldest of those listed was created, or the earliest it can have been; null where none was. */
  oldest: number | null;
  expected: number;
  missing: string[];
  /** Unchanged conversations that the present filters have shown for the first time. */
  touched: string[];
  /** Due rows of unchanged ones that were missing or unlisted, and are listed again. */
  relisted: { id: string; number: number }[];
  /** Unchanged ones whose rows an older normalizer made or whose rows were lost, or items without a usable id. */
  due: Due[];
}

export interface Loaded {
  /** Conversations of which anything was written. */
  changed: number;
  deleted: number;
  /** Something is due by now. */
  due: boolean;
}

export interface Store {
  /**
   * Pending windows, newest first; the stretches listed completely; and up to where the newest of `new` reached.
   * Completed ones that end after `latest` are left out: the clock that they were planned by was wrong.
   */
  windows(latest?: number): Promise<{ pending: Window[]; covered: Stretch[]; reached: number | null }>;
  /** Makes windows of a sweep. One of `new`, `open`, `lookback` or `reconcile` replaces unfinished ones of its kind: they never end. */
  plan(sweep: Sweep, stretches: Stretch[]): Promise<Window[]>;
  /** Notes where history begins from now on. */
  startHistoryAt(start: number): Promise<void>;
  fail(window: Window, error: string): Promise<void>;
  /**
   * Ends the sweeps all of whose windows are complete, and lets their missing conversations be fetched; `brake` says whether so
   * many are too many. A sweep of which nothing that is left can be listed lets go of its own as well, and does not end.
   * @returns those that ended, and those that the brake stopped for the first time.
   */
  endSweeps(now: number, brake: (found: Missing) => boolean): Promise<EndedSweep[]>;
  /** The stretches, 30 days each at most, in which conversations are stored as open. */
  openStretches(within: Stretch): Promise<Stretch[]>;
  known(ids: string[]): Promise<Map<string, Known>>;
  /** Which of these stored conversations have lost rows: their own, or of their children, of which there should be so many. */
  findLost(children: Map<string, number | null>): Promise<string[]>;
  /**
   * Of the conversations that a listing of the stretch should show: how many there are, and which it did not.
   * `listed`: those it did, and of each whether the present filters had shown it before.
   */
  unlisted(
    stretch: Stretch,
    open: boolean,
    listed: Map<string, boolean>,
  ): Promise<{ expected: number; missing: string[] }>;
  dueAt(now: number, limit: number): Promise<string[]>;
  /** When the next detail that lags behind its listing is due, if before `until`. */
  nextSettling(until: number): Promise<number | null>;
  /** So many of the conversations that are remembered as stored and not deleted, chosen at random. */
  sample(count: number): Promise<string[]>;
  /** Holds rows against what is stored: for each conversation that differs, the tables and columns in which it does. */
  compare(rows: Packed[]): Promise<Map<string, string[]>>;
  /** At most `limit` stored conversations, none of them due or in quarantine, to tell one bad detail from an API that gives none. */
  controls(not: string[], now: number, limit: number): Promise<string[]>;
  /** How many other conversations are in quarantine. */
  quarantined(not: string[]): Promise<number>;
  /**
   * Notes that a large detail is about to be fetched under this limit of memory. An attempt under another one, or from before a
   * person asked for it, no longer counts. @returns how many attempts are noted, with this one.
   */
  noteAttempt(id: string, memory: string): Promise<number>;
  /** It did not end the process. */
  clearAttempt(id: string): Promise<void>;
  /** Makes rows ready to be loaded or compared. */
  pack(rows: ConversationRows): Packed;
  /** @throws Unstorable where the data, not the database, is why; LeaseLost where another worker has taken over. */
  load(changes: Change[], mark: Mark | null, now: number): Promise<Loaded>;
}

/** What a sweep has found missing and holds aside. Instants are of `createdAt`; null where there is none. */
export interface Missing {
  sweep: Sweep;
  /** Stored conversations that it should have listed, and those that it did not. */
  expected: number;
  missing: number;
  /** All of its windows were listed. */
  complete: boolean;
  oldestListed: number | null;
  oldestMissing: number | null;
  newestMissing: number | null;
  /** Since the last reconcile that the brake let through; where there was none, since the copy was begun. */
  secondsSinceReconcile: number;
}

export interface EndedSweep {
  sweep: Sweep;
  expected: number;
  missing: number;
  braked: boolean;
}

/** A stretch could not be listed as asked; the message says why. */
export class ListingFailed extends Error {
  override readonly name = 'ListingFailed';
}

/** A conversation that cannot be stored as it is; the message names what, never what it says. `code` is the SQLSTATE, where Postgres refused it. */
export class Unstorable extends Error {
  override readonly name = 'Unstorable';
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** Another worker holds the lease: nothing was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  constructor() {
    super('another worker has taken the lease over; nothing was written');
  }
}
