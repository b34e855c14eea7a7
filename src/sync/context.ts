// What a pass carries along: the two ports, what the settings ask for, what has been learned so far, and what was counted.
// One is made for each tenure of the lease; counts begin anew with each pass, what was learned stays.

import type {
  Change,
  Checkpoint,
  EndedSweep,
  Known,
  Listed,
  Loaded,
  Missing,
  Outcome,
  Packed,
  Sweep,
  TimeRange,
  Window,
} from './model.ts';
import type { TableRows } from './normalize.ts';
import type { HistoryStart, TooLong } from './windows.ts';

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
  list(stretch: TimeRange, status: string | null, signal: AbortSignal, otherPages?: boolean): AsyncIterable<Listed>;
  /** Fetches a detail of at most `limitBytes`. @throws the pass's trouble, where no request could be sent. */
  detail(id: string, limitBytes: number, signal: AbortSignal): Promise<Outcome>;
}

export interface Store {
  /**
   * Pending windows, newest first; the stretches listed completely; and up to where the newest of `new` reached.
   * Completed ones that end after `latest` are left out: the clock that they were planned by was wrong.
   */
  windows(latest?: number): Promise<{ pending: Window[]; covered: TimeRange[]; reached: number | null }>;
  /** Makes windows of a sweep. One of `new`, `open`, `lookback` or `reconcile` replaces unfinished ones of its kind: they never end. */
  plan(sweep: Sweep, stretches: TimeRange[]): Promise<Window[]>;
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
  openStretches(within: TimeRange): Promise<TimeRange[]>;
  known(ids: string[]): Promise<Map<string, Known>>;
  /** Which of these stored conversations have lost rows: their own, or of their children, of which there should be so many. */
  findLost(children: Map<string, number | null>): Promise<string[]>;
  /**
   * Of the conversations that a listing of the stretch should show: how many there are, and which it did not.
   * `listed`: those it did, and of each whether the present filters had shown it before.
   */
  unlisted(
    stretch: TimeRange,
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
  pack(rows: TableRows[]): Packed;
  /** @throws Unstorable where the data, not the database, is why; LeaseLost where another worker has taken over. */
  load(changes: Change[], mark: Checkpoint | null, now: number): Promise<Loaded>;
}

export interface Settings {
  /** How far back history goes as set, and where that is now, which moves with each reconcile where it is a duration back. */
  history: HistoryStart;
  start: number;
  /** How far back recent conversations are listed again. */
  lookbackSeconds: number;
  refreshSeconds: number[];
  /** Most details asked for at once. */
  maxConcurrency: number;
  /** The one status that is synced; null for all. */
  status: string | null;
  /** Counts the changes of the filters: which of them a conversation was last listed under. */
  generation: number;
  allowMassDelete: boolean;
  /** What this process may use; Infinity where nothing limits it. */
  memoryBytes: number;
}

/** Conversations, unless said otherwise. */
export interface Counts {
  listed: number;
  /** Listed as what is not stored: new, or with another fingerprint. */
  differing: number;
  /** Details asked for. */
  fetched: number;
  /** Of which anything was written. */
  changed: number;
  deleted: number;
  failed: number;
  /** Seconds of createdAt that are to be listed, and that are listed and stored. */
  secondsToList: number;
  secondsListed: number;
  /** Whose stored rows were found lost, and are fetched again. */
  lost: number;
  /** Of a sample verified after a reconcile, and of those, how many had drifted. */
  verified: number;
  drifted: number;
  /** Windows that could not be listed, and sweeps that the deletion brake stopped, with what to say of them. */
  incomplete: string[];
}

/** A window listed to its end, with what of it was listed and written since this pass came to it. */
export interface CompletedWindow extends TimeRange {
  sweep: Sweep;
  listed: number;
  changed: number;
  ms: number;
}

/** What one pass tells whoever watches it. */
export interface Watcher {
  /** A batch is stored. */
  stored(counts: Counts): void;
  /** A window is listed and stored to its end. */
  completed(window: CompletedWindow): void;
  /** Everything recent has been gone through, though not all of it need have been listed; history, if any, goes on after this. */
  recentDone(): Promise<void>;
  warn(message: string, fields: Record<string, unknown>): void;
}

/** Which listings are believed to be whole, whatever they list: a list that ends early does so for all (list-whole.ts). */
export interface Believed {
  /** Those of fewer items: the largest total that was proved. One of as many may just have come to where the list ends. */
  total: number;
  /** At which total a list was found to end early; infinite where none was. */
  cap: number;
  /** What was warned of, which is done once. */
  warned: Set<string>;
}

export interface Context {
  api: Api;
  store: Store;
  settings: Settings;
  watcher: Watcher;
  counts: Counts;
  /** Sweeps asked for and not yet planned; a clock tick may add to it at any time. */
  requested: Set<Sweep>;
  /** Something was due when the last batch was loaded. */
  dueWaits: boolean;
  /** The next sweep of open conversations goes back to the start, not only over the lookback. */
  openFromStart: boolean;
  /**
   * Open conversations as they were last listed, and found stored just so: their items' fingerprints. Most open ones do not
   * change from one minute to the next, and these need not be looked up. What anything is loaded of is no longer here.
   */
  settled: Map<string, string>;
  /** How many requests for details have begun: what orders their answers. */
  requestsBegun: number;
  /** Length of the next slice in seconds, for listings of everything and of open conversations. */
  spans: { all: number; open: number };
  /** Lengths that the server could not list. */
  tooLong: { all: TooLong; open: TooLong };
  believed: Believed;
}

/** Nothing but an empty list, or one item, is believed without a proof. */
export function createBelieved(): Believed {
  return { total: 2, cap: Number.POSITIVE_INFINITY, warned: new Set() };
}

export function createCounts(): Counts {
  return {
    listed: 0,
    differing: 0,
    fetched: 0,
    changed: 0,
    deleted: 0,
    failed: 0,
    lost: 0,
    secondsToList: 0,
    secondsListed: 0,
    verified: 0,
    drifted: 0,
    incomplete: [],
  };
}
