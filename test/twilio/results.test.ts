// Operator results of real HTTP servers: what a walk gives and from where, what is held against what was asked, how
// pages shrink, single results, names, and under which endpoint all of it is counted.

import type { ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Json } from '../../src/lib/json.ts';
import { type Client, type ClientOptions, createClient } from '../../src/twilio/client.ts';
import { BadAnswer, FilterIgnored, Refused, TokenExpired, TooLarge, Unauthorized } from '../../src/twilio/errors.ts';
import { createResults } from '../../src/twilio/results.ts';
import { answer, serve } from './local-server.ts';

const signal = new AbortController().signal;
const dateCreated = '2026-01-15T10:30:00.5Z';
const made = (id: string, fields: Record<string, Json> = {}) => ({ id, conversationId: 'c', dateCreated, ...fields });

function open(baseUrl: string, options: Partial<ClientOptions> = {}, largestPage?: number) {
  const auth = { username: 'SKuser', password: 'secret' };
  const client: Client = createClient({ baseUrl, auth, wait: async () => undefined, ...options });
  onTestFinished(() => client.close());
  const news: Record<string, unknown>[] = [];
  return { client, news, results: createResults({ client, largestPage, onNews: (_, fields) => news.push(fields) }) };
}

/** A list of results `r0`, `r1` …, whose tokens are the place to go on from; larger pages than `largest` get 400, and each result is padded. */
function listOf(count: number, { largest = 1000, padding = 0, bindsSize = false } = {}) {
  return serve((request, response) => {
    const url = new URL(request.url ?? '', 'http://server');
    const size = Number(url.searchParams.get('pageSize') ?? 50);
    const [from = 0, boundTo = size] = (url.searchParams.get('pageToken') ?? '0').split('.').map(Number);
    if (size > largest || (bindsSize && boundTo !== size)) return refuse(response, 400);
    const end = Math.min(from + size, count);
    const items = Array.from({ length: end - from }, (_, at) => made(`r${from + at}`, { pad: 'x'.repeat(padding) }));
    answer(response, { items, meta: { nextToken: end < count ? `${end}.${size}` : null } });
  });
}

function refuse(response: ServerResponse, status: number): void {
  answer(response, { code: 20001, message: 'no', status }, status);
}

async function idsOf(pages: AsyncIterable<{ items: { id: string }[] }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { items } of pages) ids.push(...items.map(({ id }) => id));
  return ids;
}

const all = (count: number, from = 0) => Array.from({ length: count - from }, (_, at) => `r${from + at}`);

describe('a walk over results', () => {
  test('asks for no larger pages than are wanted, and for smaller ones where those are refused', async () => {
    const whole = await listOf(450);
    expect(await idsOf(open(whole.url, {}, 200).results.pages({}, { signal }))).toEqual(all(450));
    const sizes = whole.paths.map((path) => new URL(path, whole.url).searchParams.get('pageSize'));
    expect(sizes).toEqual(['200', '200', '200']);
    const small = await listOf(450, { largest: 100 });
    const { results, news } = open(small.url, {}, 200);
    expect(await idsOf(results.pages({}, { signal }))).toEqual(all(450));
    expect(news).toEqual([{ pageSize: 100 }]);
  });

  test('gives whole results, numbers digit by digit, and bad items apart', async () => {
    const raw =
      '{"id":"r","conversationId":"c","dateCreated":"2026-01-15T11:30:00.5+01:00","result":{"n":0.1234567890123456789}}';
    const bad = [made('b', { dateCreated: 'then' }), made('b', { conversationId: null }), made(''), null];
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"items":[${raw},${bad.map((each) => JSON.stringify(each)).join()}],"meta":{}}`);
    });
    const { client, results } = open(`${server.url}/prefix`);
    const query = { conversationId: 'c', operatorId: 'o/1' };
    const [page] = await Array.fromAsync(results.pages(query, { signal }));
    expect(page).toMatchObject({
      items: [{ id: 'r', conversationId: 'c', dateCreated: '2026-01-15T10:30:00.500000000Z' }],
      bad: [
        { id: 'b', reason: 'dateCreated: is not an RFC 3339 time' },
        { id: 'b', reason: 'conversationId: expected string, received null' },
        { id: null, reason: 'id: is empty' },
        { id: null },
      ],
      nextToken: null,
    });
    expect(JSON.stringify(page?.items[0]?.raw)).toBe(raw);
    expect(server.paths).toEqual(['/prefix/v3/OperatorResults?conversationId=c&operatorId=o%2F1&pageSize=1000']);
    expect(client.counters().requests).toMatchObject({ results: { '2xx': 1 }, list: { '2xx': 0 } });
  });

  test('goes on from the token of any page', async () => {
    const server = await listOf(2500);
    const tokens: (string | null)[] = [null];
    for await (const page of open(server.url).results.pages({}, { signal })) tokens.push(page.nextToken);
    expect(tokens.at(-1)).toBeNull();
    for (const [at, token] of tokens.slice(0, -1).entries()) {
      expect(await idsOf(open(server.url).results.pages({}, { signal, token }))).toEqual(all(2500, at * 1000));
    }
  });

  test.each([400, 404, 410])('says that the token it was to go on from has expired (%i)', async (status) => {
    const server = await serve((_, response) => refuse(response, status));
    const walk = open(server.url).results.pages({}, { signal, token: 'old' });
    await expect(walk.next()).rejects.toMatchObject({ constructor: TokenExpired, status });
  });

  test.each<[string, Json, string[]]>([
    ['another conversation', made('x', { conversationId: 'other' }), ['conversationId']],
    ['another operator', made('x', { operator: { id: 'other' } }), ['operatorId']],
    ['another configuration', made('x', { intelligenceConfiguration: { id: 'k' } }), ['intelligenceConfigurationId']],
    ['all of them, in a bad item', { conversationId: 'd', operator: { id: 'p' } }, ['conversationId', 'operatorId']],
    ['a token that it is given again', made('x'), []],
  ])('holds each item against what was asked: %s', async (_, item, filters) => {
    const server = await serve((_request, response) => answer(response, { items: [made('r'), item], meta: {} }));
    const query = { conversationId: 'c', operatorId: 'o', intelligenceConfigurationId: 'i' };
    const walk = idsOf(open(server.url).results.pages(query, { signal }));
    if (filters.length === 0) expect(await walk).toEqual(['r', 'x']);
    else await expect(walk).rejects.toMatchObject({ constructor: FilterIgnored, filters });
    expect(server.paths).toHaveLength(1);
  });

  test.each([401, 403, 400])('what refuses the first page ends it: %i', async (status) => {
    const server = await serve((_, response) => refuse(response, status));
    const walk = open(server.url).results.pages({}, { signal }).next();
    await expect(walk).rejects.toMatchObject({ constructor: status === 400 ? Refused : Unauthorized, status });
  });

  test('ends where a list never would, and at a token that it began with', async () => {
    const server = await serve((_, response) => answer(response, { items: [made('r')], meta: { nextToken: 'a' } }));
    const walk = idsOf(open(server.url).results.pages({}, { signal, token: 'a' }));
    await expect(walk).rejects.toThrow(BadAnswer);
  });
});

describe('the size of pages', () => {
  test('becomes what the server takes, also where a walk goes on from a token', async () => {
    const server = await listOf(450, { largest: 200 });
    const { results, news } = open(server.url);
    expect(await idsOf(results.pages({}, { signal, token: '100.200' }))).toEqual(all(450, 100));
    expect(await idsOf(results.pages({}, { signal }))).toEqual(all(450));
    expect(news).toEqual([{ pageSize: 200 }]);
    expect(server.paths.slice(-3).every((path) => path.includes('pageSize=200'))).toBe(true);
  });

  test('shrinks where a page is too large to be held, and the walk goes on where it was', async () => {
    const server = await listOf(3000, { padding: 1000 });
    const { results, news } = open(server.url, { pageLimitBytes: 300_000 });
    expect(await idsOf(results.pages({}, { signal }))).toEqual(all(3000));
    expect(news).toEqual([{ pageSize: 125 }]);
  });

  test('grows again with a later walk, once pages are small', async () => {
    let padding = 1000;
    const server = await serve((request, response) => {
      const size = Number(new URL(request.url ?? '', 'http://server').searchParams.get('pageSize'));
      const items = all(size).map((id) => made(id, { pad: 'x'.repeat(padding) }));
      answer(response, { items, meta: {} });
    });
    const { results } = open(server.url, { pageLimitBytes: 300_000 });
    const sizes: number[] = [];
    for (padding of [1000, 1000, 0, 0, 0, 0, 0]) sizes.push((await idsOf(results.pages({}, { signal }))).length);
    expect(sizes).toEqual([125, 125, 125, 250, 500, 1000, 1000]);
  });

  test('a token bound to its size expires with it, and the next walk is whole', async () => {
    let padding = 0;
    const server = await serve((request, response) => {
      const url = new URL(request.url ?? '', 'http://server');
      const size = Number(url.searchParams.get('pageSize'));
      const [from = 0, boundTo = size] = (url.searchParams.get('pageToken') ?? '0').split('.').map(Number);
      if (boundTo !== size) return refuse(response, 400);
      const end = Math.min(from + size, 2000);
      padding = end > 1000 ? 1000 : 0;
      const items = all(end, from).map((id) => made(id, { pad: 'x'.repeat(padding) }));
      answer(response, { items, meta: { nextToken: end < 2000 ? `${end}.${size}` : null } });
    });
    const { results } = open(server.url, { pageLimitBytes: 300_000 });
    await expect(idsOf(results.pages({}, { signal }))).rejects.toThrow(TokenExpired);
    expect(await idsOf(results.pages({}, { signal }))).toEqual(all(2000));
  });

  test('one result that is too large alone ends the walk', async () => {
    const server = await listOf(3, { padding: 5000 });
    const walk = idsOf(open(server.url, { pageLimitBytes: 4000 }).results.pages({}, { signal }));
    await expect(walk).rejects.toThrow(TooLarge);
  });
});

describe('a single result', () => {
  test('is there, or gone', async () => {
    const server = await serve((request, response) => {
      if (request.url?.endsWith('/r%2F1')) answer(response, made('r/1', { result: null }));
      else refuse(response, 404);
    });
    const { client, results } = open(server.url);
    expect(await results.result('r/1', 10_000, signal)).toMatchObject({
      kind: 'found',
      result: { id: 'r/1', conversationId: 'c', raw: { result: null } },
    });
    expect(await results.result('r2', 10_000, signal)).toEqual({ kind: 'gone' });
    expect(server.paths).toEqual(['/v3/OperatorResults/r%2F1', '/v3/OperatorResults/r2']);
    expect(client.counters().requests.result).toMatchObject({ '2xx': 1, '4xx': 1 });
  });

  test.each<[number, unknown, object]>([
    [200, made('other'), { kind: 'failed', error: expect.stringContaining('id: is not the one'), perhapsAll: false }],
    [200, { id: 'r' }, { kind: 'failed', error: expect.stringContaining('conversationId: expected string') }],
    [403, {}, { kind: 'failed', error: expect.stringContaining('refuses this result (403)'), perhapsAll: true }],
    [500, {}, { kind: 'failed', perhapsAll: false }],
    [200, made('r', { pad: 'x'.repeat(20_000) }), { kind: 'tooLarge' }],
  ])('that answers %i is its own trouble', async (status, body, outcome) => {
    const server = await serve((_, response) => answer(response, body, status));
    expect(await open(server.url).results.result('r', 10_000, signal)).toMatchObject(outcome);
  });

  test('whose id no URL can hold is its own trouble as well', async () => {
    expect(await open('http://127.0.0.1:1').results.result('\ud800', 1, signal)).toMatchObject({ kind: 'failed' });
  });
});

test('operators and configurations are listed to their last page', async () => {
  const server = await serve((request, response) => {
    const kind = request.url?.includes('/ControlPlane/Operators') ? 'o' : 'k';
    const isSecond = request.url?.includes('pageToken=2');
    answer(response, {
      items: [{ id: `${kind}${isSecond ? 2 : 1}`, displayName: null }, {}],
      meta: { nextToken: isSecond ? '' : 2 },
    });
  });
  const { client, results } = open(server.url);
  expect(await results.operators(signal)).toMatchObject({
    items: [{ id: 'o1', raw: { id: 'o1', displayName: null } }, { id: 'o2' }],
    bad: [{ id: null }, { id: null }],
  });
  expect((await results.configurations(signal)).items.map(({ id }) => id)).toEqual(['k1', 'k2']);
  expect(client.counters().requests.names).toMatchObject({ '2xx': 4 });
});
