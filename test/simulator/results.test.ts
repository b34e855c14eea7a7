// Operator results as the simulator has them: which there are, in what order and in which forms they are listed, what
// its switches change, and that a large account costs little.

import { describe, expect, test } from 'vitest';
import { parseLossless } from '../../src/lib/lossless-json.ts';
import { createRandom } from '../../src/lib/random.ts';
import { drawTimedId, timeOfId } from '../../src/simulator/ids.ts';
import type { WireOperatorResult } from '../../src/simulator/results.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Switches } from '../../src/simulator/switches.ts';

const untilMs = Date.parse('2026-06-01T00:00:00Z');
const minute = 60_000;

interface ResultsPage {
  items: WireOperatorResult[];
  meta: { nextToken?: string };
}

async function start(switches: Partial<Switches> = {}, { conversations = 100, wild = false } = {}): Promise<Simulator> {
  const simulator = await startSimulator({ now: () => untilMs, switches });
  fillSource(simulator.source, { conversations, untilMs, days: 20, wild });
  return simulator;
}

async function ask(simulator: Simulator, path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const { accountSid, authToken } = simulator.credentials;
  const authorization = `Basic ${btoa(`${accountSid}:${authToken}`)}`;
  const answer = await fetch(`${simulator.url}/v3${path}`, { method, headers: { authorization } });
  return { status: answer.status, body: await answer.text() };
}

async function page(simulator: Simulator, query = ''): Promise<ResultsPage> {
  const { status, body } = await ask(simulator, `/OperatorResults?${query}`);
  expect({ query, status }).toEqual({ query, status: 200 });
  return parseLossless(body) as unknown as ResultsPage;
}

/** Every result of a walk; `each` runs between its pages. */
async function walk(simulator: Simulator, query = 'pageSize=30', each = () => {}): Promise<WireOperatorResult[]> {
  const all: WireOperatorResult[] = [];
  for (let token: string | undefined = ''; token !== undefined; ) {
    const { items, meta } = await page(simulator, token === '' ? query : `${query}&pageToken=${token}`);
    all.push(...items);
    token = meta.nextToken;
    each();
  }
  return all;
}

const text = (value: unknown) => JSON.stringify(value);
const idsOf = (results: readonly WireOperatorResult[]) => results.map(({ id }) => id);
const sorted = (results: readonly WireOperatorResult[]) => results.map(text).sort();
const newestFirst = (simulator: Simulator) => simulator.source.results().reverse();

describe('seeded results', () => {
  test('have ids that tell when they were made, after their conversation, before the seed ends', async () => {
    await using simulator = await start();
    const results = simulator.source.results();
    expect(results.length).toBeGreaterThan(100);
    for (const { id, conversationId, dateCreated } of results) {
      expect(id).toMatch(/^intelligence_operatorresult_[0-7][0-9a-z]{25}$/);
      expect(timeOfId(id)).toBe(Date.parse(dateCreated));
      const { createdAt, operatorResultIds } = simulator.source.get(conversationId);
      expect(dateCreated > createdAt).toBe(true);
      expect(Date.parse(dateCreated)).toBeLessThan(untilMs);
      expect(operatorResultIds).toContain(id);
    }
  });

  test.each([0, 1, 3])('are listed whole in pages of any size, newest first (%i)', async (size) => {
    await using simulator = await start();
    const listed = await walk(simulator, size === 0 ? '' : `pageSize=${[1000, 37, 7, 1][size]}`);
    expect(listed.map(text)).toEqual(newestFirst(simulator).map(text));
  });

  test('come in every odd form where they are wild, digit by digit, the same in the list and alone', async () => {
    await using simulator = await start({}, { conversations: 900, wild: true });
    const held = newestFirst(simulator);
    const listed = await walk(simulator, 'pageSize=500');
    // Reading spells numbers in one way.
    expect(listed.map(text)).toEqual(held.map((result) => text(parseLossless(text(result)))));
    for (const result of held.slice(0, 40)) {
      expect((await ask(simulator, `/OperatorResults/${encodeURIComponent(result.id)}`)).body).toBe(text(result));
    }
    const some = (what: string, is: (result: WireOperatorResult) => boolean) =>
      expect([what, held.some(is)]).toEqual([what, true]);
    for (const format of ['TEXT', 'CLASSIFICATION', 'JSON', 'EXTRACTION', 'AUDIO', null]) {
      some(`format ${format}`, ({ outputFormat }) => outputFormat === format);
    }
    for (const field of ['operator', 'intelligenceConfiguration', 'executionDetails', 'metadata', 'result']) {
      some(`null ${field}`, (result) => result[field] === null);
      some(`absent ${field}`, (result) => !(field in result));
    }
    some('a bare string', ({ result }) => typeof result === 'string');
    some('a refusal beside', (result) => 'refusal' in result);
    some('a refusal within', ({ result }) => text(result)?.includes('"refusal"') ?? false);
    some('many digits', (result) => text(result).includes('90071992547409931.10'));
    some('U+0000', (result) => text(result).includes('\\u0000'));
    some('a lone surrogate', (result) => text(result).includes('\\ud83d'));
    some('a long text', (result) => text(result).length > 100_000);
    some('an older id', ({ id }) => timeOfId(id) === undefined);
  });
});

describe('the order', () => {
  test('is oldest first', async () => {
    await using simulator = await start({ resultOrder: 'oldestFirst' });
    expect((await walk(simulator)).map(text)).toEqual(simulator.source.results().map(text));
  });

  test('is nearly newest first: wrong within minutes, never by more', async () => {
    await using simulator = await start(
      { resultOrder: 'nearlyNewestFirst', resultDisorderMs: 5 * minute },
      { conversations: 2000 },
    );
    const listed = await walk(simulator, 'pageSize=1000');
    expect(sorted(listed)).toEqual(sorted(simulator.source.results()));
    let oldest = Number.POSITIVE_INFINITY;
    let most = 0;
    for (const { dateCreated } of listed) {
      const ms = Date.parse(dateCreated);
      most = Math.max(most, ms - oldest);
      oldest = Math.min(oldest, ms);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(5 * minute);
  });

  test.each(['keyset', 'offset'] as const)('is none, and each result comes once (%s)', async (paging) => {
    await using simulator = await start({ resultOrder: 'none', paging });
    const [first, second] = [await walk(simulator), await walk(simulator)];
    expect(sorted(first)).toEqual(sorted(simulator.source.results()));
    expect(sorted(second)).toEqual(sorted(first));
    expect(idsOf(second)).not.toEqual(idsOf(first));
  });

  test.each(['newestFirst', 'nearlyNewestFirst', 'oldestFirst', 'none'] as const)(
    'shows what is there throughout exactly once, whatever comes and goes between pages (%s)',
    async (resultOrder) => {
      await using simulator = await start({ resultOrder });
      const { source } = simulator;
      const conversations = source.ids();
      const stays = idsOf(source.results()).filter((_, at) => at % 3 > 0);
      const goes = idsOf(source.results()).filter((_, at) => at % 3 === 0);
      let turn = 0;
      const listed = await walk(simulator, 'pageSize=10', () => {
        turn += 1;
        source.removeResult(goes.pop() ?? '');
        source.addResult(conversations[turn] ?? '', {
          resultId: drawTimedId('intelligence_operatorresult', untilMs - turn * minute, createRandom(turn)),
        });
      });
      const count = Map.groupBy(idsOf(listed), (id) => id);
      for (const id of stays) expect(count.get(id)).toHaveLength(1);
    },
  );
});

describe('filters', () => {
  test('pick a conversation, an operator, a configuration', async () => {
    await using simulator = await start();
    const all = newestFirst(simulator);
    const { conversationId, operator, intelligenceConfiguration } = all[40] as WireOperatorResult & {
      operator: { id: string };
      intelligenceConfiguration: { id: string };
    };
    const filters = {
      conversationId: (result: WireOperatorResult) => result.conversationId === conversationId,
      operatorId: (result: WireOperatorResult) => (result['operator'] as typeof operator).id === operator.id,
      intelligenceConfigurationId: (result: WireOperatorResult) =>
        (result['intelligenceConfiguration'] as typeof operator).id === intelligenceConfiguration.id,
    };
    const values = {
      conversationId,
      operatorId: operator.id,
      intelligenceConfigurationId: intelligenceConfiguration.id,
    };
    for (const [name, is] of Object.entries(filters)) {
      const query = `${name}=${values[name as keyof typeof values]}&pageSize=9`;
      const expected = all.filter(is);
      expect(expected.length).toBeLessThan(all.length);
      expect((await walk(simulator, query)).map(text)).toEqual(expected.map(text));
      simulator.turn({ ignoredResultFilters: [name as keyof typeof values] });
      expect(idsOf((await page(simulator, query)).items)).toEqual(idsOf(all.slice(0, 9)));
      simulator.turn({ ignoredResultFilters: [] });
    }
    expect((await page(simulator, 'conversationId=none')).items).toEqual([]);
  });

  test('are needed, or more is forbidden, where the switches say so', async () => {
    await using simulator = await start({ resultsOfAll: 'refused' });
    const { id, conversationId } = simulator.source.results()[0] as WireOperatorResult;
    expect((await ask(simulator, '/OperatorResults')).status).toBe(400);
    expect((await page(simulator, `conversationId=${conversationId}`)).items.length).toBeGreaterThan(0);
    const paths = [
      '/OperatorResults',
      `/OperatorResults/${id}`,
      '/ControlPlane/Operators',
      '/ControlPlane/Configurations',
      '/Conversations',
    ];
    const statuses = async () =>
      (await Promise.all(paths.map((path) => ask(simulator, path)))).map(({ status }) => status);
    simulator.turn({ resultsOfAll: 'listed', forbidden: ['results'] });
    expect(await statuses()).toEqual([403, 403, 200, 200, 200]);
    simulator.turn({ forbidden: ['names'] });
    expect(await statuses()).toEqual([200, 200, 403, 403, 200]);
  });
});

describe('tokens, caps and empty pages are those of every list', () => {
  test('tokens expire', async () => {
    await using simulator = await start({ tokenLifetimeRequests: 1 });
    const token = (await page(simulator, 'pageSize=10')).meta.nextToken;
    await page(simulator, 'pageSize=10');
    expect((await ask(simulator, `/OperatorResults?pageSize=10&pageToken=${token}`)).status).toBe(400);
    simulator.turn({ tokenLifetimeRequests: null });
    const other = await ask(simulator, `/OperatorResults?operatorId=x&pageToken=${token}`);
    expect(other).toMatchObject({ status: 400, body: expect.stringContaining('other filters') });
    simulator.faults.add({ on: 'results', fault: { kind: 'expireToken' }, times: 1 });
    expect((await ask(simulator, `/OperatorResults?pageSize=10&pageToken=${token}`)).status).toBe(400);
  });

  test.each<Partial<Switches>>([
    { servedPageSize: 7 },
    { emptyPageEvery: 2 },
    { tokenAfterLast: true },
    { paging: 'offset' },
  ])('a walk is whole with %j', async (switches) => {
    await using simulator = await start(switches);
    expect(idsOf(await walk(simulator))).toEqual(idsOf(newestFirst(simulator)));
  });

  test('a list may end early', async () => {
    await using simulator = await start({ listCap: 45 });
    expect(await walk(simulator)).toHaveLength(45);
  });
});

describe('what happens to results', () => {
  test('one is made now, newest of all, and never changes with its conversation', async () => {
    await using simulator = await start();
    const { source } = simulator;
    const { id } = source.create({ intelligenceConfigurationIds: [] });
    const { updatedAt } = source.get(id);
    const linked = source.addResult(id, { silent: true, fields: { result: { label: 'x' } } });
    const resultId = linked.operatorResultIds?.[0] ?? '';
    expect(linked).toMatchObject({ updatedAt });
    expect(timeOfId(resultId)).toBe(untilMs);
    const made = source.result(resultId);
    expect(made).toMatchObject({ id: resultId, conversationId: id, result: { label: 'x' } });
    expect((await page(simulator)).items[0]).toEqual(made);
    const before = source.results().map(text);
    for (const each of source.ids()) source.setStatus(each, 'CLOSED');
    source.put({ ...source.get(id), accountId: 'AC1', participants: [{ id: 'p' }], updatedAt: '2026-05-31T00:00:00Z' });
    expect(source.results().map(text)).toEqual(before);
  });

  test('one is there before its conversation links to it, or after', async () => {
    await using simulator = await start();
    const { source } = simulator;
    const { id } = source.create();
    source.addResult(id, { resultId: 'early', link: false });
    source.linkResult(id, 'late', { silent: true });
    expect(source.get(id).operatorResultIds).toEqual(['late']);
    expect(idsOf(source.results(id))).toEqual(['early']);
    expect((await ask(simulator, '/OperatorResults/late')).status).toBe(404);
    source.linkResult(id, 'early');
    source.addResult(id, { resultId: 'late' });
    expect(source.get(id).operatorResultIds).toEqual(['late', 'early']);
    expect(idsOf((await page(simulator, `conversationId=${id}`)).items)).toEqual(['late', 'early']);
  });

  test('one can be had only later than its link', async () => {
    let nowMs = untilMs;
    await using simulator = await startSimulator({ now: () => nowMs, switches: { resultLagMs: minute } });
    const { id } = simulator.source.create();
    simulator.source.addResult(id, { resultId: 'r' });
    expect((await page(simulator)).items).toEqual([]);
    expect((await ask(simulator, '/OperatorResults/r')).status).toBe(404);
    nowMs += minute;
    expect(idsOf((await page(simulator)).items)).toEqual(['r']);
    expect((await ask(simulator, '/OperatorResults/r')).status).toBe(200);
  });

  test.each([true, false])('one is deleted by DELETE, its link kept: %s', async (isKept) => {
    await using simulator = await start({ linksOfDeleted: isKept ? 'kept' : 'removed' });
    const { source } = simulator;
    const { id, conversationId } = source.results()[50] as WireOperatorResult;
    expect(await ask(simulator, `/OperatorResults/${id}`, 'DELETE')).toEqual({ status: 204, body: '' });
    expect((await ask(simulator, `/OperatorResults/${id}`, 'DELETE')).status).toBe(404);
    expect((await ask(simulator, `/OperatorResults/${id}`)).status).toBe(404);
    expect(source.result(id)).toBeUndefined();
    expect(source.get(conversationId).operatorResultIds?.includes(id)).toBe(isKept);
    expect(idsOf(await walk(simulator))).toEqual(idsOf(newestFirst(simulator)));
    expect((await ask(simulator, `/Conversations/${conversationId}`, 'DELETE')).status).toBe(405);
  });

  test('they go with their conversation, or stay without it', async () => {
    await using simulator = await start();
    const { source } = simulator;
    const [first, second] = source
      .results()
      .filter(({ conversationId }, at, all) => all.findIndex((each) => each.conversationId === conversationId) === at);
    const all = await walk(simulator);
    source.remove(first?.conversationId ?? '');
    source.remove(second?.conversationId ?? '', { keepResults: true });
    const left = all.filter(({ conversationId }) => conversationId !== first?.conversationId);
    expect((await walk(simulator)).map(text)).toEqual(left.map(text));
    expect((await ask(simulator, `/OperatorResults/${second?.id}`)).body).toBe(text(second));
  });

  test('a conversation that is put without its ids has no results, and hundreds fit on one', async () => {
    await using simulator = await start();
    const { source } = simulator;
    const { conversationId } = source.results()[0] as WireOperatorResult;
    source.put({ ...source.get(conversationId), operatorResultIds: [] });
    expect(source.results(conversationId)).toEqual([]);
    const { id } = source.create();
    for (let count = 0; count < 300; count += 1) source.addResult(id, { silent: count % 2 === 0 });
    const listed = await walk(simulator, `conversationId=${id}&pageSize=100`);
    expect(new Set(idsOf(listed))).toEqual(new Set(source.get(id).operatorResultIds));
    expect(idsOf(await walk(simulator, 'pageSize=1000'))).toEqual(idsOf(newestFirst(simulator)));
  });
});

test('operators and configurations are listed and had one by one, until they are taken away', async () => {
  await using simulator = await start();
  for (const [path, held] of [
    ['/ControlPlane/Operators', simulator.source.operators],
    ['/ControlPlane/Configurations', simulator.source.configurations],
  ] as const) {
    const ids: string[] = [];
    for (let token: string | undefined = ''; token !== undefined; ) {
      const { body } = await ask(simulator, `${path}?pageSize=2${token && `&pageToken=${token}`}`);
      const listed = JSON.parse(body) as ResultsPage;
      ids.push(...listed.items.map(({ id }) => id));
      token = listed.meta.nextToken;
    }
    expect(ids).toEqual([...held.keys()]);
    const [id = ''] = ids;
    expect(JSON.parse((await ask(simulator, `${path}/${id}`)).body)).toEqual(held.get(id));
    held.delete(id);
    expect((await ask(simulator, `${path}/${id}`)).status).toBe(404);
  }
  expect(simulator.requests.byEndpoint.names).toBeGreaterThan(8);
});
