// Verification finds what no sweep would, tells it from what the next sweep will find, and repairs it.

import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import type { Context, Store } from '../../src/sync/context.ts';
import { syncIds } from '../../src/sync/once.ts';
import { isUnread } from '../../src/sync/verify.ts';
import { World } from '../world.ts';

test('an equal copy has nothing to find, also where the API shuffles', async () => {
  await using world = await World.open({
    conversations: 120,
    days: 40,
    wild: true,
    switches: { unstableOrder: 'itemsAndDetails' },
  });
  await world.sync();
  expect(await world.verify('full')).toMatchObject({ checked: 120, findings: [] });
  expect(await world.verify(50)).toMatchObject({ checked: 50, findings: [] });
});

test('details that do not all fit into memory are verified in smaller batches', async () => {
  const conversations = 150;
  await using world = await World.open({ conversations, days: 1 });
  await world.sync();
  world.simulator.faults.add({ on: 'detail', fault: { kind: 'huge', bytes: 300_000 } });
  expect((await world.verify('full')).checked).toBe(conversations);
});

test('drift is told from change', async () => {
  await using world = await World.open({ conversations: 120, days: 40 });
  await world.sync();
  const [redacted = '', lost = '', altered = '', gone = '', talking = '', removed = ''] = world.source.ids();
  world.source.redact(redacted, { silent: true, text: '[redacted]' });
  await world.pool.query('delete from twilio.communications where conversation_id = $1 and position = 0', [lost]);
  await world.pool.query(`update twilio.participants set name = 'Mallory' where conversation_id = $1`, [altered]);
  await world.pool.query('delete from twilio.conversations where id = $1', [gone]);
  world.source.say(talking, 'Hello?');
  world.source.remove(removed);
  const { checked, findings } = await world.verify('full');
  expect(checked).toBe(119);
  const sorted = findings.toSorted((a, b) => a.id.localeCompare(b.id));
  expect(sorted).toEqual(
    [
      { id: redacted, kind: 'drift', where: ['communications.text'] },
      { id: lost, kind: 'drift', where: ['communications.row missing'] },
      { id: altered, kind: 'drift', where: ['participants.name'] },
      {
        id: gone,
        kind: 'drift',
        where: expect.arrayContaining(['conversations.row missing', 'communications.row missing']),
      },
      { id: talking, kind: 'changed', where: ['conversations.updated_at', 'communications.row missing'] },
      { id: removed, kind: 'changed', where: ['not listed'] },
    ].toSorted((a, b) => a.id.localeCompare(b.id)),
  );
  expect(
    (await world.verify(500)).findings
      .filter(({ kind }) => kind === 'drift')
      .map(({ id }) => id)
      .sort(),
  ).toEqual([redacted, lost, altered, gone].sort());

  await world.fetch(findings.filter(({ where }) => where[0] !== 'not listed').map(({ id }) => id));
  await world.sync({ reconcile: true });
  expect(await world.differences()).toEqual([]);
  expect(await world.verify('full')).toMatchObject({ checked: 119, findings: [] });
});

describe('what happens meanwhile is not drift', () => {
  /** The first time that this is asked of the store, something else happens just before. */
  function justBefore(context: Context, name: 'known' | 'compare', happen: () => Promise<unknown>): void {
    const { store } = context;
    let over = false;
    const first = async () => {
      if (over) return;
      over = true;
      await happen();
    };
    const changed: Partial<Store> = {
      known: async (ids) => {
        if (name === 'known') await first();
        return await store.known(ids);
      },
      compare: async (rows) => {
        if (name === 'compare') await first();
        return await store.compare(rows);
      },
    };
    context.store = { ...store, ...changed };
  }

  async function open() {
    const world = await World.open({ conversations: 20, days: 10 });
    await world.sync();
    const context = await world.context();
    const signal = AbortSignal.timeout(60_000);
    const [id = ''] = world.source.ids();
    const fetch = () => syncIds(context, [id], signal);
    return { world, context, id, fetch };
  }

  test('a message that comes between listing and detail', async () => {
    const { world, context, id } = await open();
    await using _world = world;
    const { list } = context.api;
    let talks = true;
    context.api.list = async function* (...given) {
      yield* list(...given);
      if (talks) world.source.say(id, 'And another thing');
      talks = false;
    };
    expect(await world.verify('full')).toMatchObject({
      checked: 20,
      findings: [{ id, kind: 'changed', where: ['conversations.updated_at', 'communications.row missing'] }],
    });
  });

  test.each(['known', 'compare'] as const)('a worker that stores what was fetched earlier: before %s', async (name) => {
    const { world, context, id, fetch } = await open();
    await using _world = world;
    const { store } = context;
    justBefore(context, name, async () => {
      world.source.say(id, 'And another thing');
      await fetch();
    });
    expect(await world.verify(20)).toMatchObject({ checked: 20, findings: [] });
    context.store = store;
    expect(await world.differences()).toEqual([]);
  });

  test('one that is gone at the API, and found so by a worker', async () => {
    const { world, context, id } = await open();
    await using _world = world;
    justBefore(context, 'known', () =>
      world.pool.query(
        `with gone as (update twilio_sync.fingerprints set item = null, detail = null where conversation_id = '${id}')
         update twilio.conversations set deleted_at = now() where id = '${id}'`,
      ),
    );
    const remembered = await context.store.sample(100);
    world.source.remove(id);
    expect(remembered).toContain(id);
    expect(await world.verify(100)).toMatchObject({ checked: 20, findings: [] });
    expect(await world.verify(100)).toMatchObject({ checked: 19, findings: [] });
  });

  test('a conversation that is another with each look is for the next sweep', async () => {
    const { world, context, id } = await open();
    await using _world = world;
    await world.pool.query('delete from twilio.communications where conversation_id = $1', [id]);
    const { detail } = context.api;
    let looks = 0;
    context.api.detail = async (...given) => {
      if (given[0] === id) world.source.redact(id, { silent: true, text: `redacted ${looks++}` });
      return await detail(...given);
    };
    expect((await world.verify('full')).findings).toEqual([
      { id, kind: 'changed', where: ['communications.row missing'] },
    ]);
  });
});

test('what was forgotten is not missed', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  await world.sync();
  const [id = ''] = world.source.ids();
  const database = openDatabase(world.database.connection);
  await forget(database, [id]);
  await database.close();
  expect(await world.verify('full')).toMatchObject({ checked: 19, findings: [] });
  expect(await world.verify(20)).toMatchObject({ checked: 19, findings: [] });
});

test('what differs and cannot be stored is told from drift', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  await world.sync();
  const [id = ''] = world.source.ids();
  world.source.redact(id, { silent: true, text: '[redacted]' });
  await world.pool.query(
    `insert into twilio_sync.due (conversation_id, reason, due_at, error) values ($1, 'failed', now() + interval '1 hour', 'too odd')`,
    [id],
  );
  expect((await world.verify(20)).findings).toEqual([{ id, kind: 'quarantined', where: ['communications.text'] }]);
});

test('what history is still to bring has not drifted, but the copy is not whole', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  const { checked, findings } = await world.verify('full');
  expect({ checked, kinds: new Set(findings.map(({ kind }) => kind)) }).toMatchObject({
    checked: 20,
    kinds: new Set(['changed']),
  });
  expect((await world.context()).counts.incomplete).toEqual(['history is not listed to its end yet']);
});

test('where nothing can be read, it says so', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  const incomplete = async () => (await world.context()).counts.incomplete;
  expect(await world.verify(20)).toMatchObject({ checked: 0, findings: [] });
  await world.sync();
  await world.pool.query('truncate twilio.conversations cascade');
  const found = await world.verify(20);
  expect({ checked: found.checked, unread: isUnread(found), incomplete: await incomplete() }).toMatchObject({
    checked: 20,
    unread: true,
    incomplete: [],
  });
  for (const id of world.source.ids()) world.source.remove(id);
  expect(await world.verify('full')).toMatchObject({ checked: 0, findings: [] });
  expect(await incomplete()).toEqual([expect.stringContaining('nothing was checked')]);
  // All of it deleted at the API, and known to be: there is nothing to check.
  await world.pool.query('update twilio_sync.fingerprints set item = null, detail = null');
  expect(await world.verify(20)).toMatchObject({ checked: 0, findings: [] });
});

describe('operator results', () => {
  const open = async (switches: Partial<Switches> = {}) => {
    const world = await World.open({ conversations: 40, days: 20, results: true, switches });
    await world.sync();
    world.nowMs += 3_600_000;
    return world;
  };
  const ofDifferent = (world: World) => [
    ...new Map(world.source.results().map((each) => [each.conversationId, each])).values(),
  ];

  test.each([{}, { ignoredResultFilters: ['conversationId'] }] as Partial<Switches>[])(
    'a value, a row that is missing and one too many are drift, in table and column; a repair mends them (%o)',
    async (switches) => {
      await using world = await open(switches);
      expect(await world.verify('full')).toEqual({
        ...{ checked: 40, findings: [] },
        results: world.source.results().length,
      });
      const [altered, lost, gone] = ofDifferent(world);
      const ids = [altered, lost, gone].map((each) => each?.conversationId ?? '');
      await world.pool.query(`update twilio.operator_results set model = 'other' where id = $1`, [altered?.id]);
      await world.pool.query('delete from twilio.operator_results where id = $1', [lost?.id]);
      await world.pool.query(
        `insert into twilio.operator_results (conversation_id, id, created_at) values ($1, 'nowhere', '2026-05-01')`,
        [ids[2]],
      );
      const where = new Map((await world.verify('full')).findings.map((each) => [each.id, each]));
      expect([...where.keys()].sort()).toEqual(ids.toSorted());
      expect(where.get(ids[0] ?? '')).toEqual({ id: ids[0], kind: 'drift', where: ['operator_results.model'] });
      expect(where.get(ids[1] ?? '')?.where).toContain('operator_results.row missing');
      expect(where.get(ids[2] ?? '')).toEqual({ id: ids[2], kind: 'drift', where: ['operator_results.row too many'] });
      await world.fetch(ids);
      expect(await world.resultDifferences()).toEqual([]);
      expect((await world.verify('full')).findings).toEqual([]);
    },
  );

  test('one that was made just now, that is due, or in quarantine is not drift', async () => {
    await using world = await open();
    const [one, two, three] = ofDifferent(world);
    for (const each of [two, three])
      await world.pool.query('delete from twilio.operator_results where id = $1', [each?.id]);
    await world.pool.query(
      `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at, error) values
         ($1, $2, 'linked', now(), null), ($3, $4, 'linked', now(), 'refused')`,
      [two?.conversationId, two?.id, three?.conversationId, three?.id],
    );
    world.source.addResult(one?.conversationId ?? '', { silent: true, link: false });
    const kinds = new Map((await world.verify('full')).findings.map(({ id, kind }) => [id, kind]));
    expect(kinds).toEqual(
      new Map([
        [one?.conversationId, 'changed'],
        [two?.conversationId, 'changed'],
        [three?.conversationId, 'quarantined'],
      ]),
    );
  });

  test('without a right to them, conversations are verified alone', async () => {
    await using world = await World.open({ conversations: 10, results: true, switches: { forbidden: ['results'] } });
    await world.sync();
    expect(await world.verify('full')).toEqual({ checked: 10, results: 0, findings: [] });
  });
});
