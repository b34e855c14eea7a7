// The API as typed calls: pages of conversations, the detail of one conversation, and the API's time. All share one governor
// and one connection pool. Every failure is an ApiError, except that the reason of an aborted signal is passed through.

import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import type { Json } from '../lib/json.ts';
import { wait } from '../lib/wait.ts';
import { type ClockState, createApiClock } from './clock.ts';
import { type ClientCounters, createCounters } from './counters.ts';
import { type Detail, decodeDetail, decodePage, type Page } from './decode.ts';
import { openDispatcher } from './dispatcher.ts';
import { BadAnswer, NotFound, Refused, TokenExpired, Unreachable } from './errors.ts';
import { createGovernor } from './governor.ts';
import type { ProxySettings } from './proxy.ts';
import {
  type Attempt,
  type Auth,
  createCredentials,
  type Endpoint,
  type RequestParts,
  type Retry,
  request,
  requestHeaders,
} from './request.ts';
import { type RetryLimits, retryLimits } from './retry.ts';

export interface ClientOptions {
  /** May have a path; `/v3` is appended to it. */
  baseUrl: string;
  /** `current` reads them again, for when the API refuses these. */
  auth: Auth & { current?: () => Auth | undefined };
  userAgent?: string;
  /** Maximum of requests in flight. Default 32. */
  maxConcurrency?: number;
  /** For one attempt, from connecting to the body's last byte. Default 30,000. */
  timeoutMs?: number;
  /** The largest page, decompressed. Default 64 MiB. */
  pageLimitBytes?: number;
  retryLimits?: RetryLimits;
  proxy?: ProxySettings;
  /** Used in place of a pool of our own; `close` leaves it open. */
  dispatcher?: Dispatcher;
  monotonicMs?: () => number;
  random?: () => number;
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  onAttempt?: (attempt: Attempt) => void;
  onRetry?: (retry: Retry) => void;
}

/** Filters of the list, by the API's names; a name given twice means either value. */
export type Query = readonly (readonly [name: string, value: string])[];

/** A detail, and the length of its JSON in bytes. */
export interface DetailAnswer {
  detail: Detail;
  bytes: number;
}

export interface Client {
  /** All pages, each fetched while the one before is processed. Throws TokenExpired if the API no longer accepts its token. */
  pages(query: Query, options: { signal: AbortSignal; pageSize?: number }): AsyncGenerator<Page, void, undefined>;
  /** The conversation; undefined if the API answers 404. */
  detail(id: string, options: { signal: AbortSignal; limitBytes?: number }): Promise<DetailAnswer | undefined>;
  /** The API's clock in whole seconds since the epoch; undefined until three answers agree on it. */
  now(): number | undefined;
  clockState(): ClockState;
  counters(): ClientCounters;
  /** Aborts all requests, closes every connection and leaves no timer. */
  close(): Promise<void>;
}

const mebibyte = 1_048_576;
/** A list is endless after so many pages in a row with nothing new. A server may send a few empty ones. */
const maxIdlePages = 20;

/** Makes a client; it connects with its first request. Throws TypeError for an invalid base URL. */
export function createClient(options: ClientOptions): Client {
  const base = new URL(options.baseUrl);
  const conversations = `${base.pathname.replace(/\/+$/, '')}/v3/Conversations`;
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  const timeoutMs = options.timeoutMs ?? 30_000;
  const dispatcher = options.dispatcher ?? openDispatcher(base.origin, timeoutMs, options.proxy);
  const waitFor = options.wait ?? wait;
  const clock = createApiClock(monotonicMs);
  const governor = createGovernor({ maxConcurrency: options.maxConcurrency ?? 32, monotonicMs, wait: waitFor });
  const counters = createCounters(governor);
  const closing = new AbortController();
  const parts: RequestParts = {
    dispatcher,
    governor,
    clock,
    origin: base.origin,
    headers: requestHeaders(options.userAgent ?? 'conversation-sync'),
    credentials: createCredentials(options.auth),
    timeoutMs,
    retryLimits: options.retryLimits ?? retryLimits,
    monotonicMs,
    random: options.random ?? Math.random,
    wait: (ms, signal) => waitFor(ms, AbortSignal.any([signal, closing.signal])),
    onAttempt(attempt) {
      counters.onAttempt(attempt);
      options.onAttempt?.(attempt);
    },
    onRetry(retry) {
      counters.onRetry(retry);
      options.onRetry?.(retry);
    },
  };
  const pageLimitBytes = options.pageLimitBytes ?? 64 * mebibyte;
  return {
    pages: (query, { signal, pageSize }) =>
      walk(signal, (token, walkSignal) => {
        const path = `${conversations}${search(query, pageSize, token)}`;
        return page(parts, path, token, pageLimitBytes, walkSignal);
      }),
    async detail(id, { signal, limitBytes = 64 * mebibyte }) {
      const path = `${conversations}/${segment(id)}`;
      const decode = (tried: string, json: Json, bytes: number) => ({ detail: decodeDetail(tried, id, json), bytes });
      try {
        return await request(parts, { endpoint: 'detail', path, limitBytes, signal, decode });
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
    now() {
      const seconds = clock.now();
      return seconds === undefined ? undefined : Math.floor(seconds);
    },
    clockState: clock.state,
    counters: counters.read,
    async close() {
      const closed = new Unreachable(`GET ${base.origin}`, 'closed', 'CLOSED', 'the client was closed');
      closing.abort(closed);
      governor.close(closed);
      if (options.dispatcher === undefined) await dispatcher.destroy();
    },
  };
}

/** Follows the tokens, one page ahead of the consumer. Leaving early aborts the page that is being fetched. @throws BadAnswer for an endless list. */
async function* walk(
  given: AbortSignal,
  fetch: (token: string | null, signal: AbortSignal) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  const left = new AbortController();
  const signal = AbortSignal.any([given, left.signal]);
  const tokens = new Set<string>();
  const ids = new Set<string | null>([null]);
  let idle = 0;
  try {
    let next: Promise<Page> | null = fetch(null, signal);
    while (next !== null) {
      const current: Page = await next;
      const { nextToken } = current;
      const before = ids.size;
      for (const { id } of [...current.items, ...current.bad]) ids.add(id);
      idle = ids.size > before ? 0 : idle + 1;
      if (nextToken !== null && idle >= maxIdlePages) {
        throw new BadAnswer('list', [`items: ${idle} pages in a row have nothing new, so the list would never end`]);
      }
      if (nextToken !== null && tokens.has(nextToken)) {
        throw new BadAnswer('list', ['meta.nextToken: was given before, so the list would never end']);
      }
      if (nextToken !== null) tokens.add(nextToken);
      next = nextToken === null ? null : fetch(nextToken, signal);
      // An error is thrown when the consumer asks for the page.
      next?.catch(() => undefined);
      yield current;
    }
  } finally {
    left.abort(new Error('the consumer stopped'));
  }
}

async function page(parts: RequestParts, path: string, token: string | null, limitBytes: number, signal: AbortSignal) {
  const endpoint: Endpoint = 'list';
  try {
    return await request(parts, { endpoint, path, limitBytes, signal, decode: decodePage });
  } catch (error) {
    const refused = error instanceof Refused || error instanceof NotFound;
    if (token === null || !refused || error.status < 400) throw error;
    throw new TokenExpired(error.tried, error.status, error);
  }
}

function search(query: Query, pageSize: number | undefined, token: string | null): string {
  const pairs = [...query];
  if (pageSize !== undefined) pairs.push(['pageSize', String(pageSize)]);
  if (token !== null) pairs.push(['pageToken', token]);
  if (pairs.length === 0) return '';
  return `?${pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')}`;
}

/** An id as one segment of a path, '.' and '..' too. Throws RangeError for one that a URL cannot hold. */
function segment(id: string): string {
  if (id === '' || !id.isWellFormed())
    throw new RangeError('a conversation id must not be empty or hold lone surrogates');
  return encodeURIComponent(id).replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'));
}
