// Work under the lease: who gets it, who waits and for how long, and that it is given back.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { NewerSchema } from '../../src/postgres/obstacles.ts';
import { LeaseHeld, whileLeased } from '../../src/postgres/while-leased.ts';
import { readSnapshot } from '../../src/status/snapshot.ts';
import { LeaseLost } from '../../src/sync/model.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { postgres } from '../lib/frames.ts';
import { TcpProxy } from '../lib/tcp-proxy.ts';

let opened: TestDatabase;
let database: Database;
const never = new AbortController().signal;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

const holder = () =>
  database.run(async ({ sql }) => (await sql<{ holder: string | null }>('select holder from twilio_sync.lease'))[0]);

test('another worker’s lease is waited for, and given up on in time, by name', async () => {
  await whileLeased(database, { holder: 'first', signal: never }, async () => {
    const waitedFor: string[] = [];
    const second = whileLeased(
      database,
      { holder: 'second', signal: never, giveUpAfterMs: 1, onWaiting: (heldBy) => waitedFor.push(heldBy) },
      async () => 'never',
    );
    await expect(second).rejects.toThrow(LeaseHeld);
    await expect(second).rejects.toThrow('another worker holds the lease (first)');
    expect(new Set(waitedFor)).toEqual(new Set(['first']));
    expect(await holder()).toEqual({ holder: 'first' });
  });
});

test('it is given back at the end of the work, however that ends, and without delay', async () => {
  const failing = whileLeased(database, { holder: 'failing', signal: never }, async () => {
    throw new Error('on purpose');
  });
  await expect(failing).rejects.toThrow('on purpose');
  expect(await holder()).toEqual({ holder: null });
  const work = async () => 'done';
  // Nothing to wait for: it would be given up at once where the lease was held.
  expect(await whileLeased(database, { holder: 'next', signal: never, giveUpAfterMs: 0 }, work)).toBe('done');
});

test('a wait for it ends with the signal', async () => {
  await whileLeased(database, { holder: 'first', signal: never }, async () => {
    const controller = new AbortController();
    const waiting = whileLeased(
      database,
      { holder: 'second', signal: controller.signal, onWaiting: () => controller.abort(new Error('told to end')) },
      async () => 'never',
    );
    await expect(waiting).rejects.toThrow('told to end');
  });
});

test('lost to another, it aborts the work and is not given back', async () => {
  const lost = whileLeased(database, { holder: 'first', signal: never }, async (_epoch, signal) => {
    await database.run(({ sql }) => sql(`update twilio_sync.lease set epoch = epoch + 1, holder = 'second'`));
    await new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  await expect(lost).rejects.toThrow(LeaseLost);
  expect(await holder()).toEqual({ holder: 'second' });
});

test('a lease that cannot be renewed within its term is said to be held no more, and again once it can', async () => {
  await using proxy = await TcpProxy.open(opened.url, postgres);
  const { hostname, port } = new URL(proxy.through());
  const far = openDatabase({ ...opened.connection, host: hostname, port: Number(port) });
  let held = true;
  let turned = Promise.withResolvers<void>();
  const onHeld = (now: boolean) => {
    held = now;
    turned.resolve();
    turned = Promise.withResolvers();
  };
  // On a busy machine it may also run out before, and be held again.
  const until = async (wanted: boolean) => {
    while (held !== wanted) await turned.promise;
  };
  const limits = { renewEveryMs: 5, termMs: 200 };
  try {
    await whileLeased(far, { holder: 'far', signal: never, onHeld, limits }, async () => {
      proxy.refuse();
      await until(false);
      proxy.mend();
      await until(true);
    });
    expect(await holder()).toEqual({ holder: null });
  } finally {
    await far.close();
  }
});

/** As a newer release does it. */
const migrateOn = `insert into twilio_sync.__drizzle_migrations (hash, created_at) values ('of a newer release', 99999999999999)`;
const migrateBack = `delete from twilio_sync.__drizzle_migrations where hash = 'of a newer release'`;

test('a newer release migrates: the work is ended, the lease given back, and not taken again', async () => {
  const ended = whileLeased(database, { holder: 'older', signal: never }, async (_epoch, signal) => {
    await database.run(({ sql }) => sql(migrateOn));
    await new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  try {
    await expect(ended).rejects.toThrow(NewerSchema);
    expect(await holder()).toEqual({ holder: null });
    await expect(takeLease(database, 'older again')).rejects.toThrow(/newer release than this program/);
    expect(await holder()).toEqual({ holder: null });
    expect(await database.run(readSnapshot)).toMatchObject({
      evidence: { blocker: { code: 'newer_release' } },
    });
  } finally {
    await database.run(({ sql }) => sql(migrateBack));
  }
  expect(await takeLease(database, 'newer')).toHaveProperty('epoch');
});
