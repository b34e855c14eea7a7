// Conversations are kept for so long: older ones are erased day by day, and none of them is stored, whoever asks.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { putPushed } from '../../src/postgres/pushed.ts';
import { allowRetention } from '../../src/postgres/retention.ts';
import { judge } from '../../src/status/judge.ts';
import { readFacts } from '../../src/status/snapshot.ts';
import { keepEverything } from '../../src/sync/keep.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { dumpOf, foundIn } from '../dump.ts';
import { differences } from '../oracle.ts';
import { World } from '../world.ts';

const minute = 60_000;
const day = 86_400_000;
const keeping = (days: number) => ({ keep: { ...keepEverything, retentionSeconds: days * 86_400 } });

let world: World;
let database: Database;

beforeEach(async () => {
  world = await World.open({ conversations: 200, days: 50 });
  database = openDatabase(world.database.connection);
});

afterEach(async () => {
  await database.close();
  await world[Symbol.asyncDispose]();
});

/** The first instant of what is kept. */
const edgeOf = (days: number) => Math.floor((world.nowMs - days * day) / day) * day;
const isOld = ({ createdAt }: WireConversationDetail, days: number) => Date.parse(createdAt) < edgeOf(days);
const isOpen = ({ status }: WireConversationDetail) => status === 'ACTIVE' || status === 'INACTIVE';
const kept = (days: number) => world.source.all().filter((each) => !isOld(each, days));
const closeOld = (days: number) => {
  for (const each of world.source.all()) if (isOld(each, days) && isOpen(each)) world.source.close(each.id);
};
const tracesOf = (all: WireConversationDetail[]) =>
  all.flatMap(({ id, communications }) => [id, ...(communications ?? []).map((each) => each.id)]);
const stored = async () => {
  const { rows } = await world.pool.query<{ id: string }>('select id from twilio.conversations order by id');
  return rows.map(({ id }) => id);
};
const old = (days: number) => world.source.all().filter((each) => isOld(each, days));

describe('what is erased', () => {
  test('day by day the oldest go, without a trace and without a brake; a longer retention loads them again', async () => {
    closeOld(25);
    world.nowMs += minute;
    await world.sync();
    await world.restart({ settings: { ...keeping(25), allowMassDelete: true } });
    expect(await world.sync()).toMatchObject({ erased: old(25).length });
    expect(await differences(world.pool, kept(25))).toEqual([]);
    await world.restart({ settings: keeping(25) });
    for (let days = 0; days < 6; days += 1) {
      world.nowMs += day;
      world.source.create({ createdAt: new Date(world.nowMs - minute).toISOString(), status: 'CLOSED' });
      closeOld(25);
      expect(await world.sync({ reconcile: days % 2 === 0 })).toMatchObject({ incomplete: [] });
      expect(await differences(world.pool, kept(25))).toEqual([]);
      expect(foundIn(await dumpOf(world.pool), tracesOf(old(25)))).toEqual([]);
    }
    expect(await world.sync({ reconcile: true })).toMatchObject({ erased: 0, fetched: 0 });
    expect(await world.verify('full')).toMatchObject({ findings: [] });
    const { rows } = await world.pool.query('select distinct cause from twilio_sync.erasures');
    expect(rows).toEqual([{ cause: 'SYNC_RETENTION' }]);
    const coverage = await world.pool.query<{ day: string; whole: boolean }>(
      `select min(day)::text as day, bool_and(listed_completely_at is not null) as whole from twilio.coverage where day < $1`,
      [new Date(world.nowMs)],
    );
    expect(coverage.rows).toEqual([{ day: new Date(edgeOf(25)).toISOString().slice(0, 10), whole: true }]);

    await world.restart({ settings: keeping(55) });
    await world.sync();
    expect(await differences(world.pool, kept(55))).toEqual([]);
  });

  test('with a later SYNC_START, that counts', async () => {
    const start = Math.floor(world.nowMs / 1000) - 5 * 86_400;
    await world.restart({ settings: { ...keeping(30), history: start } });
    await world.sync();
    expect((await world.context()).settings.start).toBe(start);
    const since = world.source.all().filter(({ createdAt }) => Date.parse(createdAt) >= start * 1000);
    expect(await differences(world.pool, since)).toEqual([]);
  });
});

describe('what is never stored', () => {
  test('by sweeps, single requests, webhooks or results', async () => {
    await world.restart({ results: true, settings: keeping(30) });
    await world.sync();
    const closed = old(30).filter((each) => !isOpen(each));
    const ids = closed.slice(0, 5).map(({ id }) => id);
    const away = async () => expect(foundIn(await dumpOf(world.pool), tracesOf(old(30)))).toEqual([]);
    await away();
    await world.fetch(ids);
    await away();
    await putPushed(
      database,
      ids.map((conversationId) => ({ conversationId, resultIds: ['x'] })),
      1,
    );
    // By the database's clock, which is not the world's: as if they had waited long enough for a pass.
    await world.pool.query(`update twilio_sync.due set first_at = to_timestamp(0) where reason = 'pushed'`);
    world.nowMs += 2 * minute;
    await world.sync();
    await away();
    for (const id of ids) world.source.addResult(id);
    await world.sync({ reconcile: true });
    world.nowMs += 2 * minute;
    await world.sync({ reconcile: true });
    await away();
    expect(await differences(world.pool, kept(30))).toEqual([]);
  });
});

describe('an open conversation', () => {
  /** One that is 31 days old, in a copy that keeps 30. */
  async function open(): Promise<string> {
    const { id } = world.source.create({
      createdAt: new Date(world.nowMs - 29 * day).toISOString(),
      updatedAt: new Date(world.nowMs - minute).toISOString(),
      status: 'ACTIVE',
    });
    await world.restart({ settings: { ...keeping(30), allowMassDelete: true } });
    await world.sync();
    world.nowMs += 2 * day;
    await world.sync();
    expect(await stored()).toContain(id);
    const due = await world.pool.query('select reason from twilio_sync.due where conversation_id = $1', [id]);
    expect(due.rows).toEqual([{ reason: 'old' }]);
    return id;
  }
  const gone = async (id: string) => expect(foundIn(await dumpOf(world.pool), [id])).toEqual([]);

  test('stays, is looked at once a day, and goes when it closes', async () => {
    const id = await open();
    world.source.say(id, 'Still here');
    world.nowMs += day + minute;
    await world.sync();
    const said = await world.pool.query(`select from twilio.communications where text = 'Still here'`);
    expect(said.rowCount).toBe(1);
    world.source.close(id);
    world.nowMs += day + minute;
    expect(await world.sync()).toMatchObject({ erased: expect.any(Number) });
    await gone(id);
  });

  test('goes when the API no longer has it', async () => {
    const id = await open();
    world.source.remove(id);
    world.nowMs += day + minute;
    await world.sync();
    await gone(id);
  });

  test('goes when nothing was heard of it for as long', async () => {
    const id = await open();
    for (let days = 0; days < 32; days += 1) {
      world.nowMs += day;
      await world.sync();
    }
    await gone(id);
  });
});

describe('a first time that would erase over 20 %', () => {
  const standing = async () => {
    const facts = await database.run(({ sql }) => readFacts(sql));
    return { facts, status: judge({ facts, databaseTrouble: null, process: null, isTooOld: () => false }) };
  };

  test('waits for a person, whom a running worker obeys; the next days do not', async () => {
    closeOld(20);
    world.nowMs += minute;
    await world.sync();
    await world.restart({ settings: keeping(30) });
    const all = await stored();
    const over = old(30).length;
    for (let pass = 0; pass < 2; pass += 1) {
      const counts = await world.sync({ reconcile: true });
      expect(counts).toMatchObject({ erased: 0 });
      expect(counts.incomplete).toEqual([
        `SYNC_RETENTION: ${over} of 200 stored conversations are older; none was erased`,
      ]);
    }
    // Nor does it erase what is fetched again meanwhile.
    await world.fetch(
      old(30)
        .slice(0, 3)
        .map(({ id }) => id),
    );
    expect(await stored()).toEqual(all);
    expect((await standing()).status).toMatchObject({
      code: 'brake',
      reason: expect.stringContaining(`${over} of 200`),
    });
    expect(await allowRetention(database)).toBe(true);
    expect(await world.sync()).toMatchObject({ erased: over, incomplete: [] });
    expect(await differences(world.pool, kept(30))).toEqual([]);
    expect(await standing()).toMatchObject({ facts: { retention: { seconds: 30 * 86_400, braked: null } } });
    expect(await allowRetention(database)).toBe(false);

    // A copy of few days loses more than that each day.
    await world.restart({ settings: { ...keeping(2), allowMassDelete: true } });
    await world.sync();
    await world.restart({ settings: keeping(2) });
    for (let each = 0; each < 9; each += 1)
      world.source.create({ createdAt: new Date(world.nowMs).toISOString(), status: 'CLOSED' });
    world.nowMs += 3 * day;
    expect(await world.sync()).toMatchObject({ incomplete: [] });
    expect(await stored()).toEqual([]);

    // What was in force is no excuse for less.
    world.source.create({ createdAt: new Date(world.nowMs - 1.5 * day).toISOString(), status: 'CLOSED' });
    await world.restart({ settings: keeping(3) });
    await world.sync({ reconcile: true });
    await world.restart({ settings: keeping(1) });
    expect((await world.sync()).incomplete).toEqual([expect.stringContaining('SYNC_RETENTION')]);
    await world.restart({ settings: { keep: keepEverything } });
    expect((await world.sync()).incomplete).toEqual([]);
    expect(await standing()).toMatchObject({ facts: { retention: null } });
  });
});
