// What a pass carries along: the two ports, what the settings ask for, what has been learned so far, and what was counted.
// One is made for each tenure of the lease; counts begin anew with each pass, what was learned stays.

import type { Api, Store, Stretch, Sweep } from './ports.ts';
import type { HistoryStart, TooLong } from './windows.ts';

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
export interface CompletedWindow extends Stretch {
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
