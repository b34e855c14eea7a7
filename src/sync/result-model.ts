// What the program needs of the world for operator results: the API's two ways to them, and the store that keeps them.
// Instants are whole seconds since the epoch, by the API's clock.

import type { Json, JsonObject } from '../lib/json.ts';
import type { Timestamp } from '../lib/timestamp.ts';
import type { TimeRange } from './model.ts';

/** An operator result as the list and its own request show it. */
export interface ResultItem {
  id: string;
  conversationId: string;
  createdAt: Timestamp;
  raw: JsonObject;
}

/** An item that cannot be stored. The ids are null where they cannot be keys. */
export interface BadResult {
  id: string | null;
  conversationId: string | null;
  reason: string;
}

export interface ResultPage {
  items: ResultItem[];
  bad: BadResult[];
  /** Null on the last page. */
  nextToken: string | null;
}

export interface ResultFilter {
  conversationId?: string;
  operatorId?: string;
}

/** What became of asking for one result. */
export type ResultOutcome = { kind: 'found'; item: ResultItem } | { kind: 'gone' } | { kind: 'failed'; error: string };

/** An operator, or an intelligence configuration. */
export interface Named {
  id: string;
  raw: Json;
}

export interface ResultsApi {
  /**
   * Pages of results, of at most `most` items, from the first or from a token on, whole to the last page. With `most`, no page is requested ahead.
   * @throws ResultsRefused; WalkExpired where the token, or one on the way, is no longer taken; ListingFailed where another try may
   * do; the pass's trouble (key, network) as it came.
   */
  pages(filter: ResultFilter, token: string | null, signal: AbortSignal, most?: number): AsyncIterable<ResultPage>;
  /** @throws the pass's trouble, where no request could be sent. */
  one(conversationId: string, id: string, signal: AbortSignal): Promise<ResultOutcome>;
  /** All of them; null where the API refuses to list them. @throws ListingFailed; the pass's trouble. */
  operators(signal: AbortSignal): Promise<Named[] | null>;
  configurations(signal: AbortSignal): Promise<Named[] | null>;
}

/** Where the account's list of results has been read to. */
export interface ResultsHead {
  /** Results were asked for before. */
  asked: boolean;
  /** The greatest `dateCreated` reached; null until the list was read once. */
  mark: number | null;
  /** Why the newest part is no longer read: new results are found by conversation. */
  givenUp: string | null;
  /** Why the API shows no results at all. */
  refused: string | null;
  /** The first walk has ended: each link has its result, or is due. */
  whole: boolean;
  /** The deletion brake stopped the last walk. */
  braked: { expected: number; missing: number } | null;
}

export interface Walk {
  id: number;
  /** `gaps`: not a walk over the list, but the search for links without a result that follows. */
  kind: 'all' | 'rest' | 'operator' | 'gaps';
  operatorId: string | null;
  /** It ends below this; null: at the list's end. */
  downTo: number | null;
  /** Where it goes on; null: at the newest. */
  token: string | null;
  /** The oldest that it has read. */
  reached: number | null;
  ordered: boolean;
  /** How often in a row its token expired before it got any further. */
  restarts: number;
}

/** A result that is wanted on its own. */
export interface ResultDue {
  conversationId: string;
  id: string;
  /** `late`, with an empty id: all of the conversation's. */
  reason: 'linked' | 'unlinked' | 'missing' | 'late' | 'asked';
  attempts: number;
}

/** What is stored in one transaction. */
export interface ResultLoad {
  items: ResultItem[];
  /** How they were found: a result that the newest part should have shown gives that up. */
  foundBy: 'head' | 'walk' | 'request';
  /** Moves the head's mark; `rest`: what is left below the page that it was read to. */
  head?: { mark: number; rest: { downTo: number; token: string | null } | null };
  /** Moves a walk. `checked`: down to where stored results that were not listed are missing, and up to where. */
  walk?: {
    walk: Walk;
    token: string | null;
    reached: number | null;
    ordered: boolean;
    ended: boolean;
    checked: { from: number; to: number; listed: string[] } | null;
  };
  /** What was asked for: it is no longer due, unless it is gone or failed. */
  served?: ResultDue[];
  /** These do not exist: each answers 404. */
  gone?: ResultDue[];
  /** These could not be had this time. */
  failed?: { due: ResultDue; error: string }[];
  bad?: BadResult[];
}

export interface ResultDifference {
  conversationId: string;
  resultId: string;
  /** Table and column. */
  place: string;
  /** What results_due has of it. */
  due: 'due' | 'failed' | null;
}

export interface ResultsStore {
  /** Forgets how far results were read, since they are not wanted: if they ever are again, everything is read anew. */
  leave(): Promise<void>;
  head(): Promise<ResultsHead>;
  /** Notes why the newest part of the list is no longer read. */
  giveUpHead(reason: string): Promise<void>;
  /** Notes why the API shows no results, or, with null, that it may be asked again. */
  refuse(reason: string | null): Promise<void>;
  /** Begins a walk over everything where the filters or the start of history call for one, or `again` asks for one, and none is under way. */
  beginWalk(again: boolean): Promise<void>;
  /** The walk that goes on next: what a tick left over comes first. */
  pendingWalk(): Promise<Walk | null>;
  /** Starts a walk again at the newest, since its token has expired. */
  restartWalk(walk: Walk): Promise<void>;
  /** Puts a walk over each operator's results in place of one that gets no further. @returns whether there is an operator. */
  splitWalk(walk: Walk): Promise<boolean>;
  /** Ends a walk that gets no further: what it did not show is asked for by conversation. */
  endWalk(walk: Walk): Promise<void>;
  /** Goes on with the search for links without a result, which follows the last walk. */
  searchGaps(walk: Walk): Promise<void>;
  failWalk(walk: Walk, error: string): Promise<void>;
  /** Stores what is new or differs, with everything that moves with it, in one transaction. @returns how many results were written. @throws LeaseLost. */
  load(load: ResultLoad, now: number): Promise<number>;
  /** All that is due of the conversations that have waited longest; `ids`: of these alone; `earlySeconds`: also what comes later and was not tried yet. */
  dueAt(now: number, conversations: number, options?: { ids?: string[]; earlySeconds?: number }): Promise<ResultDue[]>;
  /** Compares all results of some conversations with those stored; of deleted conversations nothing is expected. */
  compare(conversationIds: string[], items: ResultItem[]): Promise<ResultDifference[]>;
  /** The results that are stored of a conversation, or that it names. */
  idsOf(conversationId: string): Promise<string[]>;
  /** How many conversations are stored of a range, and how many results all conversations name. */
  count(range: TimeRange): Promise<{ conversations: number; links: number }>;
  /** Makes the results of a range's conversations due, each to be listed by itself. */
  ask(range: TimeRange): Promise<void>;
  /** Stores names; what is not among them is gone from the API. */
  putNames(table: 'operators' | 'intelligence_configurations', all: Named[]): Promise<void>;
  /** Brings the views of operators up to date, if this user owns the schema. @returns what could not be; `isBusy`: just now. */
  updateViews(): Promise<{ operatorId: string; error: string; isBusy: boolean }[]>;
}

/** The API does not list results as asked; `why` decides what is done instead. */
export class ResultsRefused extends Error {
  override readonly name = 'ResultsRefused';
  readonly why: 'forbidden' | 'needsConversation' | 'filterIgnored';

  constructor(why: ResultsRefused['why'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** A page token is no longer taken: the list is to be read from its newest again. */
export class WalkExpired extends Error {
  override readonly name = 'WalkExpired';
}
