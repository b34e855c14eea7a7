// Each fault as a client meets it, and the rules that say when. Raw requests: what breaks must break on the socket.

import { request } from 'undici';
import { describe, expect, test, vi } from 'vitest';
import { type Fault, type FaultRule, Faults } from '../../src/simulator/faults.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { basic, get, list, walk } from './requests.ts';

const untilMs = Date.parse('2026-06-01T00:00:00Z');

async function startSeeded(...faults: FaultRule[]): Promise<Simulator> {
  const simulator = await startSimulator({ now: () => untilMs, faults });
  fillSource(simulator.source, { conversations: 40, untilMs });
  return simulator;
}

async function statuses(simulator: Simulator, count: number, path = '/v3/Conversations'): Promise<number[]> {
  const seen: number[] = [];
  for (let sent = 0; sent < count; sent += 1) seen.push((await get(simulator, path)).status);
  return seen;
}

describe('faults', () => {
  test.each([429, 500, 502, 503, 504, 401, 404])('status %i, as the API words it', async (status) => {
    await using simulator = await startSeeded({ on: 'any', times: 1, fault: { kind: 'status', status } });
    const answer = await get(simulator, '/v3/Conversations');
    expect(answer).toMatchObject({ status, json: { status, code: expect.any(Number) } });
    expect(answer.headers).not.toHaveProperty('retry-after');
    expect(await statuses(simulator, 1)).toEqual([200]);
  });

  test.each(['3', 'Mon, 01 Jun 2026 00:00:09 GMT'])('429 with Retry-After %s', async (retryAfter) => {
    await using simulator = await startSeeded({ on: 'list', fault: { kind: 'status', status: 429, retryAfter } });
    const answer = await get(simulator, '/v3/Conversations');
    expect(answer).toMatchObject({ status: 429, json: { code: 20429 } });
    expect(answer.headers['retry-after']).toBe(retryAfter);
  });

  test.each<[string, Fault, string]>([
    ['a reset before the head', { kind: 'reset', at: 'head' }, 'no head'],
    ['a reset within the body', { kind: 'reset', at: 'body' }, 'no body'],
    ['a body shorter than its length', { kind: 'truncate', how: 'length' }, 'no body'],
    ['chunks without the last', { kind: 'truncate', how: 'chunked' }, 'no body'],
  ])('%s', async (_, fault, expected) => {
    await using simulator = await startSeeded({ on: 'list', fault });
    expect(await outcome(simulator)).toBe(expected);
    expect(await statuses(simulator, 1, `/v3/Conversations/${simulator.source.ids()[0]}`)).toEqual([200]);
  });

  test('JSON cut in its middle, whole by its length', async () => {
    await using simulator = await startSeeded({ on: 'list', fault: { kind: 'invalidJson' } });
    const { status, text, json, headers } = await get(simulator, '/v3/Conversations');
    expect({ status, json }).toEqual({ status: 200, json: undefined });
    expect(headers['content-type']).toBe('application/json');
    expect(text.startsWith('{"items":[{')).toBe(true);
  });

  test('HTML with 200', async () => {
    await using simulator = await startSeeded({ on: 'list', fault: { kind: 'html' } });
    const { status, text, headers } = await get(simulator, '/v3/Conversations');
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html' });
    expect(text).toContain('<html>');
  });

  test.each([
    ['client', 'head'],
    ['client', 'body'],
    ['server', 'head'],
    ['server', 'body'],
  ] as const)('silence until the %s ends it, from the %s on', async (endedBy, at) => {
    await using simulator = await startSeeded({ on: 'list', fault: { kind: 'silence', at } });
    const controller = new AbortController();
    const end = async () => (endedBy === 'client' ? controller.abort() : simulator.close());
    const options = { headers: { authorization: basic(simulator) }, signal: controller.signal };
    const head = request(`${simulator.url}/v3/Conversations`, options);
    const missing = at === 'head' ? head : (await head).body.text();
    const refused = expect(missing).rejects.toThrow();
    await vi.waitUntil(() => simulator.requests.inFlight === 1, { interval: 1, timeout: 60_000 });
    await end();
    await refused;
  });

  test('an expired token, whatever the switches say', async () => {
    await using simulator = await startSeeded({ on: 'nextPage', nth: 2, fault: { kind: 'expireToken' } });
    await expect(walk(simulator, { pageSize: '10' })).rejects.toThrow('400');
    expect(simulator.requests.byEndpoint.list).toBe(3);
    expect(await walk(simulator, { pageSize: '10' })).toHaveLength(40);
  });

  test('a body of 100 MB that is right otherwise', async () => {
    await using simulator = await startSeeded({ on: 'any', fault: { kind: 'huge', bytes: 100_000_000 } });
    const { statusCode, headers, body } = await request(`${simulator.url}/v3/Conversations?pageSize=1`, {
      headers: { authorization: basic(simulator) },
    });
    let bytes = 0;
    let tail = '';
    for await (const chunk of body) {
      bytes += chunk.length;
      tail = (tail + String(chunk)).slice(-2000);
    }
    expect(statusCode).toBe(200);
    expect(bytes).toBe(Number(headers['content-length']));
    expect(bytes).toBeGreaterThan(100_000_000);
    expect(tail).toContain(`"items":[{"id":"${simulator.source.ids().at(-1)}"`);
  });

  test('a smaller huge body is JSON', async () => {
    await using simulator = await startSeeded({ on: 'detail', fault: { kind: 'huge', bytes: 70_000 } });
    const id = simulator.source.ids()[0] ?? '';
    const { json } = await get(simulator, `/v3/Conversations/${id}`);
    expect(json).toEqual({ ...simulator.source.get(id), filler: 'x'.repeat(70_000) });
  });

  test('an answer without its date, and one that is late', async () => {
    await using simulator = await startSeeded(
      { on: 'any', nth: 1, fault: { kind: 'noDate' } },
      { on: 'any', nth: 2, fault: { kind: 'delay', ms: 5 } },
    );
    expect((await get(simulator, '/v3/Conversations')).headers).not.toHaveProperty('date');
    expect((await get(simulator, '/v3/Conversations')).headers).toHaveProperty('date');
  });
});

describe('rules', () => {
  const bad: Fault = { kind: 'status', status: 503 };

  test('the nth, every nth, at most so often', async () => {
    await using simulator = await startSeeded({ on: 'list', nth: 2, fault: bad });
    expect(await statuses(simulator, 4)).toEqual([200, 503, 200, 200]);
    simulator.faults.clear();
    const rule = simulator.faults.add({ on: 'list', every: 2, times: 2, fault: bad });
    expect(await statuses(simulator, 6)).toEqual([200, 503, 200, 503, 200, 200]);
    expect(rule.struck).toBe(2);
    rule.remove();
    expect(simulator.faults.struck).toBe(0);
  });

  test('one detail always fails, the others never', async () => {
    await using simulator = await startSeeded();
    const [id = '', other = ''] = simulator.source.ids();
    simulator.faults.add({ on: 'detail', id, fault: bad });
    expect(await statuses(simulator, 2, `/v3/Conversations/${id}`)).toEqual([503, 503]);
    expect(await statuses(simulator, 2, `/v3/Conversations/${other}`)).toEqual([200, 200]);
    expect(await statuses(simulator, 1)).toEqual([200]);
  });

  test('first pages, later pages', async () => {
    await using simulator = await startSeeded({ on: 'nextPage', fault: bad });
    await expect(walk(simulator, { pageSize: '10' })).rejects.toThrow('503');
    expect(simulator.requests.byEndpoint.list).toBe(2);
    simulator.faults.clear();
    simulator.faults.add({ on: 'firstPage', fault: bad });
    await expect(list(simulator)).rejects.toThrow('503');
  });

  test('wide windows answer 5xx', async () => {
    await using simulator = await startSeeded({ on: 'list', widerThanSeconds: 3600, fault: bad });
    const status = async (after: string) => {
      const parameters = new URLSearchParams({ createdAtAfter: after, createdAtBefore: '2026-05-20T10:00:00Z' });
      return (await get(simulator, `/v3/Conversations?${parameters}`)).status;
    };
    expect(await status('2026-05-20T09:00:00Z')).toBe(200);
    expect(await status('2026-05-20T08:59:59Z')).toBe(503);
    expect(await statuses(simulator, 1)).toEqual([503]);
  });

  test('windows that meet a stretch answer 5xx', async () => {
    const at = (hours: number) => Date.parse('2026-05-20T00:00:00Z') + hours * 3_600_000;
    await using simulator = await startSeeded({ on: 'list', meeting: { fromMs: at(8), toMs: at(9) }, fault: bad });
    const status = async (query: string) => (await get(simulator, `/v3/Conversations?${query}`)).status;
    expect(await status('createdAtAfter=2026-05-20T09:00:00Z&createdAtBefore=2026-05-20T10:00:00Z')).toBe(200);
    expect(await status('createdAtAfter=2026-05-20T08:59:59Z&createdAtBefore=2026-05-20T10:00:00Z')).toBe(503);
    expect(await status('createdAtBefore=2026-05-20T08:00:00Z')).toBe(200);
    expect(await status('createdAtAfter=2026-05-20T08:00:00Z')).toBe(503);
  });

  test('for some time after the first', () => {
    const faults = new Faults({ rules: [{ on: 'any', forMs: 1000, fault: { kind: 'status', status: 401 } }] });
    const at = (ms: number) => faults.strike({ endpoint: 'list', id: undefined, query: '' }, ms) !== undefined;
    expect([at(5000), at(5999), at(6000), at(7000)]).toEqual([true, true, false, false]);
  });

  test('at a rate, by its seed', () => {
    const struck = (seed: number) => {
      const faults = new Faults({ seed, rules: [{ on: 'detail', rate: 0.25, fault: bad }] });
      const target = { endpoint: 'detail', id: 'a', query: '' } as const;
      return Array.from({ length: 400 }, () => faults.strike(target, 0) !== undefined);
    };
    expect(struck(3)).toEqual(struck(3));
    expect(struck(3)).not.toEqual(struck(4));
    expect(struck(3).filter(Boolean).length).toBeGreaterThan(60);
    expect(struck(3).filter(Boolean).length).toBeLessThan(140);
  });
});

/** How far a list request comes: to the head, to the end of the body, or to neither. */
async function outcome(simulator: Simulator): Promise<'no head' | 'no body' | 'whole'> {
  const options = { headers: { authorization: basic(simulator) } };
  const response = await request(`${simulator.url}/v3/Conversations`, options).catch(() => undefined);
  if (response === undefined) return 'no head';
  return response.body.text().then(
    () => 'whole' as const,
    () => 'no body' as const,
  );
}
