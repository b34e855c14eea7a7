// The checks of the API, one after another, as findings. Checks that depend on a failed one are skipped with the reason; the
// others go on. They send a few requests for the list, without retries, and store nothing.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { namesOf, queryOf } from '../app.ts';
import type { ApiConfig, FilterConfig } from '../config/config.ts';
import { baseUrl } from '../twilio/base-url.ts';
import { type Client, createClient } from '../twilio/client.ts';
import { TimeUnknown } from '../twilio/errors.ts';
import { createListing, type HonouredBounds } from '../twilio/listing.ts';
import { proxyOf } from '../twilio/proxy.ts';
import { type Finding, skipped } from './finding.ts';
import {
  type Account,
  judgeAnswer,
  judgeBounds,
  judgeClock,
  judgeConnection,
  judgeKey,
  judgeName,
  judgePlain,
  judgeTimeUnknown,
  judgeTls,
  type NamedPath,
} from './judge-api.ts';
import { judgeNames, judgeResults } from './judge-results.ts';
import { openConnection, pathTo, shakeHands } from './network-path.ts';
import { withTimeout } from './with-timeout.ts';

export interface ApiQuestion {
  api: ApiConfig;
  filters: FilterConfig;
  /** Operator results are kept with their content. */
  operatorResults: boolean;
  /** SYNC_START: how far back to look for a conversation to prove the bounds on. */
  start: number;
  /** This machine's clock. */
  nowMs: () => number;
  signal: AbortSignal;
}

/** All checks, in order. */
export const apiChecks = [
  'API name',
  'API connection',
  'API TLS',
  'credentials',
  'createdBefore',
  'operator results',
  'names',
  'clock',
];

const stepMs = 10_000;
/** For an empty account, many ranges are asked for. */
const boundsMs = 30_000;

/** @throws only the signal's reason. */
export async function* checkApi(question: ApiQuestion): AsyncGenerator<Finding> {
  const reached = yield* checkPath(question);
  if (!reached) {
    for (const check of apiChecks.slice(3)) yield skipped(check, 'the API cannot be reached');
    return;
  }
  const { api } = question;
  const { https, http, none } = api.proxy;
  const client = createClient({
    baseUrl: baseUrl(api),
    auth: { username: api.username, password: api.password },
    timeoutMs: stepMs,
    proxy: { httpsProxy: https, httpProxy: http, noProxy: none },
    // Report the first error; do not retry.
    onRetry: ({ error }) => {
      throw error;
    },
  });
  try {
    yield* checkAnswers(client, question);
  } finally {
    await client.close();
  }
}

/** Name, connection and TLS. @returns whether requests reach the API. */
async function* checkPath({ api, nowMs, signal }: ApiQuestion): AsyncGenerator<Finding, boolean> {
  const { origin } = new URL(baseUrl(api));
  const proxy = proxyOf(origin, { httpsProxy: api.proxy.https, httpProxy: api.proxy.http, noProxy: api.proxy.none });
  const own = api.edge !== undefined || api.region !== undefined;
  const named = api.url !== undefined ? 'TWILIO_INTELLIGENCE_URL' : own ? 'TWILIO_EDGE and TWILIO_REGION' : null;
  const path: NamedPath = { ...pathTo(origin, proxy), named };
  const name = await checkName(path, signal);
  yield name;
  if (name.mark === 'fail') {
    for (const check of apiChecks.slice(1, 3)) yield skipped(check, 'the name cannot be resolved');
    return false;
  }
  const socket = await withTimeout(stepMs, signal, (limited) => openConnection(path, proxy, limited));
  const refused = typeof socket === 'number' ? socket : null;
  yield judgeConnection(path, socket instanceof Error ? socket : null, refused);
  if (socket instanceof Error || typeof socket === 'number') {
    yield skipped('API TLS', 'there is no connection');
    return false;
  }
  try {
    const tls = path.secure
      ? judgeTls(path, await withTimeout(stepMs, signal, (limited) => shakeHands(socket, path, limited)), nowMs())
      : judgePlain(path);
    yield tls;
    return tls.mark !== 'fail';
  } finally {
    socket.destroy();
  }
}

async function checkName(path: NamedPath, signal: AbortSignal): Promise<Finding> {
  const check = 'API name';
  if (isIP(path.host.replace(/^\[(.+)\]$/, '$1')) !== 0) return skipped(check, `${path.host} is an address`);
  if (path.proxy !== null) return skipped(check, `the proxy ${path.proxy} resolves it`);
  return judgeName(path, await withTimeout(stepMs, signal, () => lookup(path.host, { all: true })));
}

async function* checkAnswers(
  client: Client,
  { api, filters, operatorResults, start, nowMs, signal }: ApiQuestion,
): AsyncGenerator<Finding> {
  const first = await withTimeout(stepMs, signal, (limited) => readAccount(client, filters, limited));
  const key = judgeKey(api, first);
  yield key;
  const bounds = key.mark === 'fail' ? null : await checkBounds(client, { api, filters, start, signal });
  if (bounds === null) yield skipped('createdBefore', 'the first request failed');
  else if (bounds instanceof TimeUnknown) yield skipped('createdBefore', 'no answer had the time');
  else yield bounds;
  if (key.mark === 'fail')
    for (const check of ['operator results', 'names']) yield skipped(check, 'the first request failed');
  else if (!operatorResults)
    for (const check of ['operator results', 'names']) yield skipped(check, 'SYNC_OPERATOR_RESULTS is links');
  else {
    yield judgeResults(
      await withTimeout(stepMs, signal, (limited) => readFirst(client.results({}, { signal: limited, pageSize: 1 }))),
    );
    yield judgeNames(
      await withTimeout(stepMs, signal, (limited) =>
        readFirst(client.names('Operators', { signal: limited, pageSize: 1 })),
      ),
    );
  }
  const seconds = client.now();
  if (bounds instanceof TimeUnknown) yield judgeTimeUnknown(bounds);
  else if (seconds === undefined) yield skipped('clock', 'no answer of the API had the time');
  // Whole seconds are half a second late on average.
  else yield judgeClock('clock', "the API's", seconds + 0.5 - nowMs() / 1000);
}

/** Whether the first page has anything. */
async function readFirst(pages: AsyncIterable<{ items: unknown[] }>): Promise<boolean> {
  for await (const { items } of pages) return items.length > 0;
  return false;
}

async function readAccount(client: Client, filters: FilterConfig, signal: AbortSignal): Promise<Account> {
  for await (const { items } of client.pages(queryOf(filters), { signal, pageSize: 50 })) {
    const accounts = new Set(
      items.flatMap(({ raw: { accountId } }) => (typeof accountId === 'string' ? [accountId] : [])),
    );
    return { accounts: [...accounts], conversations: items.length };
  }
  return { accounts: [], conversations: 0 };
}

async function checkBounds(
  client: Client,
  { api, filters, start, signal }: Pick<ApiQuestion, 'api' | 'filters' | 'start' | 'signal'>,
): Promise<Finding | TimeUnknown> {
  let found: HonouredBounds | null = null;
  const listing = createListing({
    client,
    filters: queryOf(filters),
    names: namesOf(api),
    onNews() {},
    onBounds(bounds) {
      found = bounds;
    },
  });
  const trouble = await withTimeout(boundsMs, signal, async (limited) => {
    await listing.proveBounds(start, limited);
    return null;
  });
  if (trouble instanceof TimeUnknown) return trouble;
  if (trouble !== null) return judgeAnswer('createdBefore', trouble);
  return judgeBounds(api.createdFilter, found);
}
