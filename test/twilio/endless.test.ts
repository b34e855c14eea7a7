// Lists that never end, pages that a server does not want to give, tokens that are no text: each ends soon, in an error that
// says why, or in smaller requests.

import { expect, onTestFinished, test } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import type { TimeRange } from '../../src/sync/model.ts';
import { createClient } from '../../src/twilio/client.ts';
import { BadAnswer } from '../../src/twilio/errors.ts';
import { createListing } from '../../src/twilio/listing.ts';
import { answer, serve } from './local-server.ts';

const signal = new AbortController().signal;
const nowMs = Date.UTC(2026, 5, 15, 10);
const all: TimeRange = { from: nowMs / 1000 - 20 * 86_400, to: nowMs / 1000 };

function open(baseUrl: string) {
  const client = createClient({
    baseUrl,
    auth: { username: `AC${'0'.repeat(32)}`, password: 'simulated-auth-token' },
    wait: async () => undefined,
  });
  onTestFinished(() => client.close());
  const news: Record<string, unknown>[] = [];
  const names = ['createdAtBefore' as const, 'createdBefore' as const];
  const listing = createListing({ client, filters: [], names, onNews: (_message, fields) => news.push(fields) });
  const listed = async () => {
    const ids: string[] = [];
    for await (const { items } of listing.list(all, null, signal)) ids.push(...items.map(({ id }) => id));
    return ids;
  };
  return { client, listing, listed, news, prove: () => listing.proveBounds(all.from, signal) };
}

async function simulate(switches: Partial<Switches> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ now: () => nowMs, switches });
  onTestFinished(() => simulator.close());
  fillSource(simulator.source, { conversations: 260, days: 20, untilMs: nowMs - 60_000 });
  return simulator;
}

test.each(['empty', 'repeated'] as const)('%s pages for ever, from the start or in mid-life', async (endless) => {
  const simulator = await simulate({ servedPageSize: 40 });
  const { prove, listed } = open(simulator.url);
  await prove();
  simulator.turn({ endless });
  simulator.requests.reset();
  await expect(listed()).rejects.toThrow(/20 pages in a row have nothing new, so the list would never end$/);
  expect(simulator.requests.byEndpoint.list).toBeLessThanOrEqual(22);

  simulator.requests.reset();
  const { prove: begin } = open(simulator.url);
  await expect(begin()).rejects.toThrow(/nothing new, so the list would never end$/);
  expect(simulator.requests.byEndpoint.list).toBeLessThan(100);
});

test('some empty pages between, or first, are nothing to speak of', async () => {
  const simulator = await simulate({ servedPageSize: 10, emptyPageEvery: 2 });
  const { prove, listed } = open(simulator.url);
  await prove();
  expect((await listed()).sort()).toEqual(simulator.source.ids().sort());

  const server = await serve((request, response) => {
    const at = Number(new URL(request.url ?? '', 'http://server').searchParams.get('pageToken') ?? 0);
    const items = at < 19 ? [] : [{ id: 'c', createdAt: '2026-06-01T00:00:00Z' }];
    answer(response, { items, meta: { nextToken: at < 19 ? String(at + 1) : null } });
  });
  expect(await open(server.url).listed()).toEqual(['c']);
});

test.each([1, 0, 900_719_925_474_099])('a token that is the number %i is sent back', async (token) => {
  const server = await serve((request, response) => {
    const given = new URL(request.url ?? '', 'http://server').searchParams.get('pageToken');
    const item = { id: given ?? 'first', createdAt: '2026-06-01T00:00:00Z' };
    answer(response, { items: [item], meta: { nextToken: given === null ? token : null } });
  });
  expect(await open(server.url).listed()).toEqual(['first', String(token)]);
});

test.each([true, 1.5, {}])('a token that is %j is an answer that cannot be used', async (token) => {
  const server = await serve((_request, response) => answer(response, { items: [], meta: { nextToken: token } }));
  const walk = open(server.url).client.pages([], { signal }).next();
  await expect(walk).rejects.toThrow(BadAnswer);
  await expect(walk).rejects.toThrow(/meta\.nextToken: expected string/);
});

test.each([
  [1000, 1000, 0],
  [100, 100, 3],
  [60, 50, 4],
])('a server that takes pages of %i is asked for %i, from then on', async (largestPageSize, pageSize, refused) => {
  const simulator = await simulate({ largestPageSize });
  const { prove, listed, news } = open(simulator.url);
  await prove();
  expect(news).toContainEqual({ name: 'createdAtBefore', upperBound: true, lowerBound: true });
  expect(simulator.requests.byStatus.get(400) ?? 0).toBe(refused);
  simulator.requests.reset();
  expect((await listed()).sort()).toEqual(simulator.source.ids().sort());
  const sizes = simulator.requests.listQueries().map((query) => query.get('pageSize'));
  expect(new Set(sizes)).toEqual(new Set([String(pageSize)]));
});

test('a size that is refused only later is given up too, at the second refusal', async () => {
  const simulator = await simulate();
  const { prove, listed } = open(simulator.url);
  await prove();
  simulator.turn({ largestPageSize: 100 });
  await expect(listed()).rejects.toThrow(/pageSize must be a whole number from 1 to 100/);
  expect((await listed()).sort()).toEqual(simulator.source.ids().sort());
});

test('what is refused whatever the size says why, and changes no size', async () => {
  const simulator = await simulate();
  const { prove, listed } = open(simulator.url);
  await prove();
  simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 400 }, times: 7 });
  await expect(listed()).rejects.toThrow(/status 400/);
  await expect(listed()).rejects.toThrow(/status 400/);
  simulator.requests.reset();
  await listed().catch(() => {});
  expect(simulator.requests.listQueries()[0]?.get('pageSize')).toBe('1000');
});
