// The client against real HTTP servers: walks, details, retries, the API's clock, what is counted, what is let slip.

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Client, type ClientOptions, createClient } from '../../src/twilio/client.ts';
import { BadAnswer, NotFound, Refused, TokenExpired, Unauthorized, Unavailable } from '../../src/twilio/errors.ts';
import { answer, serve } from './local-server.ts';

const signal = new AbortController().signal;
const createdAt = '2026-01-15T10:30:00Z';
const auth = { username: 'SKuser', password: 'hunter2:ü' };

function open(baseUrl: string, options: Partial<ClientOptions> = {}): Client {
  const client = createClient({ baseUrl, auth, wait: async () => undefined, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** Pages of one item each, by tokens "1", "2" …; the last has none. */
function paged(count: number) {
  return serve((request, response) => {
    const url = new URL(request.url ?? '', 'http://server');
    const at = Number(url.searchParams.get('pageToken') ?? 0);
    const nextToken = at + 1 < count ? String(at + 1) : null;
    answer(response, { items: [{ id: `c${at}`, createdAt }], meta: { nextToken } });
  });
}

describe('pages', () => {
  test('follows the tokens with the same filters', async () => {
    const server = await paged(3);
    const query = [
      ['status', 'CLOSED'],
      ['channels', 'VOICE'],
      ['channels', 'SMS'],
      ['createdAtBefore', createdAt],
    ] as const;
    const ids: string[] = [];
    for await (const page of open(`${server.url}/prefix/`).pages(query, { signal, pageSize: 1000 })) {
      ids.push(...page.items.map(({ id }) => id));
    }
    expect(ids).toEqual(['c0', 'c1', 'c2']);
    const first =
      '/prefix/v3/Conversations?status=CLOSED&channels=VOICE&channels=SMS&createdAtBefore=2026-01-15T10%3A30%3A00Z&pageSize=1000';
    expect(server.paths).toEqual([first, `${first}&pageToken=1`, `${first}&pageToken=2`]);
  });

  test('fetches one page ahead, and no more', async () => {
    const server = await paged(10);
    const walk = open(server.url).pages([], { signal });
    await walk.next();
    await walk.next();
    await vi.waitUntil(() => server.paths.length >= 3, { interval: 1, timeout: 60_000 });
    // One more would be on its way by now.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.paths).toHaveLength(3);
    await walk.return(undefined);
  });

  test('leaving early aborts the page that is under way', async () => {
    let closed: () => void = () => undefined;
    const aborted = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const server = await serve((request, response) => {
      if (request.url?.includes('pageToken')) response.on('close', closed);
      else answer(response, { items: [], meta: { nextToken: 'never' } });
    });
    const client = open(server.url);
    for await (const page of client.pages([], { signal })) {
      expect(page.items).toEqual([]);
      while (server.paths.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
      break;
    }
    await aborted;
    expect(client.counters().inFlight).toBe(0);
    expect(client.counters().requests.list).toMatchObject({ '2xx': 1, none: 0 });
  });

  test.each([
    ['the one just sent', ['a', 'a']],
    ['one seen before', ['a', 'b', 'a']],
  ])('a token that is %s ends the walk rather than go round for ever', async (_name, tokens) => {
    let at = 0;
    const server = await serve((_request, response) =>
      answer(response, { items: [], meta: { nextToken: tokens[at++] } }),
    );
    const walk = async () => {
      for await (const page of open(server.url).pages([], { signal })) void page;
    };
    await expect(walk()).rejects.toThrow(BadAnswer);
    expect(server.paths).toHaveLength(tokens.length);
  });

  test.each([400, 404, 410])('a token refused with %i has expired', async (status) => {
    const server = await serve((request, response) => {
      if (request.url?.includes('pageToken')) answer(response, { code: 20001, message: 'Invalid page token' }, status);
      else answer(response, { items: [], meta: { nextToken: 'old' } });
    });
    const walk = async () => {
      for await (const page of open(server.url).pages([], { signal })) void page;
    };
    await expect(walk()).rejects.toMatchObject({ constructor: TokenExpired, status });
  });

  test('without a token, 400 is a refusal that says why, and 404 a wrong URL', async () => {
    const message = `createdAtBefore ${'x'.repeat(300)}`;
    const server = await serve((_request, response) => answer(response, { code: 70001, message, status: 400 }, 400));
    const refused = open(server.url).pages([], { signal }).next();
    await expect(refused).rejects.toMatchObject({
      constructor: Refused,
      status: 400,
      code: 70001,
      reason: message.slice(0, 200),
    });
    const nowhere = await serve((_request, response) => response.writeHead(404).end());
    await expect(open(nowhere.url).pages([], { signal }).next()).rejects.toThrow(NotFound);
  });
});

describe('detail', () => {
  test.each([
    ['conv_conversation_1', '/v3/Conversations/conv_conversation_1'],
    ['a/b?c#d e%', '/v3/Conversations/a%2Fb%3Fc%23d%20e%25'],
    ['.', '/v3/Conversations/%2E'],
    ['..', '/v3/Conversations/%2E%2E'],
    ['ü💬', '/v3/Conversations/%C3%BC%F0%9F%92%AC'],
  ])('asks for %s in one segment', async (id, path) => {
    const server = await serve((_request, response) => answer(response, { id, createdAt }));
    await expect(open(server.url).detail(id, { signal })).resolves.toMatchObject({ detail: { id } });
    expect(server.paths).toEqual([path]);
  });

  test.each(['', 'a\ud800'])('an id that no URL can hold is not sent: %j', async (id) => {
    await expect(open('http://127.0.0.1:1').detail(id, { signal })).rejects.toThrow(RangeError);
  });

  test('is undefined for 404, and says so for another id', async () => {
    const server = await serve((request, response) =>
      request.url?.endsWith('gone')
        ? answer(response, { code: 20404 }, 404)
        : answer(response, { id: 'other', createdAt }),
    );
    const client = open(server.url);
    await expect(client.detail('gone', { signal })).resolves.toBeUndefined();
    await expect(client.detail('here', { signal })).rejects.toThrow(BadAnswer);
    expect(server.paths).toHaveLength(4);
  });

  test('keeps numbers that a double cannot hold', async () => {
    const body = `{"id":"c","createdAt":"${createdAt}","big":12345678901234567890,"tiny":0.1000000000000000055,"huge":1e400}`;
    const server = await serve((_request, response) => response.end(body));
    const answer = await open(server.url).detail('c', { signal });
    expect(JSON.stringify(answer?.detail.raw)).toBe(body);
    expect(answer?.bytes).toBe(body.length);
  });
});

describe('retries', () => {
  test.each([429, 500, 502, 503, 504])('%i, then an answer', async (status) => {
    let at = 0;
    const server = await serve((_request, response) =>
      at++ < 2 ? answer(response, {}, status) : answer(response, { id: 'c', createdAt }),
    );
    const client = open(server.url);
    await expect(client.detail('c', { signal })).resolves.toMatchObject({ detail: { id: 'c' } });
    expect(client.counters().retries).toBe(2);
    expect(client.counters().requests.detail).toMatchObject({ '2xx': 1, [status === 429 ? '429' : '5xx']: 2 });
  });

  test.each([
    ['HTML with 200', '<html><body>people said this</body></html>'],
    ['cut JSON', '{"id":"c","createdAt":"people said this'],
    ['nothing', ''],
  ])('%s, again and again, is a bad answer that is not quoted', async (_name, body) => {
    const server = await serve((_request, response) => response.end(body));
    const retried: string[] = [];
    const client = open(server.url, { onRetry: ({ error }) => retried.push(error.name) });
    const error = await client.detail('c', { signal }).catch((caught) => caught);
    expect(error).toBeInstanceOf(BadAnswer);
    expect(error.message).not.toMatch(/people/);
    expect(error.cause).toBeUndefined();
    expect(retried).toEqual(['BadAnswer', 'BadAnswer', 'BadAnswer']);
  });

  test('a key refused is said at once, without the key', async () => {
    const server = await serve((_request, response) => answer(response, { code: 20003, message: 'Authenticate' }, 401));
    const error = await open(server.url)
      .detail('c', { signal })
      .catch((caught) => caught);
    expect(error).toMatchObject({ constructor: Unauthorized, status: 401, code: 20003 });
    expect(JSON.stringify(error) + error.message + error.stack).not.toMatch(/hunter2|Basic/);
    expect(server.paths).toHaveLength(1);
  });

  test('a 429 that names its reset waits until then, one whose reset is mad waits as if it named none', async () => {
    const date = new Date(Date.UTC(2026, 0, 15)).toUTCString();
    const epoch = Date.UTC(2026, 0, 15) / 1_000;
    for (const [reset, least, most] of [
      ['20', 20_000, 20_000],
      [String(epoch + 20), 20_000, 20_000],
      [String(epoch + 86_400 * 365), 0, 100],
      ['-1', 0, 100],
    ] as const) {
      const waits: number[] = [];
      const headers = { date, 'x-ratelimit-limit': '300', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
      const server = await serve((_request, response) => {
        if (server.paths.length === 1) answer(response, {}, 429, headers);
        else answer(response, { id: 'a', createdAt }, 200, headers);
      });
      const client = open(server.url, { onRetry: ({ afterMs }) => waits.push(afterMs) });
      await client.detail('a', { signal });
      expect(waits).toHaveLength(1);
      expect(waits[0]).toBeGreaterThanOrEqual(least);
      expect(waits[0]).toBeLessThanOrEqual(most);
    }
  });

  test('503 for ever ends; a Retry-After longer than we may wait ends at once', async () => {
    const server = await serve((_request, response) => answer(response, {}, 503));
    await expect(open(server.url).detail('c', { signal })).rejects.toMatchObject({
      constructor: Unavailable,
      attempts: 5,
    });
    const slow = await serve((_request, response) => answer(response, {}, 503, { 'retry-after': '3600' }));
    await expect(open(slow.url).detail('c', { signal })).rejects.toMatchObject({
      attempts: 1,
      retryAfterMs: 3_600_000,
    });
  });

  test('an abort ends a wait, with its reason', async () => {
    const server = await serve((_request, response) => answer(response, {}, 503, { 'retry-after': '100' }));
    const control = new AbortController();
    const client = createClient({ baseUrl: server.url, auth, onRetry: () => control.abort(new Error('stop now')) });
    onTestFinished(() => client.close());
    await expect(client.detail('c', { signal: control.signal })).rejects.toThrow('stop now');
  });

  test('a redirect is not followed: the key stays here', async () => {
    const server = await serve((_request, response) => response.writeHead(302, { location: '/elsewhere' }).end());
    await expect(open(server.url).detail('c', { signal })).rejects.toMatchObject({ constructor: Refused, status: 302 });
    expect(server.paths).toHaveLength(1);
  });
});

test('says who it is, by Basic auth in UTF-8', async () => {
  const seen: (string | undefined)[] = [];
  const server = await serve((request, response) => {
    const { authorization, accept } = request.headers;
    seen.push(authorization, request.headers['user-agent'], accept, request.headers['cache-control']);
    answer(response, { id: 'c', createdAt });
  });
  await open(server.url, { userAgent: 'conversation-sync/1.2.3' }).detail('c', { signal });
  const basic = `Basic ${Buffer.from('SKuser:hunter2:ü').toString('base64')}`;
  expect(seen).toEqual([basic, 'conversation-sync/1.2.3', 'application/json', 'no-cache']);
});

test("now is the API's clock, carried on by ours, and moved only by answers that could be read", async () => {
  let date: string | undefined;
  let body: unknown = { id: 'c', createdAt };
  const server = await serve((_request, response) => {
    response.sendDate = false;
    if (date !== undefined) response.setHeader('date', date);
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  let monotonicMs = 5_000;
  const client = open(server.url, { monotonicMs: () => monotonicMs });
  await client.detail('c', { signal });
  expect(client.now()).toBeUndefined();
  date = 'Thu, 15 Jan 2026 10:30:00 GMT';
  for (let answers = 0; answers < 3; answers += 1) {
    expect(client.now()).toBeUndefined();
    await client.detail('c', { signal });
  }
  const seconds = Date.parse(date) / 1000;
  expect(client.now()).toBe(seconds);
  monotonicMs += 61_900;
  expect(client.now()).toBe(seconds + 61);
  date = 'Thu, 15 Jan 2026 10:31:30 GMT';
  body = '<html>';
  await client.detail('c', { signal }).catch(() => undefined);
  body = { id: 'other', createdAt };
  await client.detail('c', { signal }).catch(() => undefined);
  expect(client.now()).toBe(seconds + 61);
  body = { id: 'c', createdAt };
  await client.detail('c', { signal });
  expect(client.now()).toBe(seconds + 90);
  expect(client.clockState()).toEqual({ settled: true, disputed: [], cached: false });
});
