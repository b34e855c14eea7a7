// Everything that the API's reference leaves open, as one table: each switch says what it decides, and its default is
// what the reference documents or, where that is silent, what most servers do. The rest of the simulator asks here.

export interface Switches {
  /** Which names bound `createdAt`: the reference's pair, the brief's `createdBefore` alone, all three, or none of them. */
  boundNames: 'createdAt' | 'createdBefore' | 'both' | 'none';
  /** Which bounds of the `createdAt` pair have an effect; the other is taken and silently ignored. */
  boundsHonoured: 'both' | 'upper' | 'lower';
  /** Whether an item created at the upper bound itself is listed. */
  upperBound: 'exclusive' | 'inclusive';
  /** Whether an item created at the lower bound itself is listed. */
  lowerBound: 'exclusive' | 'inclusive';
  /** What a bound is compared with: the whole `createdAt`, or the second it lies in. */
  boundGranularity: 'nanosecond' | 'second';
  /** What a bound with a fraction of a second gets: its meaning, or 400. */
  fractionalBounds: 'accepted' | 'refused';
  /** What an upper bound without a lower one means: everything before it, or the 31 days before it. */
  upperBoundAlone: 'all' | 'last31Days';
  /** What a lower bound without an upper one means: everything after it, or the 31 days after it. */
  lowerBoundAlone: 'all' | 'next31Days';
  /** What a list without bounds means: everything, or the 31 days before now. */
  unbounded: 'all' | 'last31Days';
  /** What a parameter that the server does not know gets: nothing happens, or 400. */
  unknownParameters: 'ignored' | 'refused';
  /** What a `status` or channel outside the documented values gets: 400, or a list without matches. */
  unknownValues: 'refused' | 'empty';

  /** The order of the list; `none` is shuffled, each listing another way, and stays so from page to page. */
  order: 'newestFirst' | 'oldestFirst' | 'none';
  /** What a page token remembers: the last row seen, or how many rows to skip (those shift when rows come or go). */
  paging: 'keyset' | 'offset';
  /** The most items a page really has, whatever was asked: pages shorter than asked that are not the last. Null: as asked. */
  servedPageSize: number | null;
  /** The largest `pageSize` that may be asked for; a larger one gets 400. */
  largestPageSize: number;
  /** A list ends after so many items, silently: its last page has no token. Null: never. */
  listCap: number | null;
  /** A list that never ends: every page is empty, or the first one once more, and goes on with a new token. */
  endless: 'never' | 'empty' | 'repeated';
  /** Every nth page of the server is empty and goes on with a token. Null: never. */
  emptyPageEvery: number | null;
  /** How the last page says so: no `nextToken`, null, or an empty string. */
  lastToken: 'absent' | 'null' | 'empty';
  /** Whether a last page that is full still has a token, leading to an empty page. */
  tokenAfterLast: boolean;
  /** How often a token may be used before it counts as expired. Null: always. */
  tokenUses: number | null;
  /** How many ms a token lives. Null: for ever. */
  tokenLifetimeMs: number | null;
  /** How many further list requests a token outlives. Null: all. */
  tokenLifetimeRequests: number | null;
  /** The status that an expired token gets. */
  tokenExpiredStatus: 400 | 404 | 410;
  /** Whether a token sent with a `pageSize` other than the one it was made with is refused. */
  tokenBindsPageSize: boolean;

  /** Fraction digits of every timestamp served: as held, or exactly so many, cut or padded with zeros. */
  fractionDigits: 'held' | number;
  /**
   * Keys and arrays in another order from one answer to the next: in list items (all documented arrays), or in details as well
   * (keys, and those arrays that have no order of their own: channels, ids of channels and configurations, addresses).
   */
  unstableOrder: 'none' | 'items' | 'itemsAndDetails';
  /** The `operatorResultIds` of a list item: all of them, all but the last, or an empty array. */
  listedResults: 'all' | 'fewer' | 'none';
  /** Fields that no list item has. */
  itemsWithout: readonly string[];
  /** Fields that no detail has. */
  detailsWithout: readonly string[];
  /** Fields that are null in every item and detail. */
  nullFields: readonly string[];
  /** The `accountId` that every answer names. Null: as held. */
  servedAccountId: string | null;
  /** What the list shows at all: everything, nothing, or that half of the conversations whose id falls on one side. */
  lists: 'all' | 'half' | 'nothing';

  /** A conversation is listed so many ms after it came into the source; its detail can be had at once. */
  listLagMs: number;
  /** A changed detail is served as it was before for so many ms. */
  detailLagMs: number;
  /** A changed detail is served as it was before for so many fetches. */
  detailLagFetches: number;
  /** What the two lags make of a conversation that is new and has no older detail: served as it is, or 404. */
  newDetail: 'current' | 'missing';

  /** The order of the results' list; `nearlyNewestFirst` is out of order by at most `resultDisorderMs`. */
  resultOrder: 'newestFirst' | 'nearlyNewestFirst' | 'oldestFirst' | 'none';
  /** How far apart in time two results may be that `nearlyNewestFirst` lists the wrong way round, in ms. */
  resultDisorderMs: number;
  /** What the results' list without a `conversationId` gets: the whole account, or 400. */
  resultsOfAll: 'listed' | 'refused';
  /** Filters of the results' list that are taken and silently ignored. */
  ignoredResultFilters: readonly ('conversationId' | 'intelligenceConfigurationId' | 'operatorId')[];
  /** What every request gets 403 for: results, names of operators and configurations, or both. */
  forbidden: readonly ('results' | 'names')[];
  /** A result is listed, and can be had by its id, so many ms after it was made; its conversation links to it at once. */
  resultLagMs: number;
  /** Whether a conversation goes on linking to a result that was deleted by DELETE. */
  linksOfDeleted: 'removed' | 'kept';

  /** By how many ms the `Date` header is off; negative is slow. */
  dateOffsetMs: number;
  /** The most requests at once; one more gets 429. Null: no limit. */
  maxConcurrency: number | null;
  /** The most requests in any stretch of 1,000 ms; one more gets 429. Null: no limit. */
  maxPerSecond: number | null;
  /** The `Retry-After` of a 429 from the two limits above. */
  retryAfter: 'none' | 'seconds' | 'date';
  /** How many seconds that `Retry-After` names. */
  retryAfterSeconds: number;
  /** How many ms every answer waits before it is sent. */
  latencyMs: number;
}

export const defaultSwitches: Readonly<Switches> = {
  boundNames: 'createdAt',
  boundsHonoured: 'both',
  upperBound: 'exclusive',
  lowerBound: 'exclusive',
  boundGranularity: 'nanosecond',
  fractionalBounds: 'accepted',
  upperBoundAlone: 'all',
  lowerBoundAlone: 'all',
  unbounded: 'all',
  unknownParameters: 'ignored',
  unknownValues: 'refused',
  order: 'newestFirst',
  paging: 'keyset',
  servedPageSize: null,
  largestPageSize: 1000,
  listCap: null,
  endless: 'never',
  emptyPageEvery: null,
  lastToken: 'absent',
  tokenAfterLast: false,
  tokenUses: null,
  tokenLifetimeMs: null,
  tokenLifetimeRequests: null,
  tokenExpiredStatus: 400,
  tokenBindsPageSize: false,
  fractionDigits: 'held',
  unstableOrder: 'none',
  listedResults: 'all',
  itemsWithout: [],
  detailsWithout: [],
  nullFields: [],
  servedAccountId: null,
  lists: 'all',
  listLagMs: 0,
  detailLagMs: 0,
  detailLagFetches: 0,
  newDetail: 'current',
  resultOrder: 'newestFirst',
  resultDisorderMs: 180_000,
  resultsOfAll: 'listed',
  ignoredResultFilters: [],
  forbidden: [],
  resultLagMs: 0,
  linksOfDeleted: 'removed',
  dateOffsetMs: 0,
  maxConcurrency: null,
  maxPerSecond: null,
  retryAfter: 'none',
  retryAfterSeconds: 1,
  latencyMs: 0,
};
