// One pool for the schemas of several accounts: each statement meets the tables of its own account, whatever the connection was used
// for before.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { readFacts } from '../../src/status/snapshot.ts';
import { openEmptyDatabase, type TestDatabase } from '../database.ts';

const schemas = ['twilio', 'twilio_acme', `o'"dd`, 'twilio_beta'];
let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await openEmptyDatabase();
  for (const schema of schemas) {
    const connection = { ...opened.connection, schema };
    await migrate(connection);
  }
  database = openDatabase(opened.connection);
  database.share(schemas.length);
});

afterAll(async () => {
  await database?.close();
  await opened?.[Symbol.asyncDispose]();
});

test('statements, transactions and questions meet the tables of their own schema', async () => {
  for (const [index, schema] of schemas.entries())
    await database
      .under(schema)
      .transaction(({ sql }) =>
        sql(`insert into twilio_sync.runs (command) select $1 from generate_series(0, $2::int)`, [schema, index]),
      );
  const mix = Array.from({ length: 40 }, (_, index) => schemas[index % schemas.length] ?? '');
  const text = 'select command, count(*)::int as count from twilio_sync.runs group by command';
  const found = await Promise.all(
    mix.map(async (schema, index) => {
      const own = database.under(schema);
      if (index % 3 === 0) return await own.run(({ sql }) => sql(text));
      return index % 3 === 1 ? await own.transaction(({ sql }) => sql(text)) : await own.ask(text, 10_000);
    }),
  );
  expect(found).toEqual(mix.map((schema) => [{ command: schema, count: schemas.indexOf(schema) + 1 }]));
});

test('the lease of one account says nothing of another', async () => {
  for (const schema of schemas) expect(await takeLease(database.under(schema), schema)).toHaveProperty('epoch');
  for (const schema of schemas) {
    const facts = await readFacts((text) => database.under(schema).ask(text, 10_000));
    expect(facts.worker).toBe(schema);
  }
});

test('an account whose statements wait for a lock keeps no other from working', async () => {
  const [, stuck = '', , other = ''] = schemas;
  const { promise: locked, resolve: lockedIt } = Promise.withResolvers<void>();
  const { promise: release, resolve: releaseIt } = Promise.withResolvers<void>();
  const holder = openDatabase(opened.connection);
  const holding = holder.under(stuck).transaction(async ({ sql }) => {
    await sql('lock table twilio_sync.runs in access exclusive mode');
    lockedIt();
    // A statement now and then: a transaction without any is ended.
    for (let done = false; !done; ) {
      done = await Promise.race([release.then(() => true), sql('select pg_sleep(0.1)').then(() => false)]);
    }
  });
  await locked;
  const waiting = Array.from({ length: 12 }, () =>
    database.under(stuck).run(({ sql }) => sql('select count(*)::int as count from twilio_sync.runs')),
  );
  expect(await database.under(other).run(({ sql }) => sql('select 1 as one'))).toEqual([{ one: 1 }]);
  releaseIt();
  await holding;
  expect(await Promise.all(waiting)).toHaveLength(12);
  await holder.close();
});
