// The upstream API as typed calls: pages of conversations, one conversation's detail, and what time the API has. One
// governor and one pool serve them all. Whatever goes wrong is an ApiError; an aborted signal's reason passes through.

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
  /** May have a path, under which `/v3` is then looked for. */
  baseUrl: string;
  /** `current`: what these have become, asked where the API refuses them. */
  auth: Auth & { current?: () => Auth | undefined };
  userAgent?: string;
  /** Most requests in flight; 32 if not given. */
  maxConcurrency?: number;
  /** For one attempt, from connecting to the body's last byte; 30,000 if not given. */
  timeoutMs?: number;
  /** The largest page, decoded; 64 MiB if not given. */
  pageLimitBytes?: number;
  retryLimits?: RetryLimits;
  proxy?: ProxySettings;
  /** Used instead of a pool of our own, and not closed by `close`. */
  dispatcher?: Dispatcher;
  monotonicMs?: () => number;
  random?: () => number;
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  onAttempt?: (attempt: Attempt) => void;
  onRetry?: (retry: Retry) => void;
}

/** A filter of the list, by the API's names; one that is given twice means either. */
export type Query = readonly (readonly [name: string, value: string])[];

/** A detail, and how many bytes of text it came as. */
export interface DetailAnswer {
  detail: Detail;
  bytes: number;
}

export interface Client {
  /** Pages from the first to the last, the next one fetched while the last is worked on. Throws TokenExpired when the walk cannot go on. */
  pages(query: Query, options: { signal: AbortSignal; pageSize?: number }): AsyncGenerator<Page, void, undefined>;
  /** The conversation; undefined where the API has none by that id (404). */
  detail(id: string, options: { signal: AbortSignal; limitBytes?: number }): Promise<DetailAnswer | undefined>;
  /** The API's clock in whole seconds since the epoch; undefined until three answers agree on it. */
  now(): number | undefined;
  /** What is known of that clock beside the time. */
  clockState(): ClockState;
  counters(): ClientCounters;
  /** Drops what is in flight or waits, closes every connection and leaves no timer. */
  close(): Promise<void>;
}

const mebibyte = 1_048_576;
/** So many pages in a row with nothing new, and a list counts as endless: a server may put some empty ones between, or first. */
const mostIdlePages = 20;

/** Makes a client; it connects at its first request. Throws TypeError for a base URL that is none. */
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

/**
 * Follows the tokens, one page ahead of the consumer; leaving the walk early aborts the page that is under way.
 * @throws BadAnswer where a list would never end.
 */
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
      if (nextToken !== null && idle >= mostIdlePages) {
        throw new BadAnswer('list', [`items: ${idle} pages in a row have nothing new, so the list would never end`]);
      }
      if (nextToken !== null && tokens.has(nextToken)) {
        throw new BadAnswer('list', ['meta.nextToken: was given before, so the list would never end']);
      }
      if (nextToken !== null) tokens.add(nextToken);
      next = nextToken === null ? null : fetch(nextToken, signal);
      // Whether it fails is asked when the consumer comes back for it.
      next?.catch(() => undefined);
      yield current;
    }
  } finally {
    left.abort(new Error('the walk was left'));
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

/** An id as one segment of a path, '.' and '..' too. Throws RangeError for one that no URL can hold. */
function segment(id: string): string {
  if (id === '' || !id.isWellFormed()) throw new RangeError('a conversation id is wanted, not an empty or broken text');
  return encodeURIComponent(id).replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'));
}
