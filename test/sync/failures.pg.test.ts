// Details that cannot be had: whatever one conversation answers is its own trouble while another one answers; it is the
// pass's where known good ones fail as well.

import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { beginRun, endRun } from '../../src/postgres/runs.ts';
import type { Fault } from '../../src/simulator/faults.ts';
import { Unauthorized, Unavailable } from '../../src/twilio/errors.ts';
import { World } from '../world.ts';

async function quarantine(world: World): Promise<{ id: string; reason: string }[]> {
  const { rows } = await world.pool.query<{ id: string; reason: string }>(
    'select conversation_id as id, reason from twilio_sync.quarantine order by conversation_id',
  );
  return rows;
}

async function stored(world: World): Promise<number> {
  const { rows } = await world.pool.query<{ count: number }>('select count(*)::int as count from twilio.conversations');
  return rows[0]?.count ?? 0;
}

const status = (code: number): Fault => ({ kind: 'status', status: code });

test.each<[string, Fault, RegExp]>([
  ['401', status(401), /the API refuses this conversation \(401, code 20003\): A simulated fault$/],
  ['403', status(403), /the API refuses this conversation \(403, code 20403\): A simulated fault$/],
  ['429, every time', status(429), /the API answers 429; gave up after 10 attempts/],
  ['429 and a wait of an hour', { ...status(429), retryAfter: '3600' } as Fault, /429, asks for a wait of 3600 s/],
  ['500', status(500), /the API answers 500/],
  ['501', status(501), /refused the request \(status 501/],
  ['204', status(204), /expected 200, received 204/],
  ['302', status(302), /status 302/],
  ['418', status(418), /status 418/],
  ['no answer', { kind: 'silence', at: 'head' }, /no complete answer within 300 ms/],
  ['half an answer', { kind: 'silence', at: 'body' }, /no complete answer within 300 ms/],
  ['a reset before the head', { kind: 'reset', at: 'head' }, /the connection broke/],
  ['a reset within the body', { kind: 'reset', at: 'body' }, /the answer broke off/],
  ['HTML', { kind: 'html' }, /is not JSON/],
])('one conversation answers %s, and all others are stored', async (_what, fault, reason) => {
  // Only the faults that are silent end by the timeout; a busy machine may need the whole of it for the others.
  const timeoutMs = fault.kind === 'silence' ? 300 : 20_000;
  await using world = await World.open({ conversations: 30, days: 40, client: { timeoutMs } });
  const bad = world.source.ids()[7] ?? '';
  world.simulator.faults.add({ on: 'detail', id: bad, fault });
  const counts = await world.sync();
  expect(counts).toMatchObject({ incomplete: [], changed: 29 });
  expect(await quarantine(world)).toEqual([{ id: bad, reason: expect.stringMatching(reason) }]);
  expect((await quarantine(world))[0]?.reason).not.toMatch(/the key/);
  // Also where it is all that a batch holds.
  world.source.say(bad, 'Hello?');
  expect(await world.sync({ reconcile: true })).toMatchObject({ incomplete: [], failed: 1 });
});

test('a key that is revoked in the middle of a batch costs no conversation anything', async () => {
  await using world = await World.open({ conversations: 300, days: 20 });
  world.simulator.faults.add({ on: 'detail', from: 120, fault: status(401) });
  await expect(world.sync()).rejects.toThrow(Unauthorized);
  expect(await quarantine(world)).toEqual([]);
  expect(await stored(world)).toBeGreaterThan(0);
  world.simulator.faults.clear();
  await world.sync();
  expect(await world.differences()).toEqual([]);
});

test.each([
  [401, Unauthorized],
  [403, Unauthorized],
  [429, Unavailable],
  [503, Unavailable],
])('a known good conversation answers %i as well: the pass ends with that', async (code, kind) => {
  await using world = await World.open({ conversations: 10, days: 10 });
  await world.sync();
  const [bad = ''] = world.source.ids();
  world.source.say(bad, 'More');
  world.simulator.faults.add({ on: 'detail', fault: status(code) });
  await expect(world.sync({ reconcile: true })).rejects.toThrow(kind);
  expect(await quarantine(world)).toEqual([]);
  await expect(world.verify(5)).rejects.toThrow(kind);
});

test('one whose detail is gone proves nothing: another known good one is asked', async () => {
  await using world = await World.open({ conversations: 4, days: 10 });
  await world.sync();
  const [bad = '', good = '', ...gone] = world.source.ids();
  for (const id of gone) world.simulator.faults.add({ on: 'detail', id, fault: status(404) });
  world.simulator.faults.add({ on: 'detail', id: bad, fault: status(403) });
  const refusal = world.simulator.faults.add({ on: 'detail', id: good, fault: status(403) });
  world.source.say(bad, 'More');
  await expect(world.sync({ reconcile: true })).rejects.toThrow(Unauthorized);
  refusal.remove();
  await world.sync({ reconcile: true });
  expect(await quarantine(world)).toMatchObject([{ id: bad }]);
});

test('one that is in quarantine proves nothing either', async () => {
  await using world = await World.open({ conversations: 2, days: 10 });
  await world.sync();
  const [first = '', second = ''] = world.source.ids();
  for (const id of [first, second]) {
    world.simulator.faults.add({ on: 'detail', id, fault: status(500) });
    world.source.say(id, 'More');
    await world.sync({ reconcile: true });
  }
  expect((await quarantine(world)).map(({ id }) => id)).toEqual([first, second].sort());
});

test('nothing is stored yet: fewer than 20 that fail are quarantine, though none was had', async () => {
  await using world = await World.open({ conversations: 19, days: 10 });
  world.simulator.faults.add({ on: 'detail', fault: status(403) });
  expect(await world.sync()).toMatchObject({ failed: 19, incomplete: [] });
  expect(await quarantine(world)).toHaveLength(19);
  // Asked again, they are no more than they were.
  world.nowMs += 61_000;
  expect(await world.pass()).toMatchObject({ failed: 19 });
  world.source.create();
  world.nowMs += 61_000;
  const error = await world.pass('new').catch((caught: unknown) => caught);
  expect(error).toMatchObject({ message: 'no detail can be fetched', cause: expect.any(Unauthorized) });
  expect(await quarantine(world)).toHaveLength(19);
  world.simulator.faults.clear();
  world.nowMs += 3_600_000;
  await world.pass('new');
  expect(await quarantine(world)).toEqual([]);
  expect(await world.differences()).toEqual([]);
});

describe('texts that Postgres cannot hold', () => {
  const message = 'U+0000 \0, halves \uD83D and \uDE00';
  const held = 'U+0000 \uFFFD, halves \uFFFD and \uFFFD';

  test('in an error about a detail, or about a list', async () => {
    await using world = await World.open({ conversations: 30, days: 10 });
    const [bad = ''] = world.source.ids();
    world.simulator.faults.add({ on: 'detail', id: bad, fault: { kind: 'status', status: 418, message } });
    expect(await world.sync()).toMatchObject({ changed: 29, failed: 1 });
    expect(await quarantine(world)).toEqual([{ id: bad, reason: expect.stringContaining(`: ${held}`) }]);
    world.simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 418, message } });
    expect((await world.pass('lookback')).incomplete).toHaveLength(1);
    const { rows } = await world.pool.query('select error from twilio_sync.windows where completed_at is null');
    expect(rows).toEqual([{ error: expect.stringContaining(`: ${held}`) }]);
  });

  test('in what a list item shows and its detail does not: the detail that shows it is the last one fetched', async () => {
    await using world = await World.open({ conversations: 5, days: 10, settings: { refreshSeconds: [] } });
    await world.sync();
    world.simulator.turn({ detailLagFetches: 1 });
    const [id = ''] = world.source.ids();
    world.source.addResult(id, { resultId: 'r\0\uD83D', silent: true });
    world.simulator.requests.reset();
    await world.pass('reconcile');
    const due = () => world.pool.query('select reason, wants from twilio_sync.due');
    expect((await due()).rows).toMatchObject([{ reason: 'behind', wants: { operatorResultIds: ['r\uFFFD\uFFFD'] } }]);
    world.nowMs += 3000;
    await world.pass();
    expect((await due()).rows).toEqual([]);
    expect(world.simulator.requests.detailIds()).toEqual([id, id]);
  });

  test('in the record of a run', async () => {
    await using world = await World.open();
    const database = openDatabase(world.database.connection);
    const run = await beginRun(database, message);
    await endRun(database, run, 'failed', { incomplete: [message] }, message).finally(() => database.close());
    const { rows } = await world.pool.query('select command, error, counts from twilio_sync.runs');
    expect(rows).toEqual([{ command: held, error: held, counts: { incomplete: [held] } }]);
  });
});
