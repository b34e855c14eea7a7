// Order, pages and tokens, each switch by itself: a walk gives every conversation exactly once, unless a switch says
// that it must not.

import { describe, expect, test } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import { get, list, walk } from './requests.ts';

const untilMs = Date.parse('2026-06-01T00:00:00Z');

async function startSeeded(switches: Partial<Switches> = {}, now = () => untilMs): Promise<Simulator> {
  const simulator = await startSimulator({ now, switches });
  fillSource(simulator.source, { conversations: 90, untilMs, crowd: 20 });
  return simulator;
}

async function walkedIds(simulator: Simulator, parameters: Record<string, string> = {}): Promise<string[]> {
  return (await walk(simulator, { pageSize: '7', ...parameters })).map(({ id }) => id);
}

describe('order', () => {
  test.each(['keyset', 'offset'] as const)('newest first or oldest first, by %s', async (paging) => {
    await using simulator = await startSeeded({ paging });
    const ids = simulator.source.ids();
    expect(await walkedIds(simulator)).toEqual([...ids].reverse());
    simulator.turn({ order: 'oldestFirst' });
    expect(await walkedIds(simulator)).toEqual(ids);
  });

  test.each(['keyset', 'offset'] as const)(
    'none: another one each time, every conversation once, by %s',
    async (paging) => {
      await using simulator = await startSeeded({ paging, order: 'none' });
      const once = await walkedIds(simulator);
      const twice = await walkedIds(simulator);
      expect(once).not.toEqual(twice);
      expect([...once].sort()).toEqual(simulator.source.ids().sort());
      expect([...twice].sort()).toEqual(simulator.source.ids().sort());
    },
  );
});

describe('pages', () => {
  test('are served shorter than asked, and say so by their token', async () => {
    await using simulator = await startSeeded({ servedPageSize: 3 });
    const page = await list(simulator, { pageSize: '50' });
    expect(page.items).toHaveLength(3);
    expect(page.meta).toMatchObject({ key: 'items', pageSize: 50, nextToken: expect.any(String) });
    expect(await walkedIds(simulator)).toEqual(simulator.source.ids().reverse());
  });

  test.each(['keyset', 'offset'] as const)('end after so many items, silently, by %s', async (paging) => {
    await using simulator = await startSeeded({ paging, listCap: 33, servedPageSize: 10 });
    expect(await walkedIds(simulator)).toEqual(simulator.source.ids().reverse().slice(0, 33));
    expect((await list(simulator, { pageSize: '33' })).items).toHaveLength(10);
    simulator.turn({ servedPageSize: null });
    const page = await list(simulator, { pageSize: '50' });
    expect(page.items).toHaveLength(33);
    expect(page.meta).not.toHaveProperty('nextToken');
  });

  test.each(['empty', 'repeated'] as const)('%s for ever, each with a new token', async (endless) => {
    await using simulator = await startSeeded({ endless, servedPageSize: 3 });
    const tokens = new Set<string>();
    const first = await list(simulator);
    for (let page = first; tokens.size < 10; page = await list(simulator, { pageToken: page.meta.nextToken ?? '' })) {
      expect(page.items).toEqual(endless === 'empty' ? [] : first.items);
      tokens.add(page.meta.nextToken ?? '');
    }
    expect(tokens).not.toContain('');
  });

  test('no larger than the server takes', async () => {
    await using simulator = await startSeeded({ largestPageSize: 60 });
    expect((await list(simulator, { pageSize: '60' })).items).toHaveLength(60);
    const refused = await get(simulator, '/v3/Conversations?pageSize=61');
    expect(refused).toMatchObject({ status: 400, json: { message: expect.stringContaining('from 1 to 60') } });
  });

  test.each(['keyset', 'offset'] as const)('may be empty and go on, by %s', async (paging) => {
    await using simulator = await startSeeded({ paging, emptyPageEvery: 3 });
    expect(await walkedIds(simulator)).toEqual(simulator.source.ids().reverse());
  });

  test.each([
    ['absent', undefined],
    ['null', null],
    ['empty', ''],
  ] as const)('the last token is %s', async (lastToken, expected) => {
    await using simulator = await startSeeded({ lastToken });
    const { meta } = await list(simulator, { pageSize: '1000' });
    expect('nextToken' in meta).toBe(lastToken !== 'absent');
    expect(meta.nextToken).toBe(expected);
  });

  test('a full last page may lead to an empty one', async () => {
    await using simulator = await startSeeded({ tokenAfterLast: true });
    const { meta } = await list(simulator, { pageSize: '90' });
    const last = await list(simulator, { pageSize: '90', pageToken: meta.nextToken ?? '' });
    expect(last).toEqual({ items: [], meta: { key: 'items', pageSize: 90 } });
  });

  test('by key nothing is repeated or left out when rows come and go; by offset it is', async () => {
    for (const paging of ['keyset', 'offset'] as const) {
      await using simulator = await startSeeded({ paging });
      const ids = simulator.source.ids().reverse();
      const first = await list(simulator, { pageSize: '10' });
      simulator.source.create();
      const second = await list(simulator, { pageSize: '10', pageToken: first.meta.nextToken ?? '' });
      const from = paging === 'keyset' ? 10 : 9;
      expect(second.items.map(({ id }) => id)).toEqual(ids.slice(from, from + 10));
    }
  });

  test('by key a walk goes on although the row it stands on is gone', async () => {
    for (const order of ['newestFirst', 'oldestFirst', 'none'] as const) {
      await using simulator = await startSeeded({ order });
      const first = await list(simulator, { pageSize: '10' });
      simulator.source.remove(first.items.at(-1)?.id ?? '');
      const rest: string[] = [];
      for (let pageToken = first.meta.nextToken ?? ''; pageToken !== ''; ) {
        const page = await list(simulator, { pageSize: '10', pageToken });
        rest.push(...page.items.map(({ id }) => id));
        pageToken = page.meta.nextToken ?? '';
      }
      const kept = first.items.slice(0, -1).map(({ id }) => id);
      expect([...kept, ...rest].sort()).toEqual(simulator.source.ids().sort());
    }
  });
});

describe('tokens', () => {
  async function statusOfToken(simulator: Simulator, pageToken: string, more = ''): Promise<number> {
    const query = `pageSize=10&pageToken=${encodeURIComponent(pageToken)}${more}`;
    return (await get(simulator, `/v3/Conversations?${query}`)).status;
  }

  async function firstToken(simulator: Simulator): Promise<string> {
    return (await list(simulator, { pageSize: '10' })).meta.nextToken ?? '';
  }

  test('are bound to the filters they came with, in whatever order', async () => {
    await using simulator = await startSeeded();
    const parameters = 'channels=VOICE&channels=SMS&pageSize=1';
    const page = await get(simulator, `/v3/Conversations?${parameters}`);
    const token = (page.json as { meta: { nextToken: string } }).meta.nextToken;
    expect(await statusOfToken(simulator, token, '&channels=SMS&channels=VOICE')).toBe(200);
    expect(await statusOfToken(simulator, token, '&channels=SMS')).toBe(400);
    expect(await statusOfToken(simulator, token)).toBe(400);
  });

  test('may be bound to the page size', async () => {
    await using simulator = await startSeeded({ tokenBindsPageSize: true });
    const { meta } = await list(simulator, { pageSize: '11' });
    expect(await statusOfToken(simulator, meta.nextToken ?? '')).toBe(400);
    expect(await statusOfToken(simulator, await firstToken(simulator))).toBe(200);
  });

  test('expire after so many uses', async () => {
    await using simulator = await startSeeded({ tokenUses: 2, tokenExpiredStatus: 410 });
    const token = await firstToken(simulator);
    const statuses = [];
    for (let use = 0; use < 3; use += 1) statuses.push(await statusOfToken(simulator, token));
    expect(statuses).toEqual([200, 200, 410]);
  });

  test('expire after some time', async () => {
    let nowMs = untilMs;
    await using simulator = await startSeeded({ tokenLifetimeMs: 1000 }, () => nowMs);
    const token = await firstToken(simulator);
    nowMs += 1000;
    expect(await statusOfToken(simulator, token)).toBe(200);
    nowMs += 1;
    expect(await statusOfToken(simulator, token)).toBe(400);
  });

  test('expire after so many further list requests', async () => {
    await using simulator = await startSeeded({ tokenLifetimeRequests: 2 });
    const token = await firstToken(simulator);
    await list(simulator);
    expect(await statusOfToken(simulator, token)).toBe(200);
    expect(await statusOfToken(simulator, token)).toBe(400);
  });
});
