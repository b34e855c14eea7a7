// The API itself: a request in, its body out, or a Refusal. Knows the source, the switches and the tokens; nothing of
// HTTP beyond path and query.

import { createRandom, type Random } from '../lib/random.ts';
import { BodyCache } from './body-cache.ts';
import type { Entry } from './entry.ts';
import { listPage } from './listing.ts';
import { type Listing, PageTokens } from './page-tokens.ts';
import { isStable, presentDetail, presentItem } from './present.ts';
import { type PageQuery, readConversationQuery, readResultQuery } from './query.ts';
import { notFound } from './refusal.ts';
import type { Endpoint } from './request-log.ts';
import { createResult, resultsOf } from './results.ts';
import type { Source } from './source.ts';
import type { Switches } from './switches.ts';

export interface Route {
  readonly endpoint: Endpoint;
  /** The id asked for, decoded. */
  readonly id: string | undefined;
}

const conversationsPath = '/v3/Conversations';
const resultsPath = '/v3/OperatorResults';
/** Bytes of serialized bodies kept. */
const defaultDetailCacheBytes = 256 * 1024 * 1024;
const defaultItemCacheBytes = 64 * 1024 * 1024;

/** Which endpoint a path is, and of what. */
export function routeOf(path: string): Route {
  if (path === conversationsPath) return { endpoint: 'list', id: undefined };
  if (path.startsWith(`${conversationsPath}/`)) return withId('detail', path.slice(conversationsPath.length + 1));
  if (path === resultsPath) return { endpoint: 'resultList', id: undefined };
  if (path.startsWith(`${resultsPath}/`)) return withId('result', path.slice(resultsPath.length + 1));
  return { endpoint: 'other', id: undefined };
}

/** Answers requests from one source; each method returns the JSON body of a 200 or throws a Refusal. */
export class Answers {
  readonly tokens = new PageTokens();
  readonly #source: Source;
  readonly #details: BodyCache;
  readonly #items: BodyCache;
  readonly #random: Random;

  constructor(source: Source, seed: number, caches: { detailCacheBytes?: number; itemCacheBytes?: number } = {}) {
    this.#source = source;
    this.#details = new BodyCache(caches.detailCacheBytes ?? defaultDetailCacheBytes);
    this.#items = new BodyCache(caches.itemCacheBytes ?? defaultItemCacheBytes);
    this.#random = createRandom(seed, 0xa5);
  }

  /** Forgets every serialized body: the switches have changed. */
  forget(): void {
    this.#details.clear();
    this.#items.clear();
  }

  /** Serializes every detail that the cache has room for. */
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
    const listing = token === undefined ? this.tokens.begin(nowMs) : this.tokens.redeem(token, read, switches, nowMs);
    const { emptyPageEvery, endless } = switches;
    const isEmpty = endless === 'empty' || (emptyPageEvery !== null && count % emptyPageEvery === 0);
    const left = (switches.listCap ?? Number.POSITIVE_INFINITY) - listing.offset;
    const size = isEmpty ? 0 : Math.min(read.pageSize, switches.servedPageSize ?? read.pageSize, left);
    const { entries, more } = listPage(this.#source, read, listing, size, switches, nowMs);
    const last = entries.at(-1);
    const row = last === undefined ? listing.row : { createdAt: last.createdAt, key: last.key };
    const goesOn = (more && entries.length < left) || (switches.tokenAfterLast && entries.length === size && size > 0);
    const next = { ...listing, row, offset: listing.offset + entries.length };
    const after = endless !== 'never' ? listing : goesOn ? next : undefined;
    const meta = this.#meta(after, read, switches, nowMs);
    const items = entries.map((entry) => {
      const write = () => JSON.stringify(presentItem(entry.head(), switches, this.#random));
      return isStable(switches, 'item') ? this.#items.body(entry, write) : Buffer.from(write());
    });
    return Buffer.from(`{"items":[${items.join(',')}],"meta":${meta}}`);
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
    const parameters = new URLSearchParams(query);
    const read = readResultQuery(parameters, switches);
    const { pageToken: token, conversationId } = read;
    const listing = token === undefined ? this.tokens.begin(nowMs) : this.tokens.redeem(token, read, switches, nowMs);
    const one = conversationId === undefined ? undefined : this.#source.find(conversationId);
    const conversations = conversationId === undefined ? this.#source.all() : one === undefined ? [] : [one];
    const results = conversations.flatMap((conversation) => resultsOf(conversation, read));
    const end = listing.offset + read.pageSize;
    const next = end < results.length ? { ...listing, offset: end } : undefined;
    const items = JSON.stringify(results.slice(listing.offset, end));
    return Buffer.from(`{"items":${items},"meta":${this.#meta(next, read, switches, nowMs)}}`);
  }

  result(id: string, path: string): Buffer {
    for (const entry of this.#source.timeline) {
      if (entry.head().operatorResultIds?.includes(id))
        return Buffer.from(JSON.stringify(createResult(id, entry.whole())));
    }
    throw notFound(path);
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

function withId(endpoint: Endpoint, text: string): Route {
  try {
    return { endpoint, id: decodeURIComponent(text) };
  } catch {
    return { endpoint: 'other', id: undefined };
  }
}
