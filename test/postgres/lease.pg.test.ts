// Who may write: one at a time, by the database's clock; and stamps in the order of commits.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import { type Database, openDatabase, type Queries } from '../../src/postgres/database.ts';
import { fromMicroseconds, nowInMicroseconds, seconds } from '../../src/postgres/instant.ts';
import { holdLease, leaseSeconds, renewLease, returnLease, takeLease } from '../../src/postgres/lease.ts';
import { readSnapshot } from '../../src/status/snapshot.ts';
import { LeaseLost } from '../../src/sync/model.ts';
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

beforeEach(() => set(`expires_at = 0, holder = null`));

const set = (assignments: string) => database.run(({ sql }) => sql(`update twilio_sync.lease set ${assignments}`));

/** So many seconds from now, by the database's clock. */
const at = (seconds: number) => `${nowInMicroseconds} + ${seconds * 1_000_000}`;

/** The database's clock, in microseconds. */
async function clock(): Promise<bigint> {
  const [found] = await database.run(({ sql }) => sql<{ now: string }>(`select ${nowInMicroseconds} as now`));
  return BigInt(found?.now ?? 0);
}

async function expiresAt(): Promise<bigint> {
  const [lease] = await database.run(({ sql }) =>
    sql<{ at: string }>('select expires_at as at from twilio_sync.lease'),
  );
  return BigInt(lease?.at ?? 0);
}

const term = BigInt(leaseSeconds) * 1_000_000n;

/** Does what extends the lease, which then ends one term after some moment of that. */
async function expectExtended(work: () => Promise<unknown>): Promise<void> {
  const before = await clock();
  await work();
  const after = await clock();
  const end = await expiresAt();
  expect(end).toBeGreaterThanOrEqual(before + term);
  expect(end).toBeLessThanOrEqual(after + term);
}

async function row() {
  const [found] = await database.run(({ sql }) =>
    sql<{ epoch: number; holder: string | null; left: number }>(
      `select epoch::int as epoch, holder, expires_at / 1000000.0 - extract(epoch from clock_timestamp()) as left from twilio_sync.lease`,
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
    await expectExtended(async () => expect(await taken('first')).toBeGreaterThan(before));
    expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
    expect(await takeLease(database, 'first')).toEqual({ heldBy: 'first' });
  });

  test('waits for the database’s clock to pass its end', async () => {
    const first = await taken('first');
    await set(`expires_at = ${at(20)}`);
    expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
    await set(`expires_at = ${at(0)} - 1`);
    expect(await taken('second')).toBe(first + 1);
  });

  test('a lease that ends later than its longest term was given before the clock was set back: it is taken', async () => {
    const first = await taken('first');
    await set(`expires_at = ${at(3600)}`);
    expect(await database.run(readSnapshot)).toMatchObject({ worker: null });
    expect(await taken('second')).toBe(first + 1);
    expect((await row()).left).toBeLessThanOrEqual(leaseSeconds);
  });

  test('does not wait for a row that a load holds, even where it has expired', async () => {
    const epoch = await taken('first');
    await database.transaction(async (queries, now) => {
      await holdLease(queries, epoch, now);
      await queries.sql(`update twilio_sync.lease set expires_at = 0`);
      expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
    });
    expect(await taken('second')).toBe(epoch + 1);
  });
});

describe('keeping', () => {
  test('renewing extends the term', async () => {
    const epoch = await taken('first');
    await set(`expires_at = ${at(1)}`);
    await expectExtended(() => renewLease(database, epoch));
  });

  test('holding it for a load extends the term too', async () => {
    const epoch = await taken('first');
    await set(`expires_at = ${at(1)}`);
    await expectExtended(() => database.transaction((queries, now) => holdLease(queries, epoch, now)));
  });

  test('expired, but taken by nobody: it is still one’s own', async () => {
    const epoch = await taken('first');
    await set(`expires_at = 0`);
    await renewLease(database, epoch);
    expect(await takeLease(database, 'second')).toEqual({ heldBy: 'first' });
  });

  test('a renewal that waited for a load extends the term from when it is done', async () => {
    const epoch = await taken('first');
    let renewing: Promise<void> | undefined;
    let held = 0n;
    await database.transaction(async (queries, now) => {
      await holdLease(queries, epoch, now);
      renewing = renewLease(database, epoch);
      await untilOneWaits();
      held = await clock();
    });
    await renewing;
    expect(await expiresAt()).toBeGreaterThanOrEqual(held + term);
  });

  test('taken by another: neither renewed nor held, and not returned for them', async () => {
    const first = await taken('first');
    await set(`expires_at = 0`);
    const second = await taken('second');
    await expect(renewLease(database, first)).rejects.toThrow(LeaseLost);
    await expect(database.transaction((queries, now) => holdLease(queries, first, now))).rejects.toThrow(LeaseLost);
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
  test('a load that begins while another is open gets its stamp after that one’s commit', async () => {
    const epoch = await taken('first');
    const order: string[] = [];
    const held = Promise.withResolvers<bigint>();
    const gate = Promise.withResolvers<void>();
    const first = database.transaction(async (queries, now) => {
      held.resolve(await holdLease(queries, epoch, now));
      await gate.promise;
      order.push('first ends');
    });
    const earlier = await held.promise;
    const second = database.transaction(async (queries, now) => {
      const stamp = await holdLease(queries, epoch, now);
      order.push('second is stamped');
      return stamp;
    });
    await untilOneWaits();
    gate.resolve();
    await first;
    expect(await second).toBeGreaterThan(earlier);
    expect(order).toEqual(['first ends', 'second is stamped']);
  });

  test('a load that begins first and comes second gets the later stamp', async () => {
    const epoch = await taken('first');
    await database.transaction(async (queries, now) => {
      const between = await database.transaction((others, later) => holdLease(others, epoch, later));
      expect(between).toBeGreaterThan(now);
      expect(await holdLease(queries, epoch, now)).toBe(between + 1n);
    });
  });

  test('twenty loads at once get twenty stamps', async () => {
    const epoch = await taken('first');
    const work = (queries: Queries, now: bigint) => holdLease(queries, epoch, now);
    const stamps = await Promise.all(Array.from({ length: 20 }, () => database.transaction(work)));
    expect(new Set(stamps).size).toBe(20);
  });

  test('they go on growing where the clock was set back', async () => {
    const epoch = await taken('first');
    await set(`stamp = ${at(3600)}`);
    const before = await database.run(({ sql }) => sql<{ stamp: string }>('select stamp from twilio_sync.lease'));
    const stamps: bigint[] = [];
    for (let count = 0; count < 3; count++)
      stamps.push(await database.transaction((queries, now) => holdLease(queries, epoch, now)));
    const [last] = before;
    expect(stamps).toEqual([1n, 2n, 3n].map((more) => BigInt(last?.stamp ?? 0) + more));
    await set(`stamp = 0`);
  });

  test('one that is rolled back leaves no trace', async () => {
    const epoch = await taken('first');
    const failing = database.transaction(async (queries, now) => {
      await holdLease(queries, epoch, now);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(await database.run(({ sql }) => sql(`select from twilio_sync.lease where stamp > ${at(0)}`))).toEqual([]);
  });
});

test('an instant is a column’s to the microsecond, there and back', async () => {
  const seed = Date.now() % 1_000_000;
  const random = createRandom(seed);
  const until = Date.UTC(2100, 0) * 1000;
  const given = [0n, 1n, 999_999n, ...Array.from({ length: 20_000 }, () => BigInt(random.int(0, until)))];
  const wrong = await database.run(({ sql }) =>
    sql(
      `select given, ${fromMicroseconds('given')} from unnest($1::bigint[]) as given
       where ${fromMicroseconds('given')} <> timestamptz 'epoch' + given * interval '1 microsecond'
         or ${seconds(fromMicroseconds('given'))} <> given / 1000000.0`,
      [given],
    ),
  );
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
});

/** Waits until a session waits for a lock. */
async function untilOneWaits(): Promise<void> {
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await database.run(({ sql }) => sql(waiting))).length === 0) {
    await database.run(({ sql }) => sql('select pg_sleep(0.01)'));
  }
}
