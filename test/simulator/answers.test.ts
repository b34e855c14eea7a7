// What answers show, when they show it, and how many the account may have: each switch by itself.

import { request } from 'undici';
import { describe, expect, test, vi } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { basic, get, list } from './requests.ts';

const untilMs = Date.parse('2026-06-01T00:00:00Z');

async function startSeeded(switches: Partial<Switches> = {}, now = () => untilMs): Promise<Simulator> {
  const simulator = await startSimulator({ now, switches });
  fillSource(simulator.source, { conversations: 30, untilMs });
  return simulator;
}

async function detail(simulator: Simulator, id: string): Promise<WireConversationDetail> {
  return (await get(simulator, `/v3/Conversations/${encodeURIComponent(id)}`)).json as WireConversationDetail;
}

async function detailStatus(simulator: Simulator, id: string): Promise<number> {
  return (await get(simulator, `/v3/Conversations/${id}`)).status;
}

async function texts(simulator: Simulator, id: string): Promise<unknown[]> {
  return ((await detail(simulator, id)).communications ?? []).map(({ content }) => content?.text);
}

describe('credentials', () => {
  test('none and wrong ones are refused, both right pairs let in', async () => {
    await using simulator = await startSeeded();
    const { apiKey, apiSecret, authToken } = simulator.credentials;
    const withPair = (pair: string) =>
      get(simulator, '/v3/Conversations', `Basic ${Buffer.from(pair).toString('base64')}`);
    const refused = await get(simulator, '/v3/Conversations', '');
    expect(refused).toMatchObject({ status: 401, json: { code: 20003, status: 401 } });
    expect(refused.headers['www-authenticate']).toContain('Basic');
    expect((await withPair(`${apiKey}:${authToken}`)).status).toBe(401);
    expect((await withPair(`${apiKey}:${apiSecret}`)).status).toBe(200);
  });

  test('a path that is none and a method that is not GET are refused', async () => {
    await using simulator = await startSeeded();
    expect((await get(simulator, '/v3/Elsewhere')).json).toMatchObject({ code: 20404, status: 404 });
    expect(await detailStatus(simulator, '%E0%A4%A')).toBe(404);
    const posted = await request(`${simulator.url}/v3/Conversations`, {
      method: 'POST',
      headers: { authorization: basic(simulator) },
    });
    expect(posted.statusCode).toBe(405);
    await posted.body.dump();
  });
});

describe('what is shown', () => {
  test('timestamps have as many digits as switched', async () => {
    await using simulator = await startSimulator();
    const { id } = simulator.source.create({
      createdAt: '2026-05-01T10:00:00.123456789Z',
      updatedAt: '2026-05-01T10:00:00Z',
    });
    simulator.source.say(id, 'It happened at 2026-05-01T10:00:00.123456789Z', { silent: true });
    for (const [digits, expected] of [
      ['held', ['2026-05-01T10:00:00.123456789Z', '2026-05-01T10:00:00Z']],
      [0, ['2026-05-01T10:00:00Z', '2026-05-01T10:00:00Z']],
      [3, ['2026-05-01T10:00:00.123Z', '2026-05-01T10:00:00.000Z']],
    ] as const) {
      simulator.turn({ fractionDigits: digits });
      const [item] = (await list(simulator)).items;
      const whole = await detail(simulator, id);
      expect([item?.createdAt, item?.updatedAt]).toEqual(expected);
      expect([whole.createdAt, whole.updatedAt]).toEqual(expected);
      expect(whole.communications?.[0]?.content?.text).toContain('.123456789Z');
    }
  });

  test('keys and arrays of an item come in another order each time, of a detail only where switched', async () => {
    await using simulator = await startSeeded({ unstableOrder: 'items' });
    const id = simulator.source.ids()[0] ?? '';
    const [one, two] = [await list(simulator), await list(simulator)];
    const text = async () => (await get(simulator, `/v3/Conversations/${id}`)).text;
    expect(JSON.stringify(one.items)).not.toBe(JSON.stringify(two.items));
    expect(one.items.map(sortedValue)).toEqual(two.items.map(sortedValue));
    expect(await text()).toBe(await text());
    simulator.turn({ unstableOrder: 'itemsAndDetails' });
    expect(await text()).not.toBe(await text());
    const { participants, communications, operatorResultIds } = await detail(simulator, id);
    expect(simulator.source.get(id)).toMatchObject({ participants, communications, operatorResultIds });
  });

  test('an item may have fewer results than its detail, or none', async () => {
    await using simulator = await startSimulator({ switches: { listedResults: 'fewer' } });
    const { id } = simulator.source.create({ operatorResultIds: ['a', 'b'] });
    expect((await list(simulator)).items[0]?.operatorResultIds).toEqual(['a']);
    simulator.turn({ listedResults: 'none' });
    expect((await list(simulator)).items[0]?.operatorResultIds).toEqual([]);
    expect((await detail(simulator, id)).operatorResultIds).toEqual(['a', 'b']);
  });

  test('fields may be missing or null, the account another', async () => {
    await using simulator = await startSeeded({
      itemsWithout: ['participants'],
      detailsWithout: ['channels'],
      nullFields: ['name'],
      servedAccountId: 'AC1',
    });
    const [item] = (await list(simulator)).items;
    const whole = await detail(simulator, item?.id ?? '');
    expect(item).not.toHaveProperty('participants');
    expect(item).toMatchObject({ name: null, accountId: 'AC1', channels: expect.any(Array) });
    expect(whole).not.toHaveProperty('channels');
    expect(whole).toMatchObject({ name: null, accountId: 'AC1', participants: expect.any(Array) });
  });

  test('the list may show half, or nothing', async () => {
    await using simulator = await startSeeded({ lists: 'half' });
    const half = (await list(simulator)).items;
    expect(half.length).toBeGreaterThan(5);
    expect(half.length).toBeLessThan(25);
    expect((await list(simulator)).items).toEqual(half);
    simulator.turn({ lists: 'nothing' });
    expect(await list(simulator)).toEqual({ items: [], meta: { key: 'items', pageSize: 50 } });
  });
});

describe('lags', () => {
  test('a new conversation is listed late, and its detail there at once', async () => {
    let nowMs = untilMs;
    await using simulator = await startSimulator({ now: () => nowMs, switches: { listLagMs: 60_000 } });
    const { id } = simulator.source.create();
    nowMs += 59_999;
    expect((await list(simulator)).items).toEqual([]);
    expect(await detailStatus(simulator, id)).toBe(200);
    nowMs += 1;
    expect((await list(simulator)).items).toHaveLength(1);
  });

  test('a detail is older than its item for some time', async () => {
    let nowMs = untilMs;
    await using simulator = await startSimulator({ now: () => nowMs });
    const { id } = simulator.source.create();
    for (const text of ['one', 'two', 'three']) {
      nowMs += 1000;
      simulator.source.say(id, text);
    }
    simulator.turn({ detailLagMs: 2000 });
    expect(await texts(simulator, id)).toEqual(['one']);
    expect((await list(simulator)).items[0]?.updatedAt).toBe(simulator.source.get(id).updatedAt);
    nowMs += 1000;
    expect(await texts(simulator, id)).toEqual(['one', 'two']);
    nowMs += 1000;
    expect(await texts(simulator, id)).toEqual(['one', 'two', 'three']);
  });

  test('a detail is older than its item for some fetches', async () => {
    await using simulator = await startSimulator({ switches: { detailLagFetches: 2 } });
    const { id } = simulator.source.create();
    simulator.source.say(id, 'one');
    const seen = [await texts(simulator, id), await texts(simulator, id), await texts(simulator, id)];
    expect(seen).toEqual([[], [], ['one']]);
  });

  test('a new detail may be missing at first', async () => {
    let nowMs = untilMs;
    await using simulator = await startSimulator({
      now: () => nowMs,
      switches: { detailLagMs: 1000, newDetail: 'missing' },
    });
    const { id } = simulator.source.create();
    expect(await detailStatus(simulator, id)).toBe(404);
    nowMs += 1000;
    expect(await detailStatus(simulator, id)).toBe(200);
    simulator.turn({ detailLagMs: 0, detailLagFetches: 1 });
    const other = simulator.source.create().id;
    expect([await detailStatus(simulator, other), await detailStatus(simulator, other)]).toEqual([404, 200]);
  });
});

describe('the account', () => {
  test('has a clock of its own', async () => {
    await using simulator = await startSeeded({ dateOffsetMs: -300_000 });
    const { headers } = await get(simulator, '/v3/Conversations');
    expect(headers['date']).toBe('Sun, 31 May 2026 23:55:00 GMT');
  });

  test('has so many requests at once; the next gets 429, with Retry-After or without', async () => {
    await using simulator = await startSeeded({ maxConcurrency: 3 });
    simulator.faults.add({ on: 'list', times: 3, fault: { kind: 'silence', at: 'head' } });
    const controller = new AbortController();
    const options = { headers: { authorization: basic(simulator) }, signal: controller.signal };
    const waiting = [1, 2, 3].map(() => request(`${simulator.url}/v3/Conversations`, options));
    const abandoned = Promise.allSettled(waiting);
    await vi.waitUntil(() => simulator.requests.inFlight === 3, { interval: 1, timeout: 60_000 });
    const refused = await get(simulator, '/v3/Conversations');
    expect(refused).toMatchObject({ status: 429, json: { code: 20429, status: 429 } });
    expect(refused.headers).not.toHaveProperty('retry-after');
    controller.abort();
    await abandoned;
    await vi.waitUntil(() => simulator.requests.inFlight === 0, { interval: 1, timeout: 60_000 });
    expect((await get(simulator, '/v3/Conversations')).status).toBe(200);
    expect(simulator.requests.maxInFlight).toBe(4);
  });

  test('may answer late', async () => {
    await using simulator = await startSeeded({ latencyMs: 3 });
    expect((await get(simulator, '/v3/Conversations')).status).toBe(200);
  });

  test('has so many requests in any second', async () => {
    let nowMs = untilMs;
    await using simulator = await startSeeded(
      { maxPerSecond: 2, retryAfter: 'seconds', retryAfterSeconds: 7 },
      () => nowMs,
    );
    const next = () => get(simulator, '/v3/Conversations');
    const first = (await next()).status;
    nowMs += 600;
    const statuses = [first, (await next()).status, (await next()).status];
    nowMs += 400;
    statuses.push((await next()).status);
    const refused = await next();
    expect([...statuses, refused.status]).toEqual([200, 200, 429, 200, 429]);
    expect(refused.headers['retry-after']).toBe('7');
    simulator.turn({ retryAfter: 'date' });
    expect((await next()).headers['retry-after']).toBe('Mon, 01 Jun 2026 00:00:08 GMT');
  });

  test('its requests are counted and kept', async () => {
    await using simulator = await startSeeded();
    const id = simulator.source.ids()[0] ?? '';
    await list(simulator, { status: 'CLOSED' });
    await detail(simulator, id);
    await detailStatus(simulator, 'none');
    const { requests } = simulator;
    expect(requests.byEndpoint).toMatchObject({ list: 1, detail: 2 });
    expect(requests).toMatchObject({ total: 3, maxInFlight: 1 });
    expect([requests.count(200), requests.count(404)]).toEqual([2, 1]);
    expect(requests.detailIds()).toEqual([id, 'none']);
    expect(requests.listQueries().map((query) => query.get('status'))).toEqual(['CLOSED']);
    requests.reset();
    expect(requests).toMatchObject({ total: 0, records: [] });
  });
});

/** The same value with its keys and arrays in one order. */
function sortedValue(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map(sortedValue).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortedValue(inner)]),
  );
}
