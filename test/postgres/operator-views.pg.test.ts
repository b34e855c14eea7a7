// The views of operators on a real server: what they show of odd results, what stays when an operator changes, and what is never touched.

import { PassThrough } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operatorViews } from '../../src/cli/commands/operator-views.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { maxColumns } from '../../src/postgres/operator-columns.ts';
import { updateOperatorViews } from '../../src/postgres/operator-views.ts';
import { openEmptyDatabase, openTestDatabase, type TestDatabase } from '../database.ts';

type Row = Record<string, unknown>;

let opened: TestDatabase;
let database: Database;
let client: pg.Client;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
  client = new pg.Client(opened.connection);
  await client.connect();
  await client.query(
    `insert into twilio.conversations (id, created_at, first_synced_at, synced_at)
     select 'c' || n, '2026-06-15', now(), now() from generate_series(1, 3) as n`,
  );
});

afterAll(async () => {
  await client?.end();
  await database?.close();
  await opened?.[Symbol.asyncDispose]();
});

const update = (by = database) => updateOperatorViews(by.run, by.transaction, true);
const rows = async (sql: string, parameters: unknown[] = []): Promise<Row[]> =>
  (await client.query(sql, parameters)).rows;
const columnsOf = async (view: string) => {
  const { fields } = await client.query(`select * from twilio.${pg.escapeIdentifier(view)} limit 0`);
  return fields.map(({ name }) => name).slice(fields.findIndex(({ name }) => name === 'operator_version') + 1);
};

interface Given {
  name?: string | null;
  format?: string;
  schema?: unknown;
}

/** Stores an operator, as reading the names does. */
async function put(id: string, { name = id, format = 'JSON', schema = null }: Given): Promise<void> {
  await client.query(
    `insert into twilio.operators (id, name, description, output_format, extra, synced_at)
     values ($1, $2, 'What it does', $3, jsonb_build_object('outputSchema', $4::jsonb), clock_timestamp())
     on conflict (id) do update set name = excluded.name, output_format = excluded.output_format, extra = excluded.extra, synced_at = excluded.synced_at`,
    [id, name, format, JSON.stringify(schema)],
  );
}

/** Stores a result, as text of JSON. The later its id, the later it was made. */
async function result(operator: string, conversation: string, id: string, json: string): Promise<void> {
  await client.query(
    `insert into twilio.operator_results (conversation_id, id, operator_id, operator_version, result, text, label, created_at)
     select $1, $2, $3, 1, value, coalesce(value ->> 'text', value #>> '{}'), value ->> 'label', '2026-06-15T10:00Z'::timestamptz + ascii($2) * interval '1 second'
     from (select $4::jsonb as value) as given`,
    [conversation, id, operator, json],
  );
}

describe('what they show', () => {
  const score = { type: 'object', properties: { score: { type: 'number', description: 'From 0 to 1.' } } };

  test('the latest result of each conversation, and all of them beside it', async () => {
    await put('adherence', { name: 'Script adherence', schema: score });
    await result('adherence', 'c1', 'a', '{"score": 0.25}');
    await result('adherence', 'c1', 'b', '{"score": 0.5}');
    await result('adherence', 'c2', 'c', '{"score": "n/a"}');
    await result('another', 'c1', 'd', '{"score": 1}');
    expect(await update()).toEqual([
      { operatorId: 'adherence', operator: 'Script adherence', view: 'result_script_adherence', change: 'made' },
    ]);
    expect(
      await rows('select conversation_id, operator_result_id, score from twilio.result_script_adherence order by 1'),
    ).toEqual([
      { conversation_id: 'c1', operator_result_id: 'b', score: '0.5' },
      { conversation_id: 'c2', operator_result_id: 'c', score: null },
    ]);
    expect(
      await rows(
        'select operator_result_id as id, is_latest, score from twilio.result_script_adherence_history order by 1',
      ),
    ).toEqual([
      { id: 'a', is_latest: false, score: '0.25' },
      { id: 'b', is_latest: true, score: '0.5' },
      { id: 'c', is_latest: true, score: null },
    ]);
    expect(
      (await rows('select * from twilio.result_script_adherence where conversation_id = $1', ['c1']))[0],
    ).toMatchObject({
      deleted_at: null,
      first_response_name: null,
      day: expect.any(Date),
      operator_version: 1,
      conversation_created_at: expect.any(Date),
    });
  });

  test('a comment on each view and column, with the author’s words', async () => {
    const [comments] = await rows(
      `select obj_description('twilio.result_script_adherence'::regclass) as latest,
         obj_description('twilio.result_script_adherence_history'::regclass) as history,
         (select array_agg(col_description(attrelid, attnum)) from pg_attribute where attrelid = 'twilio.result_script_adherence'::regclass and attname = 'score') as score,
         (select count(*)::int from pg_attribute where attrelid in ('twilio.result_script_adherence'::regclass, 'twilio.result_script_adherence_history'::regclass)
            and col_description(attrelid, attnum) is null) as without`,
    );
    expect(comments).toEqual({
      latest: expect.stringMatching(/^The latest result of operator Script adherence .*What it does$/),
      history: expect.stringMatching(/^Every result of operator Script adherence, /),
      score: ['From 0 to 1. Property score of the result; null if it is not a number.'],
      without: 0,
    });
  });

  test('each type, and null where a value is of another', async () => {
    const types = ['string', 'number', 'integer', 'boolean', 'object'];
    const values = [
      '"x"',
      '1.5',
      '12345678901234567890',
      '-9223372036854775808',
      '3.0',
      'true',
      '{"a": [null]}',
      '[1]',
      'null',
      '1e400',
    ];
    await put('types', { schema: { properties: Object.fromEntries(types.map((type) => [type, { type }])) } });
    for (const [at, value] of values.entries()) {
      const all = types.map((type) => `"${type}": ${value}`).join(', ');
      await result('types', 'c1', `v${at}`, `{${all}}`);
    }
    // Results that are no object.
    for (const [at, value] of ['"string"', '[1]', '7'].entries()) await result('types', 'c2', `w${at}`, value);
    await update();
    const shown = (column: string) =>
      rows(
        `select coalesce(${column}::text, '-') as value from twilio.result_types_history order by operator_result_id`,
      ).then((all) => all.map(({ value }) => value));
    const none = ['-', '-', '-'];
    const long = `1${'0'.repeat(400)}`;
    expect(await shown('string')).toEqual(['x', '-', '-', '-', '-', '-', '-', '-', '-', '-', ...none]);
    expect(await shown('number')).toEqual([
      ...['-', '1.5', '12345678901234567890', '-9223372036854775808', '3.0', '-', '-', '-', '-', long],
      ...none,
    ]);
    expect(await shown('integer')).toEqual([
      '-',
      '-',
      '-',
      '-9223372036854775808',
      '3',
      '-',
      '-',
      '-',
      '-',
      '-',
      ...none,
    ]);
    expect(await shown('boolean')).toEqual(['-', '-', '-', '-', '-', 'true', '-', '-', '-', '-', ...none]);
    expect(await shown('object')).toEqual([
      ...[
        '"x"',
        '1.5',
        '12345678901234567890',
        '-9223372036854775808',
        '3.0',
        'true',
        '{"a": [null]}',
        '[1]',
        '-',
        long,
      ],
      ...none,
    ]);
  });

  test('texts, classes, entities, and the whole result of all others', async () => {
    await put('summary', { format: 'TEXT' });
    await put('mood', { format: 'CLASSIFICATION' });
    await put('found', { format: 'EXTRACTION' });
    await put('free', { format: 'HAIKU' });
    await result('summary', 'c1', 'e', '"a bare text"');
    await result('mood', 'c1', 'f', '{"label": "good"}');
    await result('found', 'c1', 'g', '{"entities": [{"text": "Ada"}]}');
    await result('free', 'c1', 'h', '{"anything": 1}');
    await update();
    expect(await rows('select text from twilio.result_summary')).toEqual([{ text: 'a bare text' }]);
    expect(await rows('select label from twilio.result_mood')).toEqual([{ label: 'good' }]);
    expect(await rows('select entities from twilio.result_found')).toEqual([{ entities: [{ text: 'Ada' }] }]);
    expect(await rows('select result from twilio.result_free')).toEqual([{ result: { anything: 1 } }]);
  });

  test('properties with odd names, by these names', async () => {
    const names = [
      ...[
        `it's "quoted"`,
        'back\\slash',
        'order',
        'ctid',
        '__proto__',
        'twilio.results',
        '$1',
        '-- no comment',
        '満足度',
      ],
      ...['a\uFFFDb', 'Long '.repeat(40), 'is_latest', 'conversationId', '%s', '/* no comment'],
    ];
    const properties = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}: {"type": "string"}`).join(', ')}}`);
    await put('odd', { name: `Odd "names" 'here' \\ twilio_sync`, schema: { properties, required: names } });
    await result(
      'odd',
      'c1',
      'i',
      `{${names.map((name) => `${JSON.stringify(name)}: ${JSON.stringify(name)}`).join(', ')}}`,
    );
    expect(await update()).toEqual([
      expect.objectContaining({ view: 'result_odd_names_here_twilio_sync', change: 'made' }),
    ]);
    const columns = await columnsOf('result_odd_names_here_twilio_sync');
    expect(columns.every((column) => /^[a-z_][a-z0-9_]{0,62}$/.test(column))).toBe(true);
    const [row = {}] = await rows('select * from twilio.result_odd_names_here_twilio_sync');
    expect(columns.map((column) => row[column])).toEqual(names);
  });

  test('2,000 properties: those that fit, and the comment says so', async () => {
    const properties = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`p${at}`, { type: 'string' }]));
    await put('wide', { schema: { properties } });
    await update();
    expect(await columnsOf('result_wide')).toHaveLength(maxColumns);
    const [comment] = await rows(`select obj_description('twilio.result_wide'::regclass) as text`);
    expect(comment?.['text']).toContain(`${2_000 - maxColumns} more properties have no column here`);
  });
});

describe('what stays', () => {
  test('nothing is done if nothing has changed, in one statement', async () => {
    await update();
    const statements: string[] = [];
    const watched: Database['run'] = (work) =>
      database.run((queries) =>
        work({
          sql: (text, ...more) => {
            statements.push(text);
            return queries.sql(text, ...more);
          },
        }),
      );
    expect(await updateOperatorViews(watched, () => Promise.reject(new Error('nothing is written')), true)).toEqual([]);
    expect(statements).toHaveLength(1);
  });

  test('an operator that changes keeps its names; new columns come last, and what depends on a view goes on', async () => {
    await put('change', { name: 'First', schema: { properties: { a: { type: 'string' }, b: { type: 'string' } } } });
    await result('change', 'c1', 'j', '{"a": "old", "b": "text"}');
    await result('change', 'c2', 'k', '{"b": 2, "c": true}');
    await update();
    await client.query('create schema mart; create view mart.mine as select * from twilio.result_first');
    await client.query('create materialized view mart.copy as select b from twilio.result_first_history');
    await put('change', { name: 'Second', schema: { properties: { c: { type: 'boolean' }, b: { type: 'number' } } } });
    expect(await update()).toEqual([
      { operatorId: 'change', operator: 'Second', view: 'result_first', change: 'updated' },
    ]);
    expect(await columnsOf('result_first')).toEqual(['a', 'b', 'b_number', 'c']);
    expect(await rows('select a, b, b_number, c from twilio.result_first order by conversation_id')).toEqual([
      { a: 'old', b: 'text', b_number: null, c: null },
      { a: null, b: null, b_number: '2', c: true },
    ]);
    expect(await rows('select a, b from mart.mine order by conversation_id')).toHaveLength(2);
    await client.query('refresh materialized view mart.copy');
    const [comment] = await rows(
      `select obj_description('twilio.result_first'::regclass) as view, col_description('twilio.result_first'::regclass, attnum) as a
       from pg_attribute where attrelid = 'twilio.result_first'::regclass and attname = 'a'`,
    );
    expect(comment).toEqual({
      view: expect.stringContaining('operator Second'),
      a: 'Property a of earlier results; null if it is not a text.',
    });
  });

  test('a deleted operator keeps its views', async () => {
    await put('gone', {});
    await update();
    await client.query(
      `update twilio.operators set deleted_at = now(), synced_at = clock_timestamp() where id = 'gone'`,
    );
    await update();
    expect(await rows('select from twilio.result_gone')).toEqual([]);
  });

  test('a view that somebody dropped is made again under its name', async () => {
    await put('dropped', {});
    await update();
    await client.query('drop view twilio.result_dropped');
    expect(await update()).toEqual([expect.objectContaining({ view: 'result_dropped', change: 'made' })]);
    expect(await rows('select from twilio.result_dropped')).toEqual([]);
  });
});

describe('names that are taken', () => {
  test('get a number, by a relation, a type, another operator or its history', async () => {
    await client.query(`create table twilio.result_mine (id int); create type twilio.result_kind as enum ('a')`);
    await client.query('create view twilio.result_half_history as select 1 as one');
    for (const [id, name] of [
      ...[
        ['n1', 'Mine'],
        ['n2', 'Kind'],
        ['n3', 'Half'],
        ['n4', 'Same'],
        ['n5', 'same!'],
        ['n6', 'Same history'],
      ],
      ...[
        ['n7', '満足度'],
        ['n8', 'x'.repeat(100)],
        ['n9', 'x'.repeat(101)],
      ],
    ] as const)
      await put(id ?? '', { name: name ?? '' });
    await put('n0', { name: null });
    await update();
    const named = await rows(
      `select operator_id as id, name from twilio_sync.operator_views where operator_id ~ '^n\\d' order by 1`,
    );
    const long = 'x'.repeat(48);
    expect(named.map(({ name }) => name)).toEqual([
      ...['result_n0', 'result_mine_2', 'result_kind_2', 'result_half_2', 'result_same', 'result_same_2'],
      ...['result_same_history_2', 'result_n7', `result_${long}`, `result_${long.slice(2)}_2`],
    ]);
    expect(await rows('select * from twilio.result_half_history')).toEqual([{ one: 1 }]);
    expect(await rows('select id from twilio.result_mine')).toEqual([]);
  });

  test.each([
    ['table', 'create table twilio.result_replaced (mine int)'],
    ['view', 'create view twilio.result_replaced as select 1 as mine'],
    ['materialized view', 'create materialized view twilio.result_replaced as select 1 as mine'],
  ])('a %s that somebody made in a view’s place is left alone, and the others go on', async (kind, statement) => {
    await put('replaced', {});
    await put('bystander', {});
    await update();
    await client.query(`drop view twilio.result_replaced; ${statement}`);
    await put('replaced', { schema: { properties: { a: {} } } });
    await put('bystander', { schema: { properties: { a: {} } } });
    expect(await update()).toEqual([
      expect.objectContaining({ view: 'result_bystander', change: 'updated' }),
      {
        operatorId: 'replaced',
        error: expect.stringContaining('twilio.result_replaced is not the view that was made'),
        isBusy: false,
      },
    ]);
    const { fields } = await client.query('select * from twilio.result_replaced');
    expect(fields.map(({ name }) => name)).toEqual(['mine']);
    await client.query(`drop ${kind} twilio.result_replaced`);
    expect(await update()).toEqual([expect.objectContaining({ view: 'result_replaced', change: 'made' })]);
  });
});

describe('others', () => {
  test('a query that reads a view is waited for two seconds, once; the next time it works', async () => {
    await put('busy', {});
    await update();
    await put('busy', { schema: { properties: { a: {} } } });
    await client.query('begin; select from twilio.result_busy');
    // Its own limits would end the wait with another error.
    const patient = openDatabase(opened.connection, { lockMs: 600_000, answerMs: 20_000 });
    try {
      expect(await update(patient)).toEqual([
        { operatorId: 'busy', error: 'a query that reads the view is running', isBusy: false },
      ]);
      const waiting = await rows(
        `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(waiting).toEqual([]);
    } finally {
      await client.query('rollback');
      await patient.close();
    }
    expect(await update()).toEqual([expect.objectContaining({ view: 'result_busy', change: 'updated' })]);
  });

  test('whoever may read the view results may read new ones, and nobody else', async () => {
    const [reader, other] = [`reader_${process.pid}`, `other "${process.pid}"`];
    const quoted = [reader, other].map((role) => pg.escapeIdentifier(role));
    await client.query(quoted.map((role) => `create role ${role}`).join('; '));
    try {
      await client.query(
        `grant select on twilio.results to ${quoted[1]}; grant select on twilio.conversations to ${quoted[0]}`,
      );
      await put('granted', {});
      await update();
      const may = (role: string) =>
        rows(
          `select has_table_privilege($1, 'twilio.result_granted', 'select') and has_table_privilege($1, 'twilio.result_granted_history', 'select') as may`,
          [role],
        );
      expect(await may(other)).toEqual([{ may: true }]);
      expect(await may(reader)).toEqual([{ may: false }]);
    } finally {
      await client.query(quoted.map((role) => `drop owned by ${role}; drop role ${role}`).join('; '));
    }
  });

  test('a user who does not own the schema leaves it alone; the command says who can, and prints the SQL', async () => {
    const [role, admin] = [`worker_${process.pid}`, `admin_${process.pid}`];
    await client.query(`create role ${role} login password 'x'; grant usage on schema twilio, twilio_sync to ${role};
      grant select, insert, update, delete on all tables in schema twilio, twilio_sync to ${role}`);
    const connection = { ...opened.connection, user: role, password: 'x' };
    const worker = openDatabase(connection);
    const lines: string[] = [];
    const terminal = {
      write: (line: string) => void lines.push(line),
      ask: async () => null,
      progress: new PassThrough(),
      interactive: false,
    };
    const command = (print: boolean) =>
      operatorViews(
        { kind: 'server', schema: 'twilio', connection: { ...connection, schema: 'twilio' } },
        { print, json: false },
        terminal,
      );
    try {
      await put('printed', { name: 'Printed' });
      await put('printed too', { name: 'Printed' });
      expect(await update(worker)).toEqual([]);
      await expect(command(false)).rejects.toThrow(/may not create views in schema twilio; .* operator-views --print/);
      expect(lines).toEqual([]);
      expect(await command(true)).toBe(0);
      expect(lines[0]).toMatch(/^begin;.*create view "twilio"."result_printed" as.*commit;$/s);
      // Whoever runs it, new views belong to the owner of the others, who can change them later.
      await client.query(`create role ${admin} superuser; set role ${admin}`);
      await client.query(lines[0] ?? '');
      await client.query('reset role');
      expect(await rows('select from twilio.result_printed_2_history')).toEqual([]);
      const [owners] = await rows(
        `select array(select distinct relowner from pg_class where relname ~ '^result' and relkind = 'v') as all, relowner as of from pg_class where oid = 'twilio.results'::regclass`,
      );
      expect(owners?.['all']).toEqual([owners?.['of']]);
      expect(await update()).toEqual([]);
      expect(await command(true)).toBe(0);
      expect(lines[1]).toBe('-- The views of operators are up to date.');
    } finally {
      await worker.close();
      await client.query(`reset role; drop owned by ${role}; drop role ${role}, ${admin}`);
    }
  });
});

test('under SYNC_SCHEMA, names and texts from outside stay as they are', async () => {
  const schema = 'Odd "schema"';
  await using empty = await openEmptyDatabase();
  const connection = { ...empty.connection, schema };
  await migrate(connection);
  const other = openDatabase(connection);
  try {
    await other.run(({ sql }) =>
      sql(
        `insert into twilio.operators (id, name, output_format, extra, synced_at)
         values ('x', $1, 'JSON', jsonb_build_object('outputSchema', $2::jsonb), now())`,
        ['of twilio', JSON.stringify({ properties: { 'twilio.results': { description: 'twilio says' } } })],
      ),
    );
    expect(await update(other)).toEqual([expect.objectContaining({ view: 'result_of_twilio' })]);
    const [found] = await other.run(({ sql }) =>
      sql(
        `select pg_get_viewdef(c.oid) as definition, col_description(c.oid, attnum) as comment
         from pg_class c join pg_attribute on attrelid = c.oid and attname = 'twilio_results'
         where relnamespace = 'twilio'::regnamespace and relname = 'result_of_twilio'`,
      ),
    );
    expect(found?.['definition']).toContain(`'twilio.results'::text`);
    expect(found?.['comment']).toBe('twilio says Property twilio.results of the result.');
    expect(await update(other)).toEqual([]);
  } finally {
    await other.close();
  }
});
