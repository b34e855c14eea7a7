// Everything that the API's reference leaves open, as one table of switches. The default is what the reference documents
// or, if it says nothing, what most servers do.

export interface Switches {
  /** Which names bound `createdAt`: the reference's pair, the brief's `createdBefore` alone, all three, or none of them. */
  boundNames: 'createdAt' | 'createdBefore' | 'both' | 'none';
  /** Which bounds of the `createdAt` pair have an effect; the other is accepted and silently ignored. */
  boundsHonoured: 'both' | 'upper' | 'lower';
  /** Whether an item created at the upper bound itself is listed. */
  upperBound: 'exclusive' | 'inclusive';
  /** Whether an item created at the lower bound itself is listed. */
  lowerBound: 'exclusive' | 'inclusive';
  /** What a bound is compared with: the exact `createdAt`, or its whole second. */
  boundGranularity: 'nanosecond' | 'second';
  /** Whether a bound may have a fraction of a second, or gets 400. */
  fractionalBounds: 'accepted' | 'refused';
  /** What an upper bound without a lower one means: everything before it, or the 31 days before it. */
  upperBoundAlone: 'all' | 'last31Days';
  /** What a lower bound without an upper one means: everything after it, or the 31 days after it. */
  lowerBoundAlone: 'all' | 'next31Days';
  /** What a list without bounds means: everything, or the 31 days before now. */
  unbounded: 'all' | 'last31Days';
  /** Whether an unknown parameter is ignored or gets 400. */
  unknownParameters: 'ignored' | 'refused';
  /** What a `status` or channel outside the documented values gets: 400, or a list without matches. */
  unknownValues: 'refused' | 'empty';

  /** The order of the list; `none` is a random order that differs from listing to listing, but not from page to page. */
  order: 'newestFirst' | 'oldestFirst' | 'none';
  /** What a page token holds: the last row, or how many rows to skip (which is wrong after rows were added or removed). */
  paging: 'keyset' | 'offset';
  /** The maximum of items in a page, whatever was asked for: pages may be short without being the last. Null: as asked. */
  servedPageSize: number | null;
  /** The largest `pageSize`; a larger one gets 400. */
  largestPageSize: number;
  /** A list ends after so many items, silently: its last page has no token. Null: never. */
  listCap: number | null;
  /** An endless list: every page is empty, or the first one again, with a new token. */
  endless: 'never' | 'empty' | 'repeated';
  /** Every nth page of the server is empty and has a token. Null: never. */
  emptyPageEvery: number | null;
  /** The `nextToken` of the last page: absent, null, or an empty string. */
  lastToken: 'absent' | 'null' | 'empty';
  /** Whether a full last page still has a token, which leads to an empty page. */
  tokenAfterLast: boolean;
  /** How often a token may be used. Null: always. */
  tokenUses: number | null;
  /** How many ms a token lives. Null: for ever. */
  tokenLifetimeMs: number | null;
  /** After how many later list requests a token expires. Null: never. */
  tokenLifetimeRequests: number | null;
  /** The status for an expired token. */
  tokenExpiredStatus: 400 | 404 | 410;
  /** Whether a token sent with a `pageSize` other than the one it was made with is refused. */
  tokenBindsPageSize: boolean;

  /** Fraction digits of all timestamps: as stored, or exactly so many, cut or padded with zeros. */
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
  /** The `accountId` in all answers. Null: as stored. */
  servedAccountId: string | null;
  /** What the list contains: everything, nothing, or half of the conversations, chosen by id. */
  lists: 'all' | 'half' | 'nothing';

  /** A conversation is listed so many ms after it was added; its detail is available at once. */
  listLagMs: number;
  /** After a change, the old detail is sent for so many ms. */
  detailLagMs: number;
  /** After a change, the old detail is sent for so many fetches. */
  detailLagFetches: number;
  /** What the two lags do to a new conversation, which has no old detail: send it as it is, or 404. */
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

  /** By how many ms the `Date` header is wrong; negative is late. */
  dateOffsetMs: number;
  /** The maximum of concurrent requests; one more gets 429. Null: no limit. */
  maxConcurrency: number | null;
  /** The maximum of requests in any 1,000 ms; one more gets 429. Null: no limit. */
  maxPerSecond: number | null;
  /** The `Retry-After` of a 429 from the two limits above. */
  retryAfter: 'none' | 'seconds' | 'date';
  /** How many seconds that `Retry-After` names. */
  retryAfterSeconds: number;
  /** The delay of every answer in ms. */
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
