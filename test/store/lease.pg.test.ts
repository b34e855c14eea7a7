// Who may write: one at a time, by the database's clock; and stamps in the order of commits.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase, type Queries } from '../../src/store/database.ts';
import { holdLease, leaseSeconds, renewLease, returnLease, takeLease } from '../../src/store/lease.ts';
import { LeaseLost } from '../../src/sync/ports.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

beforeEach(() => set(`expires_at = '-infinity', holder = null`));

const set = (assignments: string) => database.run(({ sql }) => sql(`update twilio_sync.lease set ${assignments}`));

async function row() {
  const [found] = await database.run(({ sql }) =>
    sql<{ epoch: number; holder: string | null; left: number }>(
      `select epoch::int as epoch, holder, extract(epoch from expires_at - clock_timestamp())::float8 as left from twilio_sync.lease`,
    ),
  );
  if (found === undefined) throw new Error('there is no lease');
  return found;
}

async function taken(holder: string): Promise<number> {
  const lease = await takeLease(database, holder);
  if ('heldBy' in lease) throw new Error(`${holder} did not get it: ${lease.heldBy} has it`);
  return lease.epoch;
}

describe('taking', () => {
  test('of many at once, one gets it, and the others are told who', async () => {
    const holders = Array.from({ length: 5 }, (_, at) => `worker ${at}`);
    const answers = await Promise.all(holders.map((holder) => takeLease(database, holder)));
    expect(answers.filter((answer) => 'epoch' in answer)).toHaveLength(1);
    const { holder } = await row();
    expect(holders).toContain(holder);
    expect(answers[holders.indexOf(holder ?? '')]).toHaveProperty('epoch');
    // Whoever asked in the moment of taking cannot be told who it will be.
    for (const answer of answers) if ('heldBy' in answer) expect([holder, 'another worker']).toContain(answer.heldBy);
  });

  test('is for a term, under an epoch that nobody had before', async () => {
    const before = (await row()).epoch;
    const epoch = await taken('first');
    expect(epoch).toBeGreaterThan(before);
    const { left } = await row();
    expect(left).toBeGreaterThan(leaseSeconds - 5);
    expect(left).toBeLessThanOrEqual(leaseSeconds);
    expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
    expect(await takeLease(database, 'first')).toEqual({ heldBy: 'first' });
  });

  test('waits for the database’s clock to pass its end', async () => {
    const first = await taken('first');
    await set(`expires_at = clock_timestamp() + interval '1 minute'`);
    expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
    await set(`expires_at = clock_timestamp() - interval '1 microsecond'`);
    expect(await taken('second')).toBe(first + 1);
  });

  test('does not wait for a row that a load holds, even where it has expired', async () => {
    const epoch = await taken('first');
    await database.transaction(async (queries) => {
      await holdLease(queries, epoch);
      await queries.sql(`update twilio_sync.lease set expires_at = '-infinity'`);
      expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
    });
    expect(await taken('second')).toBe(epoch + 1);
  });
});

describe('keeping', () => {
  test('renewing extends the term', async () => {
    const epoch = await taken('first');
    await set(`expires_at = clock_timestamp() + interval '1 s'`);
    await renewLease(database, epoch);
    expect((await row()).left).toBeGreaterThan(leaseSeconds - 5);
  });

  test('holding it for a load extends the term too', async () => {
    const epoch = await taken('first');
    await set(`expires_at = clock_timestamp() + interval '1 s'`);
    await database.transaction((queries) => holdLease(queries, epoch));
    expect((await row()).left).toBeGreaterThan(leaseSeconds - 5);
  });

  test('expired, but taken by nobody: it is still one’s own', async () => {
    const epoch = await taken('first');
    await set(`expires_at = '-infinity'`);
    await renewLease(database, epoch);
    expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
  });

  test('taken by another: neither renewed nor held, and not returned for them', async () => {
    const first = await taken('first');
    await set(`expires_at = '-infinity'`);
    const second = await taken('second');
    await expect(renewLease(database, first)).rejects.toThrow(LeaseLost);
    await expect(database.transaction((queries) => holdLease(queries, first))).rejects.toThrow(LeaseLost);
    await returnLease(database, first);
    expect(await row()).toMatchObject({ holder: 'second', epoch: second });
    expect((await row()).left).toBeGreaterThan(0);
  });

  test('returned: the next need not wait, and whoever returned it writes no more', async () => {
    const first = await taken('first');
    await returnLease(database, first);
    expect((await row()).holder).toBeNull();
    const second = await taken('second');
    await expect(renewLease(database, first)).rejects.toThrow(LeaseLost);
    await renewLease(database, second);
  });
});

describe('stamps', () => {
  const later = (a: string, b: string) =>
    database.run(
      async ({ sql }) =>
        (await sql<{ later: boolean }>('select $2::timestamptz > $1::timestamptz as later', [a, b]))[0]?.later,
    );

  test('a load that begins while another is open gets its stamp after that one’s commit', async () => {
    const epoch = await taken('first');
    const order: string[] = [];
    const held = Promise.withResolvers<string>();
    const gate = Promise.withResolvers<void>();
    const first = database.transaction(async (queries) => {
      held.resolve(await holdLease(queries, epoch));
      await gate.promise;
      order.push('first ends');
    });
    const earlier = await held.promise;
    const second = database.transaction(async (queries) => {
      const stamp = await holdLease(queries, epoch);
      order.push('second is stamped');
      return stamp;
    });
    await untilOneWaits();
    gate.resolve();
    await first;
    expect(await later(earlier, await second)).toBe(true);
    expect(order).toEqual(['first ends', 'second is stamped']);
  });

  test('twenty loads at once get twenty stamps', async () => {
    const epoch = await taken('first');
    const work = (queries: Queries) => holdLease(queries, epoch);
    const stamps = await Promise.all(Array.from({ length: 20 }, () => database.transaction(work)));
    expect(new Set(stamps).size).toBe(20);
  });

  test('they go on growing where the clock was set back', async () => {
    const epoch = await taken('first');
    await set(`stamp = clock_timestamp() + interval '1 hour'`);
    const stamps: string[] = [];
    for (let count = 0; count < 3; count++)
      stamps.push(await database.transaction((queries) => holdLease(queries, epoch)));
    const [a = '', b = '', c = ''] = stamps;
    expect([await later(a, b), await later(b, c)]).toEqual([true, true]);
    await set(`stamp = '-infinity'`);
  });

  test('one that is rolled back leaves no trace', async () => {
    const epoch = await taken('first');
    const failing = database.transaction(async (queries) => {
      await holdLease(queries, epoch);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(
      await database.run(({ sql }) => sql(`select from twilio_sync.lease where stamp > clock_timestamp()`)),
    ).toEqual([]);
  });

  /** Waits until a session waits for a lock. */
  async function untilOneWaits(): Promise<void> {
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while ((await database.run(({ sql }) => sql(waiting))).length === 0) {
      await database.run(({ sql }) => sql('select pg_sleep(0.01)'));
    }
  }
});
