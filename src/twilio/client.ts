// The API as typed calls: pages of conversations and of operator results, one conversation's detail, one result, lists of
// operators and configurations, and the API's time. All share one governor and one connection pool. Every failure is an
// ApiError, except that the reason of an aborted signal is passed through.

import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import type { Json } from '../lib/json.ts';
import { wait } from '../lib/wait.ts';
import { type Mask, noMask } from '../sync/mask.ts';
import { type ClockState, createApiClock } from './clock.ts';
import { type ClientCounters, createCounters } from './counters.ts';
import {
  type Detail,
  decodeDetail,
  decodeNames,
  decodePage,
  decodeResult,
  decodeResults,
  ignoredFilters,
  type NamePage,
  type OperatorResult,
  type Page,
  type ResultPage,
} from './decode.ts';
import { openDispatcher } from './dispatcher.ts';
import { FilterIgnored, NotFound, Refused, TokenExpired, Unreachable } from './errors.ts';
import { createGovernor } from './governor.ts';
import { type AnyPage, type WalkOptions, walk } from './pager.ts';
import type { ProxySettings } from './proxy.ts';
import {
  type Attempt,
  type Auth,
  createCredentials,
  type RequestParts,
  type Retry,
  request,
  requestHeaders,
  type Wanted,
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
  /** Which personal data is stored: the rest leaves this client with no answer. By default all. */
  mask?: Pick<Mask, 'conversation' | 'result'>;
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

/** Filters of the results' list, each a single id. Without any, the whole account is listed. */
export interface ResultQuery {
  conversationId?: string;
  operatorId?: string;
  intelligenceConfigurationId?: string;
}

/** A detail, and the length of its JSON in bytes. */
export interface DetailAnswer {
  detail: Detail;
  bytes: number;
}

/** An operator result, and the length of its JSON in bytes. */
export interface ResultAnswer {
  result: OperatorResult;
  bytes: number;
}

export interface DetailOptions extends Pick<Wanted<unknown>, 'signal' | 'urgent' | 'onSend'> {
  limitBytes?: number;
}

export interface Client {
  /** All pages of conversations, each fetched while the one before is processed. Throws TokenExpired if the API no longer accepts its token. */
  pages(query: Query, options: WalkOptions): AsyncGenerator<Page, void, undefined>;
  /** All pages of whole operator results, in the same way. Throws FilterIgnored if a page holds a result that was not asked for. */
  results(query: ResultQuery, options: WalkOptions): AsyncGenerator<ResultPage, void, undefined>;
  /** The operator result; undefined if the API answers 404. */
  result(id: string, options: { signal: AbortSignal; limitBytes?: number }): Promise<ResultAnswer | undefined>;
  /** All pages of operators, or of intelligence configurations, in the same way. */
  names(kind: 'Operators' | 'Configurations', options: WalkOptions): AsyncGenerator<NamePage, void, undefined>;
  /** The conversation; undefined if the API answers 404. */
  detail(id: string, options: DetailOptions): Promise<DetailAnswer | undefined>;
  /** The API's clock in whole seconds since the epoch; undefined until three answers agree on it. */
  now(): number | undefined;
  clockState(): ClockState;
  counters(): ClientCounters;
  /** Aborts all requests, closes every connection and leaves no timer. */
  close(): Promise<void>;
}

const mebibyte = 1_048_576;

/** Makes a client; it connects with its first request. Throws TypeError for an invalid base URL. */
export function createClient(options: ClientOptions): Client {
  const base = new URL(options.baseUrl);
  const root = `${base.pathname.replace(/\/+$/, '')}/v3`;
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
  const mask = options.mask ?? noMask;
  function pagesOf<Page extends AnyPage>(
    list: Pick<Wanted<Page>, 'endpoint' | 'path' | 'decode'>,
    query: Query,
    options: WalkOptions,
  ): AsyncGenerator<Page, void, undefined> {
    return walk(options, (pageToken, walkSignal) => {
      const path = root + list.path + search(query, options.pageSize, pageToken);
      return page(parts, { ...list, path, limitBytes: pageLimitBytes, signal: walkSignal }, pageToken);
    });
  }

  return {
    pages: (query, options) =>
      pagesOf(
        {
          endpoint: 'list',
          path: '/Conversations',
          decode: (tried, json) => maskItems(decodePage(tried, json), mask.conversation),
        },
        query,
        options,
      ),
    results: (query, options) => {
      const asked = Object.entries(query);
      const decode = (tried: string, json: Json, bytes: number) =>
        maskItems(decodeResults(tried, json, bytes), mask.result);
      return checkFilters(asked, pagesOf({ endpoint: 'results', path: '/OperatorResults', decode }, asked, options));
    },
    names: (kind, options) =>
      pagesOf({ endpoint: 'names', path: `/ControlPlane/${kind}`, decode: decodeNames }, [], options),
    async detail(id, { limitBytes = 64 * mebibyte, ...rest }) {
      const path = `${root}/Conversations/${segment(id)}`;
      const decode = (tried: string, json: Json, bytes: number) => {
        const detail = decodeDetail(tried, id, json);
        mask.conversation(detail.raw);
        return { detail, bytes };
      };
      return await undefinedIfNotFound(request(parts, { endpoint: 'detail', path, limitBytes, decode, ...rest }));
    },
    async result(id, { signal, limitBytes = 64 * mebibyte }) {
      const path = `${root}/OperatorResults/${segment(id)}`;
      const decode = (tried: string, json: Json, bytes: number) => {
        const result = decodeResult(tried, id, json);
        mask.result(result.raw);
        return { result, bytes };
      };
      return await undefinedIfNotFound(request(parts, { endpoint: 'result', path, limitBytes, signal, decode }));
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

/** Masks the items of a page, and what could not be read as one. */
function maskItems<Page extends { items: { raw: Json }[]; bad: { raw: Json }[] }>(
  page: Page,
  mask: (raw: Json) => Json,
): Page {
  for (const each of [...page.items, ...page.bad]) each.raw = mask(each.raw);
  return page;
}

async function page<Page>(parts: RequestParts, wanted: Wanted<Page>, token: string | null): Promise<Page> {
  try {
    return await request(parts, wanted);
  } catch (error) {
    const refused = error instanceof Refused || error instanceof NotFound;
    if (token === null || !refused || error.status < 400) throw error;
    throw new TokenExpired(error.tried, error.status, error);
  }
}

/** Compares each page with what was asked. A field that is null or absent cannot show that a filter was ignored. */
async function* checkFilters(asked: Query, pages: AsyncGenerator<ResultPage>): AsyncGenerator<ResultPage> {
  for await (const each of pages) {
    const ignored = ignoredFilters(each, asked);
    if (ignored.length > 0) throw new FilterIgnored('GET /v3/OperatorResults', ignored);
    yield each;
  }
}

async function undefinedIfNotFound<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
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
  if (id === '' || !id.isWellFormed()) throw new RangeError('an id must not be empty or hold lone surrogates');
  return encodeURIComponent(id).replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'));
}
