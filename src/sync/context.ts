// What a sync works with: the API, the store, the settings, and what it has learned and counted so far. Everything that
// belongs to one account is in its Context; no module has a state of its own. A process makes one each time it takes the
// lease. `src/twilio` and `src/postgres` implement the two interfaces, so that a sync needs neither HTTP nor SQL.

import type { TableRows } from './fields.ts';
import type { Filters } from './filters.ts';
import type { Keep } from './keep.ts';
import { copyOf, createLearned, type Learned } from './learned.ts';
import type { Mask } from './mask.ts';
import type {
  Change,
  Checkpoint,
  EndedSweep,
  HistoryStart,
  Known,
  Listed,
  Loaded,
  Missing,
  Outcome,
  Packed,
  SendOptions,
  Sweep,
  TimeRange,
  Window,
} from './model.ts';
import type { ResultsApi, ResultsStore } from './result-model.ts';
import { createRoom, roomOf, type Share } from './room.ts';

export interface Api {
  /** The API's clock, in whole seconds. Known once anything was listed. */
  now(): number;
  /** Whether a shorter range costs fewer requests: the server honours both bounds, or lists newest first. */
  readonly selective: boolean;
  /** Whether the server honours a bound at all. If not, each listing is of everything. */
  readonly bounded: boolean;
  /** Finds out which createdBefore parameter the server honours, unless that is known. */
  proveBounds(start: number, signal: AbortSignal): Promise<void>;
  /**
   * Lists a range to its last page; with `otherPages`, in pages of another size.
   * @throws ListingFailed if a shorter range or another try may help; what stops a whole pass (key, network, 429) as it is.
   */
  list(range: TimeRange, status: string | null, signal: AbortSignal, otherPages?: boolean): AsyncIterable<Listed>;
  /** Fetches a detail of at most `limitBytes`. @throws what stops a whole pass, if no request could be sent. */
  detail(id: string, limitBytes: number, signal: AbortSignal, options?: SendOptions): Promise<Outcome>;
}

export interface Store {
  /**
   * Pending windows, newest first; the ranges that are listed completely; and the end of the newest window of `new`.
   * Completed windows that end after `latest` are left out: the clock that planned them was wrong.
   */
  windows(latest?: number): Promise<PlannedSoFar>;
  /** Makes a sweep's windows. A new `new`, `open`, `lookback` or `reconcile` replaces unfinished ones of its kind. */
  plan(sweep: Sweep, ranges: TimeRange[]): Promise<Window[]>;
  /** Records where history begins from now on. */
  startHistoryAt(start: number): Promise<void>;
  /** Records that a window could not be listed. */
  fail(window: Window, error: string): Promise<void>;
  /**
   * Ends the sweeps whose windows are all complete, and makes their missing conversations due, unless `brake` says that they
   * are too many. A sweep whose remaining windows all failed makes its missing ones due as well, but does not end.
   * @returns the sweeps that ended, and those that the brake stopped for the first time.
   */
  endSweeps(now: number, brake: (found: Missing) => boolean): Promise<EndedSweep[]>;
  /** The ranges, of at most 30 days each, in which conversations are stored as open. */
  openRanges(within: TimeRange): Promise<TimeRange[]>;
  /** What is stored and due of these conversations. */
  known(ids: string[]): Promise<Map<string, Known>>;
  /**
   * Stored conversations that have other rows than were stored: of the next few thousand after this id, by id, up to `last`;
   * null if there are none.
   */
  findLost(after: string): Promise<{ lost: string[]; last: string | null }>;
  /**
   * Of the stored conversations that a listing of the range should show: how many there are, and which it did not show.
   * `listed`: those that it showed, and whether the present filters had shown each of them before.
   */
  findMissing(
    range: TimeRange,
    open: boolean,
    listed: Map<string, boolean>,
  ): Promise<{ expected: number; missing: string[] }>;
  /** Conversations that are due by now. */
  findDue(now: number, limit: number): Promise<string[]>;
  /** When the next detail that lags behind its list item is due, if before `until`. */
  nextLagging(until: number): Promise<number | null>;
  /** This many stored conversations, chosen at random. */
  sample(count: number): Promise<string[]>;
  /** Compares rows with those stored. @returns the tables and columns that differ, for each conversation that does. */
  compare(rows: Packed[]): Promise<Map<string, string[]>>;
  /** Stored conversations other than these that are neither due nor in quarantine. */
  anyHealthyExcept(ids: string[], now: number, limit: number): Promise<string[]>;
  /** How many conversations other than these are in quarantine. */
  countQuarantined(except: string[]): Promise<number>;
  /**
   * Records that a large detail is about to be fetched under this memory limit. Attempts under another limit, or before a
   * person asked for it, no longer count. @returns how many attempts are recorded, including this one.
   */
  recordAttempt(id: string, memory: string): Promise<number>;
  /** The attempt did not end the process. */
  clearAttempt(id: string): Promise<void>;
  /** Makes rows ready for `load` and `compare`. */
  pack(rows: TableRows[]): Packed;
  /**
   * Masks the next stored conversations that were stored under other settings, newest first.
   * @returns whether there were any. @throws LeaseLost.
   */
  maskStored(): Promise<boolean>;
  /**
   * Computes the metrics of the next stored conversations that lack those of this release, newest first.
   * @returns whether there were any. @throws LeaseLost.
   */
  fillMetrics(): Promise<boolean>;
  /**
   * Begins to keep conversations for so long, those created from `edge` on. @returns null, or how many of the stored ones are older, if
   * that is more than may be erased without being asked for. @throws LeaseLost.
   */
  startRetention(
    seconds: number | null,
    edge: number | null,
    allow: boolean,
  ): Promise<{ old: number; stored: number } | null>;
  /** Erases some of the conversations created before `edge`, the oldest first; not open ones of which something changed since. @returns how many. @throws LeaseLost. */
  eraseOld(edge: number): Promise<number>;
  /** Forgets what was listed before `edge`, and makes the open conversations due that were created before. @throws LeaseLost. */
  endRetention(edge: number, now: number): Promise<void>;
  /** Erases some of the conversations that are marked as deleted. @returns how many. @throws LeaseLost. */
  eraseDeleted(): Promise<number>;
  /** Makes as many closed conversations due as it takes to fetch each once in so many seconds. @throws LeaseLost. */
  planReread(now: number, every: number): Promise<void>;
  /** Stores a batch and moves a window's cursor, in one transaction. @throws Unstorable if the data is the reason, LeaseLost. */
  load(changes: Change[], checkpoint: Checkpoint | null, now: number): Promise<Loaded>;
}

export interface PlannedSoFar {
  pending: Window[];
  covered: TimeRange[];
  reached: number | null;
}

export interface Settings {
  /** How far back history goes as set, and where that is now. A duration moves the start with each reconcile. */
  history: HistoryStart;
  start: number;
  /** How far back recent conversations are listed again. */
  lookbackSeconds: number;
  refreshSeconds: number[];
  /** The most requests for details at once. */
  maxConcurrency: number;
  /** The only status that is synced; null for all. */
  status: string | null;
  /** What is synced of the account. */
  filters: Filters;
  /** Which personal data is stored. */
  mask: Mask;
  /** Counts the changes of the filters, to tell under which of them a conversation was last listed. */
  generation: number;
  allowMassDelete: boolean;
  /** What is kept, and for how long. */
  keep: Keep;
  /** What was created before is erased when it closes or ends; null: nothing is, or not yet. Moves once a day. */
  eraseBefore: number | null;
  /** How much memory this process may use; Infinity without a limit. */
  memoryBytes: number;
}

/** Counts of conversations, unless said otherwise. */
export interface Counts {
  listed: number;
  /** New ones, and those with another fingerprint than stored. */
  differing: number;
  /** Details requested. */
  fetched: number;
  /** Of which anything was written. */
  changed: number;
  deleted: number;
  /** Here, without a trace. */
  erased: number;
  failed: number;
  /** Operator results written. */
  results: number;
  /** Seconds of `createdAt` to list, and those that are listed and stored. */
  secondsToList: number;
  secondsListed: number;
  /** Whose stored rows were lost, and which are fetched again. */
  lost: number;
  /** Verified after a reconcile, and how many of them had drifted. */
  verified: number;
  drifted: number;
  /** Windows that could not be listed and sweeps that the brake stopped, with the reason. */
  incomplete: string[];
}

/** A completed window, with what was listed and written of it in this pass. */
export interface CompletedWindow extends TimeRange {
  sweep: Sweep;
  listed: number;
  changed: number;
  ms: number;
}

/** Is told how a pass gets on. */
export interface Watcher {
  /** A batch is stored. */
  stored(counts: Counts): void;
  completed(window: CompletedWindow): void;
  /** All recent work was tried, with or without success. History follows, if any is left. */
  recentDone(): Promise<void>;
  warn(message: string, fields: Record<string, unknown>): void;
}

/** What the next pass, or the running one, is asked to do. The worker adds to it at any time. */
export interface Requests {
  sweeps: Set<Sweep>;
  /** The next sweep of open conversations goes back to the start, not only over the lookback. */
  openFromStart: boolean;
  /** The names of operators and configurations are to be read: with each lookback, until that has succeeded. */
  names: boolean;
}

/** The ways to operator results with their content. */
export interface Results {
  api: ResultsApi;
  store: ResultsStore;
}

export interface Context {
  api: Api;
  store: Store;
  /** Null if only the ids of operator results are wanted. */
  results: Results | null;
  settings: Settings;
  watcher: Watcher;
  /** Of the running pass. */
  counts: Counts;
  requests: Requests;
  learned: Learned;
  /** What this account has of the room that the accounts of a process share. */
  share: Share;
  /** How many requests for details have been sent: the order of their answers. Copies of a context share it. */
  detailRequests: { sent: number };
  /** Its details go before those of others. */
  urgent: boolean;
}

export function createContext(
  given: Pick<Context, 'api' | 'store' | 'settings' | 'watcher'> & { results?: Results | null; share?: Share },
): Context {
  return {
    results: null,
    share: createRoom(roomOf(given.settings.memoryBytes).heldBytes).join(),
    ...given,
    counts: createCounts(),
    requests: { sweeps: new Set(), openFromStart: true, names: false },
    learned: createLearned(),
    detailRequests: { sent: 0 },
    urgent: false,
  };
}

/** A copy for a dry run, which changes nothing of the original. */
export function copyForDryRun(context: Context): Context {
  return {
    ...context,
    counts: createCounts(),
    requests: { ...context.requests },
    learned: copyOf(context.learned),
    share: createRoom(roomOf(context.settings.memoryBytes).heldBytes).join(),
  };
}

export function createCounts(): Counts {
  return {
    listed: 0,
    differing: 0,
    fetched: 0,
    changed: 0,
    deleted: 0,
    erased: 0,
    failed: 0,
    results: 0,
    lost: 0,
    secondsToList: 0,
    secondsListed: 0,
    verified: 0,
    drifted: 0,
    incomplete: [],
  };
}
