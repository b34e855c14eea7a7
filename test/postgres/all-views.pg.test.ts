// Views over all accounts: the columns and rows of each table with the account; made anew only where that is needed; what other
// people have built on them stays.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AllOf, mostAccounts, updateAllViews } from '../../src/postgres/all-views.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { migrate, migrationLock } from '../../src/postgres/migrate.ts';
import { dependants } from '../../src/postgres/obstacles.ts';
import { createReplicas } from '../../src/postgres/replicas.ts';
import { grantReader, ReaderRefused } from '../../src/readers/grant.ts';
import { scramVerifier } from '../../src/readers/scram.ts';
import { tablesOf } from '../../src/sync/tables.ts';
import { openEmptyDatabase, type TestDatabase } from '../database.ts';
import { migrateUpTo } from './earlier.ts';

const odd: AllOf = { sid: `AC'odd`, schema: 'Odd "schema"' };
const acme: AllOf = { sid: 'ACacme', schema: 'twilio_acme' };
const plain: AllOf = { sid: 'ACplain', schema: 'twilio' };
const three = [odd, acme, plain];
const names = [
  ...Object.values(tablesOf)
    .flat()
    .map(({ name }) => name),
  'results',
].toSorted();

let opened: TestDatabase;
let database: Database;
let client: pg.Client;

beforeAll(async () => {
  opened = await openEmptyDatabase();
  database = openDatabase(opened.connection);
  client = new pg.Client(opened.connection);
  await client.connect();
  for (const { schema } of three) {
    await migrate({ ...opened.connection, schema } as pg.ClientConfig);
    await client.query(`set search_path to ${pg.escapeIdentifier(schema)};
      insert into conversations (id, account_id, created_at, first_synced_at, synced_at) values ('${schema} 1', 'ACof the API', '2026-01-01Z', now(), now());
      insert into conversations (id, created_at, first_synced_at, synced_at) values ('${schema} 2', '2026-01-02Z', now(), now());
      insert into communications (conversation_id, id, position, text) values ('${schema} 1', 'm', 0, 'hello');
      insert into operators (id, name, synced_at) values ('o', 'Mood', now());
      insert into operator_results (conversation_id, id, operator_id, account_id, created_at) values ('${schema} 1', 'r', 'o', 'ACmaker', now());
      reset search_path`);
  }
});

afterAll(async () => {
  await client.end();
  await database.close();
  await opened[Symbol.asyncDispose]();
});

const rows = async (text: string, values: unknown[] = []) =>
  (await client.query<Record<string, unknown>>(text, values)).rows;
const update = (accounts = three) => updateAllViews(database, accounts);
const nothing = { made: [], dropped: [], kept: [], tooMany: false };

async function columnsOf(relation: string): Promise<string[]> {
  const found = await rows(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [relation],
  );
  return found.map(({ name }) => String(name));
}

/** What tells a view that was dropped and made from one that was replaced. */
async function oids(): Promise<Record<string, unknown>> {
  const found = await rows(`select relname, oid from pg_class where relnamespace = 'twilio_all'::regnamespace`);
  return Object.fromEntries(found.map(({ relname, oid }) => [relname, oid]));
}

describe('three accounts', () => {
  test('each table and the results have a view', async () => {
    const outcome = await update();
    expect({ ...outcome, made: outcome.made.toSorted() }).toEqual({ ...nothing, made: names });
  });

  test.each(names)('%s has the columns of the table, the account, and comments', async (name) => {
    const own = await columnsOf(`twilio.${name}`);
    expect(await columnsOf(`twilio_all.${name}`)).toEqual(own.includes('account_id') ? own : ['account_id', ...own]);
    const bare = await rows(
      `select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and col_description(attrelid, attnum) is null`,
      [`twilio_all.${name}`],
    );
    expect(bare).toEqual([]);
    const [comment] = await rows(`select obj_description($1::regclass) as of`, [`twilio_all.${name}`]);
    expect(comment?.['of']).toMatch(/ Of all accounts\. Made by conversation-sync \([0-9a-f]{16}\)\.$/);
  });

  test('rows are those of the tables, each with its account', async () => {
    expect(await rows('select account_id, conversation_id, text from twilio_all.communications order by 1')).toEqual(
      [odd, acme, plain].map(({ sid, schema }) => ({ account_id: sid, conversation_id: `${schema} 1`, text: 'hello' })),
    );
    expect(await rows('select account_id, id, operator_name, is_latest from twilio_all.results order by 1')).toEqual(
      three.map(({ sid }) => ({ account_id: sid, id: 'r', operator_name: 'Mood', is_latest: true })),
    );
    // What the API said stays. Only where it said nothing, the account is that of the credentials.
    const [first, ...others] = await rows(
      'select account_id, count(*)::int from twilio_all.conversations group by 1 order by count(*) desc, 1',
    );
    expect(first).toEqual({ account_id: 'ACof the API', count: 3 });
    expect(others).toEqual(three.map(({ sid }) => ({ account_id: sid, count: 1 })));
    expect(await rows('select distinct account_id from twilio_all.operator_results')).toEqual([
      { account_id: 'ACmaker' },
    ]);
  });

  test('a condition on the account leaves out the tables of the others', async () => {
    const plan = await rows(`explain select * from twilio_all.communications where account_id = '${acme.sid}'`);
    const scanned = plan.map((line) => String(line['QUERY PLAN'])).filter((line) => / on /.test(line));
    expect(scanned).toEqual([expect.stringContaining(' on communications')]);
  });

  test('nothing is done again, whatever the order of the file', async () => {
    const before = await oids();
    expect(await update()).toEqual(nothing);
    expect(await update(three.toReversed())).toEqual(nothing);
    expect(await oids()).toEqual(before);
  });

  test('they are not among the views that doctor calls somebody else’s', async () => {
    expect(await rows(`select ${dependants} as found`)).toEqual([{ found: [] }]);
  });
});

describe('changes', () => {
  test('an account that leaves the file is in no view; what stands on them goes on, and its tables stay', async () => {
    await client.query(
      `create schema mart; create view mart.volume as select account_id, count(*)::int from twilio_all.communications group by 1`,
    );
    const before = await oids();
    expect((await update([plain, odd])).made.toSorted()).toEqual(names);
    expect(await oids()).toEqual(before);
    expect(await rows('select account_id from mart.volume order by 1')).toEqual([
      { account_id: odd.sid },
      { account_id: plain.sid },
    ]);
    expect(await rows('select count(*)::int from twilio_acme.communications')).toEqual([{ count: 1 }]);
    expect((await update()).kept).toEqual([]);
    expect(await rows('select account_id from mart.volume')).toHaveLength(3);
  });

  test('a schema of an earlier release has nulls for columns that it lacks, until it is migrated', async () => {
    const early: AllOf = { sid: 'ACearly', schema: 'twilio_early' };
    await migrateUpTo(client, 9, early.schema);
    await client.query(
      `insert into twilio_early.conversations (id, created_at, first_synced_at, synced_at) values ('early', '2026-01-01Z', now(), now())`,
    );
    const before = await oids();
    const withTables = async () => (await update([...three, early])).made.toSorted();
    expect(await withTables()).toEqual(
      names.filter((name) => !/^(results|operators|intelligence_conf|operator_results|operator_result_ref)/.test(name)),
    );
    const found = () =>
      rows(`select id, account_id, words, channels from twilio_all.conversations where account_id = 'ACearly'`);
    expect(await found()).toEqual([{ id: 'early', account_id: 'ACearly', words: null, channels: null }]);
    expect(await columnsOf('twilio_all.conversations')).toEqual(await columnsOf('twilio.conversations'));
    // The views stand on its tables meanwhile.
    await migrate({ ...opened.connection, schema: early.schema } as pg.ClientConfig);
    const changed = await withTables();
    expect(changed).toEqual(expect.arrayContaining(['conversations', 'operators', 'participants', 'results']));
    expect(changed).not.toContain('communications');
    expect(await found()).toHaveLength(1);
    expect(await oids()).toEqual(before);
    expect((await update()).kept).toEqual([]);
  });

  test('only the view of a table with a new column is made anew, in place, with all that stands on it', async () => {
    const before = await oids();
    await client.query(`create view mart.operators as select * from twilio_all.operators`);
    await client.query(
      `alter table twilio.operators add column quality integer; comment on column twilio.operators.quality is 'How good it is.'`,
    );
    expect(await update()).toEqual({ ...nothing, made: ['operators'] });
    expect(await oids()).toEqual(before);
    expect((await columnsOf('twilio_all.operators')).at(-1)).toBe('quality');
  });

  test('where columns go, a view with another on it stays as it is and is named; once that is gone, it is made anew', async () => {
    const stays = {
      view: 'twilio_all.operators',
      reason: 'mart.operators stands on it: drop it, and make it again later',
    };
    const left = [odd, acme];
    const outcome = await update(left);
    expect({ ...outcome, made: outcome.made.toSorted() }).toEqual({
      ...nothing,
      made: names.filter((name) => name !== 'operators'),
      kept: [stays],
    });
    expect(await rows('select from mart.operators')).toHaveLength(3);
    const reader = `reader_${process.pid}`;
    await client.query(
      `drop view mart.operators; create role ${reader}; grant select on twilio_all.operators to ${reader}, public`,
    );
    try {
      expect(await update(left)).toEqual({ ...nothing, made: ['operators'] });
      expect(await columnsOf('twilio_all.operators')).not.toContain('quality');
      expect(
        await rows(
          `select relacl::text ~ '[{,]=r/' as public, has_table_privilege($1, oid, 'select') as reader
        from pg_class where oid = 'twilio_all.operators'::regclass`,
          [reader],
        ),
      ).toEqual([{ public: true, reader: true }]);
    } finally {
      await client.query(`drop owned by ${reader}; drop role ${reader}`);
    }
  });

  test('a view that somebody dropped is made again; what somebody put in its place is left alone', async () => {
    await client.query(
      `drop view twilio_all.participants; drop view twilio_all.operators; create table twilio_all.operators (mine int)`,
    );
    await client.query(
      `drop view twilio_all.operator_results; create view twilio_all.operator_results as select 1 as mine`,
    );
    const reason = 'this program did not make it: drop or rename it';
    const foreign = ['twilio_all.operator_results', 'twilio_all.operators'].map((view) => ({ view, reason }));
    const outcome = await update([odd, acme]);
    expect(outcome.made).toEqual(['participants']);
    expect(outcome.kept.toSorted((a, b) => (a.view < b.view ? -1 : 1))).toEqual(foreign);
    expect(await rows('select mine from twilio_all.operator_results')).toEqual([{ mine: 1 }]);
    await client.query('drop table twilio_all.operators; drop view twilio_all.operator_results');
    expect((await update()).kept).toEqual([]);
  });

  test('while a migration or a grant runs, nothing is made', async () => {
    await client.query(`begin; select pg_advisory_xact_lock(${migrationLock})`);
    const { made, kept } = await update([plain]);
    await client.query('rollback');
    expect(made).toEqual([]);
    expect(kept).toHaveLength(names.length);
    expect(kept[0]?.reason).toBe('a migration or a grant is running');
    expect(await update()).toEqual(nothing);
  });

  test('two processes at once make the same', async () => {
    const other = openDatabase(opened.connection);
    try {
      const both = await Promise.all([updateAllViews(database, [plain]), updateAllViews(other, [plain])]);
      // Whoever finds the other at work leaves it to it.
      expect(
        both.flatMap(({ kept }) => kept).filter(({ reason }) => reason !== 'a migration or a grant is running'),
      ).toEqual([]);
      expect((await update([plain])).kept).toEqual([]);
      expect(await rows('select distinct account_id from twilio_all.communications')).toEqual([
        { account_id: plain.sid },
      ]);
    } finally {
      await other.close();
    }
    expect((await update()).kept).toEqual([]);
  });
});

describe('many accounts', () => {
  const many = Array.from({ length: mostAccounts + 1 }, (_, at) => ({ sid: `AC${at}`, schema: `many_${at}` }));

  test(`of ${mostAccounts} there are views, of more there are none, but for those that something stands on`, async () => {
    const made = many.map(
      (
        { schema },
        at,
      ) => `create schema ${schema}; create table ${schema}.communications (conversation_id text, id text);
        insert into ${schema}.communications values ('c${at}', 'm')`,
    );
    await client.query(made.join(';\n'));
    await client.query('drop schema mart cascade; create schema mart');
    const { dropped, made: views } = await update(many.slice(1));
    expect({ views, dropped: dropped.toSorted() }).toEqual({
      views: ['communications'],
      dropped: names.filter((name) => name !== 'communications'),
    });
    expect(
      await rows('select count(distinct account_id)::int as accounts, count(*)::int from twilio_all.communications'),
    ).toEqual([{ accounts: mostAccounts, count: mostAccounts }]);
    await client.query('create view mart.mine as select * from twilio_all.communications');
    const kept = [
      { view: 'twilio_all.communications', reason: 'mart.mine stands on it: drop it, and make it again later' },
    ];
    expect(await update(many)).toEqual({ ...nothing, tooMany: true, kept });
    await client.query('drop view mart.mine');
    expect(await update(many)).toEqual({ ...nothing, tooMany: true, dropped: ['communications'] });
    expect(await update(many)).toEqual({ ...nothing, tooMany: true });
  });
});

describe('rights', () => {
  const run = randomBytes(4).toString('hex');
  const all = () => openDatabase({ ...opened.connection, schema: 'twilio_all' } as pg.ClientConfig);
  const wanted = (role: string) => ({
    role,
    schema: 'twilio_all',
    verifier: scramVerifier('a password', randomBytes(16)),
    change: false,
  });

  test('a reader of twilio_all reads its views, also later ones, and nothing of one account', async () => {
    const role = `reader_${run}`;
    await createReplicas(database);
    await update([plain]);
    const granting = all();
    const reader = new pg.Client({ ...opened.connection, user: role, password: 'a password' });
    try {
      expect(await grantReader(granting, wanted(role))).toEqual({ created: true, passwordSet: true, warnings: [] });
      await client.query('drop view twilio_all.participants');
      await update();
      await reader.connect();
      for (const name of names) await reader.query(`select * from ${name} limit 1`);
      for (const name of ['twilio.conversations', 'twilio_sync.lease', 'twilio_all_sync.replicas'])
        await expect(reader.query(`select from ${name}`), name).rejects.toMatchObject({ code: '42501' });
    } finally {
      await reader.end();
      await granting.close();
      await client.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test('a worker’s user cannot become one, and may lack the right to make the schema', async () => {
    const role = `worker_${run}`;
    await client.query(`create role ${role} login password 'x'; grant usage on schema twilio_all_sync to ${role};
      grant select, insert, update, delete on all tables in schema twilio_all_sync to ${role}`);
    const granting = all();
    const worker = openDatabase({ ...opened.connection, user: role, password: 'x' });
    try {
      await expect(grantReader(granting, wanted(role))).rejects.toThrow(ReaderRefused);
      expect((await updateAllViews(worker, three)).kept).toEqual([]);
      await client.query('drop schema twilio_all cascade');
      expect(await updateAllViews(worker, three)).toEqual({
        ...nothing,
        kept: [
          { view: 'schema twilio_all', reason: expect.stringMatching(/lacks rights.*permission denied for database/) },
        ],
      });
    } finally {
      await worker.close();
      await granting.close();
      await client.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
