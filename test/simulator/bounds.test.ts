// The bounds on createdAt and the list's other parameters, each switch by itself, seen from outside.

import { describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import { get, walk } from './requests.ts';

const nowMs = Date.parse('2026-06-01T00:00:00Z');
const times = {
  ancient: '2026-01-01T00:00:00Z',
  before: '2026-05-20T09:59:59.999999999Z',
  lower: '2026-05-20T10:00:00Z',
  within: '2026-05-20T10:00:00.5Z',
  upper: '2026-05-20T11:00:00.000000000Z',
  justAfter: '2026-05-20T11:00:00.000000001Z',
  after: '2026-05-20T11:00:01Z',
};
const pair = { createdAtAfter: '2026-05-20T10:00:00Z', createdAtBefore: '2026-05-20T11:00:00Z' };
const all = Object.keys(times);

async function startWithTimes(switches: Partial<Switches> = {}): Promise<Simulator> {
  const simulator = await startSimulator({ now: () => nowMs, switches: { order: 'oldestFirst', ...switches } });
  for (const [id, createdAt] of Object.entries(times)) simulator.source.create({ id, createdAt });
  return simulator;
}

async function listed(switches: Partial<Switches>, parameters: Record<string, string>): Promise<string[]> {
  await using simulator = await startWithTimes(switches);
  return (await walk(simulator, parameters)).map(({ id }) => id);
}

async function statusOf(switches: Partial<Switches>, query: string): Promise<number> {
  await using simulator = await startWithTimes(switches);
  return (await get(simulator, `/v3/Conversations?${query}`)).status;
}

describe('bounds', () => {
  test.each<[string, Partial<Switches>, string[]]>([
    ['exclude equality', {}, ['within']],
    ['include it above', { upperBound: 'inclusive' }, ['within', 'upper']],
    ['include it below', { lowerBound: 'inclusive' }, ['lower', 'within']],
    ['go by the second', { boundGranularity: 'second' }, []],
    [
      'go by the second, both included',
      { boundGranularity: 'second', upperBound: 'inclusive', lowerBound: 'inclusive' },
      ['lower', 'within', 'upper', 'justAfter'],
    ],
    ['are honoured above only', { boundsHonoured: 'upper' }, ['ancient', 'before', 'lower', 'within']],
    ['are honoured below only', { boundsHonoured: 'lower' }, ['within', 'upper', 'justAfter', 'after']],
    ['are silently ignored where only createdBefore is known', { boundNames: 'createdBefore' }, all],
    ['are silently ignored where none is known', { boundNames: 'none' }, all],
  ])('%s', async (_, switches, expected) => {
    expect(await listed(switches, pair)).toEqual(expected);
  });

  test('createdBefore is ignored, or honoured, as switched', async () => {
    const parameters = { createdBefore: '2026-05-20T10:00:00Z' };
    expect(await listed({}, parameters)).toEqual(all);
    expect(await listed({ boundNames: 'createdBefore' }, parameters)).toEqual(['ancient', 'before']);
    expect(await listed({ boundNames: 'both' }, parameters)).toEqual(['ancient', 'before']);
  });

  test('the lesser of createdBefore and createdAtBefore holds where both are known', async () => {
    const parameters = { createdBefore: '2026-05-20T10:00:00Z', createdAtBefore: '2026-05-20T11:00:00Z' };
    expect(await listed({ boundNames: 'both' }, parameters)).toEqual(['ancient', 'before']);
  });

  test('one bound alone means all, or 31 days', async () => {
    const before = { createdAtBefore: '2026-05-20T10:00:00Z' };
    const after = { createdAtAfter: '2025-12-20T00:00:00Z' };
    expect(await listed({}, before)).toEqual(['ancient', 'before']);
    expect(await listed({ upperBoundAlone: 'last31Days' }, before)).toEqual(['before']);
    expect(
      await listed(
        { upperBoundAlone: 'last31Days', boundNames: 'createdBefore' },
        { createdBefore: '2026-05-20T10:00:00Z' },
      ),
    ).toEqual(['before']);
    expect(await listed({}, after)).toEqual(all);
    expect(await listed({ lowerBoundAlone: 'next31Days' }, after)).toEqual(['ancient']);
  });

  test('no bound means all, or the last 31 days', async () => {
    expect(await listed({}, {})).toEqual(all);
    expect(await listed({ unbounded: 'last31Days' }, {})).toEqual(all.slice(1));
  });

  test('lie at most 31 days apart', async () => {
    const upper = 'createdAtBefore=2026-05-20T10:00:00Z';
    expect(await statusOf({}, `${upper}&createdAtAfter=2026-04-19T10:00:00Z`)).toBe(200);
    expect(await statusOf({}, `${upper}&createdAtAfter=2026-04-19T09:59:59Z`)).toBe(400);
  });

  test('may have a fraction, or not, as switched', async () => {
    expect(await statusOf({}, 'createdAtBefore=2026-05-20T10:00:00.5Z')).toBe(200);
    expect(await statusOf({ fractionalBounds: 'refused' }, 'createdAtBefore=2026-05-20T10:00:00.5Z')).toBe(400);
    expect(await statusOf({ fractionalBounds: 'refused' }, 'createdAtBefore=2026-05-20T10:00:00Z')).toBe(200);
  });
});

describe('parameters', () => {
  test.each([
    'pageSize=0',
    'pageSize=1001',
    'pageSize=ten',
    'pageSize=1.5',
    'pageSize=',
    'createdAtBefore=yesterday',
    'createdAtBefore=2026-02-30T00:00:00Z',
    'pageToken=made-up',
    'pageToken=bnVsbA',
    'status=OPEN',
    'channels=VOICE&channels=FAX',
    'status=ACTIVE&status=CLOSED',
  ])('%s is refused', async (query) => {
    expect(await statusOf({}, query)).toBe(400);
  });

  test.each(['pageSize=1', 'pageSize=1000', 'channels=VOICE&channels=SMS'])('%s is taken', async (query) => {
    expect(await statusOf({}, query)).toBe(200);
  });

  test('a refusal says what was wrong, in the form of the API', async () => {
    await using simulator = await startWithTimes();
    const { json, headers } = await get(simulator, '/v3/Conversations?pageSize=0');
    expect(headers['content-type']).toBe('application/json');
    expect(json).toMatchObject({
      code: 20001,
      status: 400,
      message: expect.stringContaining('pageSize'),
      more_info: expect.any(String),
    });
  });

  test('unknown ones are ignored, or refused, as switched', async () => {
    expect(await statusOf({}, 'updatedAfter=2026-01-01T00:00:00Z')).toBe(200);
    const refused = { unknownParameters: 'refused' } as const;
    expect(await statusOf(refused, 'updatedAfter=2026-01-01T00:00:00Z')).toBe(400);
    expect(await statusOf(refused, 'createdBefore=2026-05-20T10:00:00Z')).toBe(400);
    expect(await statusOf({ ...refused, boundNames: 'createdBefore' }, 'createdAtBefore=2026-05-20T10:00:00Z')).toBe(
      400,
    );
    expect(await statusOf({ ...refused, boundNames: 'createdBefore' }, 'createdBefore=2026-05-20T10:00:00Z')).toBe(200);
  });

  test('unknown values match nothing where they are not refused', async () => {
    expect(await listed({ unknownValues: 'empty' }, { status: 'OPEN' })).toEqual([]);
  });
});
