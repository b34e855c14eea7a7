// The checks of the API, one after the other, as findings. What depends on a check that failed is skipped, with the reason;
// everything else goes on. A few requests of the list, each sent once: nothing is stored, and nothing repeated.

import { isIP } from 'node:net';
import { namesOf, queryOf } from '../app.ts';
import type { ApiConfig, FilterConfig } from '../config/config.ts';
import { baseUrl } from '../twilio/base-url.ts';
import { type Client, createClient } from '../twilio/client.ts';
import { TimeUnknown } from '../twilio/errors.ts';
import { createListing } from '../twilio/listing.ts';
import { proxyOf } from '../twilio/proxy.ts';
import { type Finding, skipped } from './finding.ts';
import {
  type Account,
  type Bound,
  judgeAnswer,
  judgeBound,
  judgeClock,
  judgeConnection,
  judgeKey,
  judgeName,
  judgePlain,
  judgeTimeUnknown,
  judgeTls,
  type Way,
} from './judge-api.ts';
import { openConnection, resolveName, shakeHands, wayTo } from './way.ts';
import { within } from './within.ts';

export interface ApiQuestion {
  api: ApiConfig;
  filters: FilterConfig;
  /** SYNC_START: how far back a conversation is looked for to prove the bounds by. */
  start: number;
  /** This machine's clock. */
  nowMs: () => number;
  signal: AbortSignal;
}

/** Every check, in their order. */
export const apiChecks = ['API name', 'API connection', 'API TLS', 'credentials', 'createdBefore', 'clock'];

const stepMs = 10_000;
/** Where an account is empty, many stretches are asked for one after the other. */
const boundsMs = 30_000;

/** Asks and judges. @throws only the signal's reason. */
export async function* checkApi(question: ApiQuestion): AsyncGenerator<Finding> {
  const reached = yield* checkWay(question);
  if (!reached) {
    for (const check of apiChecks.slice(3)) yield skipped(check, 'the API is not reached');
    return;
  }
  const { api } = question;
  const { https, http, none } = api.proxy;
  const client = createClient({
    baseUrl: baseUrl(api),
    auth: { username: api.username, password: api.password },
    timeoutMs: stepMs,
    proxy: { httpsProxy: https, httpProxy: http, noProxy: none },
    // What is wrong at the first attempt is what is to be told.
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

/** Name, connection and TLS. @returns whether a request would arrive. */
async function* checkWay({ api, nowMs, signal }: ApiQuestion): AsyncGenerator<Finding, boolean> {
  const { origin } = new URL(baseUrl(api));
  const proxy = proxyOf(origin, { httpsProxy: api.proxy.https, httpProxy: api.proxy.http, noProxy: api.proxy.none });
  const own = api.edge !== undefined || api.region !== undefined;
  const named = api.url !== undefined ? 'TWILIO_INTELLIGENCE_URL' : own ? 'TWILIO_EDGE and TWILIO_REGION' : null;
  const way: Way = { ...wayTo(origin, proxy), named };
  const name = await checkName(way, signal);
  yield name;
  if (name.mark === 'fail') {
    for (const check of apiChecks.slice(1, 3)) yield skipped(check, 'the name is not known');
    return false;
  }
  const socket = await within(stepMs, signal, (limited) => openConnection(way, proxy, limited));
  const refused = typeof socket === 'number' ? socket : null;
  yield judgeConnection(way, socket instanceof Error ? socket : null, refused);
  if (socket instanceof Error || typeof socket === 'number') {
    yield skipped('API TLS', 'there is no connection');
    return false;
  }
  try {
    const tls = way.secure
      ? judgeTls(way, await within(stepMs, signal, (limited) => shakeHands(socket, way, limited)), nowMs())
      : judgePlain(way);
    yield tls;
    return tls.mark !== 'fail';
  } finally {
    socket.destroy();
  }
}

async function checkName(way: Way, signal: AbortSignal): Promise<Finding> {
  const check = 'API name';
  if (isIP(way.host.replace(/^\[(.+)\]$/, '$1')) !== 0) return skipped(check, `${way.host} is an address`);
  if (way.proxy !== null) return skipped(check, `the proxy ${way.proxy} looks it up`);
  return judgeName(way, await within(stepMs, signal, () => resolveName(way.host)));
}

async function* checkAnswers(
  client: Client,
  { api, filters, start, nowMs, signal }: ApiQuestion,
): AsyncGenerator<Finding> {
  const first = await within(stepMs, signal, (limited) => readAccount(client, filters, limited));
  const key = judgeKey(api, first);
  yield key;
  const bounds = key.mark === 'fail' ? null : await checkBounds(client, { api, filters, start, signal });
  if (bounds === null) yield skipped('createdBefore', 'the first answer was none');
  else if (bounds instanceof TimeUnknown) yield skipped('createdBefore', 'no answer told the time');
  else yield bounds;
  const seconds = client.now();
  if (bounds instanceof TimeUnknown) yield judgeTimeUnknown(bounds);
  else if (seconds === undefined) yield skipped('clock', 'no answer of the API told the time');
  // Whole seconds: half of one is what they lack on average.
  else yield judgeClock('clock', "the API's", seconds + 0.5 - nowMs() / 1000);
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
  let bound: Bound | null = null;
  const listing = createListing({
    client,
    filters: queryOf(filters),
    names: namesOf(api),
    onNews(message, { name, upperBound, lowerBound }) {
      if (message !== 'bounds of createdAt') return;
      bound = { name: String(name), upper: upperBound === true, lower: lowerBound === true };
    },
  });
  const trouble = await within(boundsMs, signal, async (limited) => {
    await listing.proveBounds(start, limited);
    return null;
  });
  if (trouble instanceof TimeUnknown) return trouble;
  if (trouble !== null) return judgeAnswer('createdBefore', trouble);
  return judgeBound(api.createdFilter, bound);
}
