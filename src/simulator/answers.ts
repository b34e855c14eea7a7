// The API itself: a request in, the body of the answer out, or a Refusal. It knows the source, the switches and the tokens,
// but of HTTP only path and query.

import { createRandom, type Random } from '../lib/random.ts';
import { timestampOf } from '../lib/timestamp.ts';
import { BodyCache } from './body-cache.ts';
import type { Entry } from './entry.ts';
import { listPage } from './listing.ts';
import { type Listing, PageTokens } from './page-tokens.ts';
import { isStable, presentDetail, presentItem, presentResult } from './present.ts';
import { type PageQuery, readConversationQuery, readNameQuery, readResultQuery } from './query.ts';
import { forbidden, notFound } from './refusal.ts';
import type { Endpoint, RequestRecord } from './request-log.ts';
import { isThere, ResultListing } from './result-listing.ts';
import type { ResultRow } from './result-store.ts';
import type { Source } from './source.ts';
import type { Switches } from './switches.ts';
import type { Place } from './timeline.ts';

export interface Route {
  readonly endpoint: Endpoint;
  /** The requested id, decoded. */
  readonly id: string | undefined;
}

const conversationsPath = '/v3/Conversations';
const resultsPath = '/v3/OperatorResults';
const operatorsPath = '/v3/ControlPlane/Operators';
const configurationsPath = '/v3/ControlPlane/Configurations';
const epoch = timestampOf(0);
/** Bytes of serialized bodies that are kept. */
const defaultDetailCacheBytes = 256 * 1024 * 1024;
const defaultItemCacheBytes = 64 * 1024 * 1024;
const defaultResultCacheBytes = 64 * 1024 * 1024;

/** How many bytes of serialized bodies are kept, where it is to be other than that. */
export interface CacheSizes {
  detailCacheBytes?: number;
  itemCacheBytes?: number;
  resultCacheBytes?: number;
}

/** The endpoint of a path, and the id in it. */
export function routeOf(path: string): Route {
  if (path === conversationsPath) return { endpoint: 'list', id: undefined };
  if (path.startsWith(`${conversationsPath}/`)) return withId('detail', path.slice(conversationsPath.length + 1));
  if (path === resultsPath) return { endpoint: 'resultList', id: undefined };
  if (path.startsWith(`${resultsPath}/`)) return withId('result', path.slice(resultsPath.length + 1));
  for (const names of [operatorsPath, configurationsPath]) {
    if (path === names) return { endpoint: 'names', id: undefined };
    if (path.startsWith(`${names}/`)) return withId('names', path.slice(names.length + 1));
  }
  return { endpoint: 'other', id: undefined };
}

/** Answers requests from one source; each method returns the JSON body of a 200 or throws a Refusal. */
export class Answers {
  readonly tokens = new PageTokens();
  readonly #source: Source;
  readonly #details: BodyCache;
  readonly #items: BodyCache;
  readonly #results: BodyCache;
  readonly #resultListing: ResultListing;
  readonly #random: Random;

  constructor(source: Source, seed: number, caches: CacheSizes = {}) {
    this.#source = source;
    this.#details = new BodyCache(caches.detailCacheBytes ?? defaultDetailCacheBytes);
    this.#items = new BodyCache(caches.itemCacheBytes ?? defaultItemCacheBytes);
    this.#results = new BodyCache(caches.resultCacheBytes ?? defaultResultCacheBytes);
    this.#resultListing = new ResultListing(source.resultStore);
    this.#random = createRandom(seed, 0xa5);
  }

  /** Forgets all serialized bodies, because the switches have changed. */
  forget(): void {
    this.#details.clear();
    this.#items.clear();
    this.#results.clear();
  }

  /** Serializes details until the cache is full. */
  warm(switches: Switches): void {
    for (const entry of this.#source.timeline) {
      if (this.#details.isFull) return;
      this.#detailBody(entry, switches);
    }
  }

  list(query: string, switches: Switches, nowMs: number): Buffer {
    const parameters = new URLSearchParams(query);
    const count = this.tokens.countRequest();
    const token = parameters.get('pageToken') ?? undefined;
    const started = token === undefined ? undefined : this.tokens.startOf(token);
    const read = readConversationQuery(parameters, switches, started ?? nowMs);
    const list = (listing: Listing, size: number) => {
      const { entries, more } = listPage(this.#source, read, listing, size, switches, nowMs);
      return { rows: entries, more };
    };
    return this.#page(read, count, switches, nowMs, list, (entry) => this.#itemBody(entry, switches));
  }

  detail(id: string, path: string, switches: Switches, nowMs: number): Buffer {
    const entry = this.#source.entry(id);
    if (entry === undefined) throw notFound(path);
    if (switches.detailLagMs > 0 || switches.detailLagFetches > 0) {
      entry.fetches += 1;
      const former = entry.lagging(nowMs, switches.detailLagMs, switches.detailLagFetches);
      if (former === undefined && switches.newDetail === 'missing') throw notFound(path);
      return Buffer.from(JSON.stringify(presentDetail(former ?? entry.whole(), switches, this.#random)));
    }
    return this.#detailBody(entry, switches);
  }

  resultList(query: string, switches: Switches, nowMs: number): Buffer {
    if (switches.forbidden.includes('results')) throw forbidden();
    const count = this.tokens.countRequest();
    const read = readResultQuery(new URLSearchParams(query), switches);
    const list = (listing: Listing, size: number) => this.#resultListing.page(read, listing, size, switches, nowMs);
    // The rows of one conversation are made anew for each page, so a cache would never find them again.
    const write = (row: ResultRow) =>
      read.conversationId === undefined
        ? this.#resultBody(row, switches)
        : Buffer.from(this.#writeResult(row, switches));
    return this.#page(read, count, switches, nowMs, list, write);
  }

  result(id: string, path: string, switches: Switches, nowMs: number): Buffer {
    if (switches.forbidden.includes('results')) throw forbidden();
    const row = this.#source.resultStore.find(id);
    if (row === undefined || !isThere(row, switches, nowMs)) throw notFound(path);
    return this.#resultBody(row, switches);
  }

  /** Deletes a result; the body is empty. */
  removeResult(id: string, path: string, switches: Switches): Buffer {
    if (switches.forbidden.includes('results')) throw forbidden();
    const keepLink = switches.linksOfDeleted === 'kept';
    if (!this.#source.removeResult(id, { keepLink })) throw notFound(path);
    return Buffer.alloc(0);
  }

  /** Operators or configurations: their list, or one of them. */
  names({ path, id, query }: Pick<RequestRecord, 'path' | 'id' | 'query'>, switches: Switches, nowMs: number): Buffer {
    if (switches.forbidden.includes('names')) throw forbidden();
    const values = path.startsWith(operatorsPath) ? this.#source.operators : this.#source.configurations;
    if (id !== undefined) {
      const value = values.get(id);
      if (value === undefined) throw notFound(path);
      return Buffer.from(JSON.stringify(value));
    }
    const count = this.tokens.countRequest();
    const read = readNameQuery(new URLSearchParams(query), switches);
    const list = ({ offset }: Listing, size: number) => {
      const rows = [...values].slice(offset, offset + size).map(([key, value]) => ({ createdAt: epoch, key, value }));
      return { rows, more: offset + rows.length < values.size };
    };
    return this.#page(read, count, switches, nowMs, list, ({ value }) => Buffer.from(JSON.stringify(value)));
  }

  /** A page of any list, with the token of the next, as the switches have it. */
  #page<Row extends Place>(
    read: PageQuery,
    count: number,
    switches: Switches,
    nowMs: number,
    list: (listing: Listing, size: number) => { rows: readonly Row[]; more: boolean },
    write: (row: Row) => Buffer,
  ): Buffer {
    const { pageToken: token } = read;
    const listing = token === undefined ? this.tokens.begin(nowMs) : this.tokens.redeem(token, read, switches, nowMs);
    const { emptyPageEvery, endless } = switches;
    const isEmpty = endless === 'empty' || (emptyPageEvery !== null && count % emptyPageEvery === 0);
    const left = (switches.listCap ?? Number.POSITIVE_INFINITY) - listing.offset;
    const size = isEmpty ? 0 : Math.min(read.pageSize, switches.servedPageSize ?? read.pageSize, left);
    const { rows, more } = list(listing, size);
    const last = rows.at(-1);
    const row = last === undefined ? listing.row : { createdAt: last.createdAt, key: last.key };
    const goesOn = (more && rows.length < left) || (switches.tokenAfterLast && rows.length === size && size > 0);
    const next = { ...listing, row, offset: listing.offset + rows.length };
    const after = endless !== 'never' ? listing : goesOn ? next : undefined;
    const meta = this.#meta(after, read, switches, nowMs);
    return Buffer.concat([Buffer.from('{"items":['), ...separated(rows.map(write)), Buffer.from(`],"meta":${meta}}`)]);
  }

  #itemBody(entry: Entry, switches: Switches): Buffer {
    const write = () => JSON.stringify(presentItem(entry.head(), switches, this.#random));
    return isStable(switches, 'item') ? this.#items.body(entry, write) : Buffer.from(write());
  }

  #resultBody(row: ResultRow, switches: Switches): Buffer {
    const write = () => this.#writeResult(row, switches);
    return isStable(switches, 'item') ? this.#results.body(row, write) : Buffer.from(write());
  }

  #writeResult(row: ResultRow, switches: Switches): string {
    return JSON.stringify(presentResult(this.#source.resultStore.value(row), switches, this.#random));
  }

  #detailBody(entry: Entry, switches: Switches): Buffer {
    const write = () => JSON.stringify(presentDetail(entry.whole(), switches, this.#random));
    return isStable(switches, 'detail') ? this.#details.body(entry, write) : Buffer.from(write());
  }

  #meta(next: Listing | undefined, query: PageQuery, switches: Switches, nowMs: number): string {
    const meta = { key: 'items', pageSize: query.pageSize };
    if (next !== undefined) return JSON.stringify({ ...meta, nextToken: this.tokens.issue(next, query, nowMs) });
    if (switches.lastToken === 'absent') return JSON.stringify(meta);
    return JSON.stringify({ ...meta, nextToken: switches.lastToken === 'null' ? null : '' });
  }
}

const comma = Buffer.from(',');
const separated = (bodies: readonly Buffer[]) => bodies.flatMap((body, at) => (at === 0 ? [body] : [comma, body]));

function withId(endpoint: Endpoint, text: string): Route {
  try {
    return { endpoint, id: decodeURIComponent(text) };
  } catch {
    return { endpoint: 'other', id: undefined };
  }
}
