// The dbt project of examples/dbt, its SQL run as dbt runs it on Postgres: what an incremental run leaves is what a full
// refresh makes, whatever changed between; its tests hold; and what it says of tables is what the database says.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { World } from '../world.ts';

const folder = join(import.meta.dirname, '../../examples/dbt');
const file = (path: string) => readFileSync(join(folder, path), 'utf8');

/** The Jinja that these files use, and no more; anything else is an error. */
function resolve(text: string, incremental: boolean, self = ''): string {
  const sql = text
    .replace(/\{\{ config\([^)]*\) \}\}/, '')
    .replace(/\{% if is_incremental\(\) %\}(.*?)\{% endif %\}/gs, (_, inner: string) => (incremental ? inner : ''))
    .replace(/\{\{ source\('(\w+)', '(\w+)'\) \}\}/g, '$1.$2')
    .replace(/\{\{ ref\('(\w+)'\) \}\}/g, 'analytics.$1')
    .replaceAll('{{ this }}', self);
  if (/[{}]{2}|\{%/.test(sql)) throw new Error(`not understood: ${sql}`);
  return sql;
}

let world: World;

beforeAll(async () => {
  world = await World.open({ conversations: 300, days: 30, wild: true, results: true });
  await world.sync();
  await world.pool.query('create schema analytics');
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

const model = (name: string) => file(`models/${name}.sql`);

const incremental = ['conversations', 'operator_results'];

/** What dbt does without a table, or with --full-refresh. */
async function runFull(name: string, table = `analytics.${name}`): Promise<void> {
  await world.pool.query(`drop table if exists ${table} cascade`);
  await world.pool.query(`create table ${table} as ${resolve(model(name), false, table)}`);
}

/** The strategy delete+insert. @returns how many rows were read. */
async function runIncremental(name: string): Promise<number> {
  const table = `analytics.${name}`;
  const [, key = ''] = /incremental_strategy='delete\+insert', unique_key='(\w+)'/.exec(model(name)) ?? [];
  const client = await world.pool.connect();
  try {
    await client.query(`begin; create temporary table fresh on commit drop as ${resolve(model(name), true, table)}`);
    await client.query(`delete from ${table} where ${key} in (select ${key} from fresh)`);
    const { rowCount } = await client.query(`insert into ${table} select * from fresh`);
    await client.query('commit');
    return rowCount ?? 0;
  } finally {
    client.release();
  }
}

async function contents(table: string): Promise<unknown[]> {
  const { rows } = await world.pool.query(
    `select to_jsonb(t) as row from ${table} t order by to_jsonb(t)::text collate "C"`,
  );
  return rows.map(({ row }) => row);
}

test('an incremental run leaves what a full refresh makes, and reads only what changed', async () => {
  const table = 'analytics.conversations';
  const results = 'analytics.operator_results';
  for (const name of incremental) await runFull(name);
  expect(await contents(table)).toHaveLength(300);
  for (const name of incremental) expect(await runIncremental(name)).toBe(0);

  // Old ones change too: late, silently, and one of them is deleted.
  const [emptied] = [...Map.groupBy(world.source.results(), ({ conversationId }) => conversationId)]
    .filter(([id, all]) => all.length === 1 && world.source.get(id).operatorResultIds?.length === 1)
    .flatMap(([, [only]]) => (only === undefined ? [] : [only]));
  const [gone = '', late = '', silent = '', redacted = '', reopened = '', poorer = ''] = world.source
    .all()
    .slice(40)
    .filter(({ id }) => id !== emptied?.conversationId)
    .filter(({ participants, communications }) => (participants?.length ?? 0) > 1 && (communications?.length ?? 0) > 3)
    .map(({ id }) => id);
  const [someone] = world.source.get(poorer).participants ?? [];
  world.source.remove(gone);
  world.source.say(late, 'One more thing');
  world.source.addResult(silent, { silent: true });
  world.source.redact(redacted);
  world.source.reopen(reopened);
  world.source.removeParticipant(poorer, someone?.id ?? '');
  world.source.removeResult(emptied?.id ?? '');
  const { id: created } = world.source.create();
  world.nowMs += 60_000;
  await world.sync({ reconcile: true });

  const before = await contents(table);
  expect(await contents(results)).toContainEqual(expect.objectContaining({ operator_result_id: emptied?.id }));
  expect(await runIncremental('conversations')).toBe(8);
  await runIncremental('operator_results');
  const after = await contents(table);
  for (const name of incremental) {
    await runFull(name, 'analytics.refreshed');
    expect(await contents(`analytics.${name}`)).toEqual(await contents('analytics.refreshed'));
  }
  expect(await contents(results)).toContainEqual(
    expect.objectContaining({ conversation_id: emptied?.conversationId, operator_result_id: null }),
  );
  expect(after).not.toEqual(before);
  expect(after).toContainEqual(expect.objectContaining({ conversation_id: created }));
  expect(after).toContainEqual(
    expect.objectContaining({ conversation_id: gone, deleted_at: expect.any(String), is_open: false }),
  );
  for (const name of incremental) expect(await runIncremental(name)).toBe(0);
});

test('what builds on it runs, and its tests find nothing', async () => {
  for (const name of incremental) await runFull(name);
  for (const name of ['daily_response', 'weekly_labels']) {
    await world.pool.query(`create or replace view analytics.${name} as ${resolve(model(name), true)}`);
  }
  const { rows } = await world.pool.query<{ conversations: number; kept: number }>(
    `select sum(conversations)::int as conversations, (select count(*)::int from twilio.conversations where deleted_at is null) as kept
     from analytics.daily_response`,
  );
  expect(rows[0]?.conversations).toBe(rows[0]?.kept);
  const labels = await world.pool.query<{ label: string }>(
    `select distinct label from analytics.weekly_labels where operator_name = 'Sentiment'`,
  );
  expect(labels.rows.map(({ label }) => label)).toEqual(expect.arrayContaining(['negative', 'neutral', 'positive']));
  let checked = 0;
  for (const { name, columns } of entries(file('models/schema.yml'), '  ')) {
    for (const { column, tests } of columns) {
      const failing = {
        not_null: `${column} is null`,
        unique: `${column} in (select ${column} from analytics.${name} group by 1 having count(*) > 1)`,
      };
      for (const each of tests) {
        const found = await world.pool.query(
          `select from analytics.${name} where ${failing[each as keyof typeof failing]}`,
        );
        expect(found.rowCount, `${each} of ${name}.${column}`).toBe(0);
        checked += 1;
      }
    }
  }
  expect(checked).toBe(10);
  for (const path of globSync('tests/*.sql', { cwd: folder })) {
    expect((await world.pool.query(resolve(file(path), true))).rows, path).toEqual([]);
  }
});

test('its sources are the tables and views, in the words of their comments', async () => {
  const { rows } = await world.pool.query<{ name: string; description: string; columns: object[] }>(
    `select relname as name, obj_description(c.oid, 'pg_class') as description,
       (select jsonb_agg(jsonb_build_object('column', attname, 'description', col_description(c.oid, attnum), 'tests', '[]'::jsonb) order by attnum)
        from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
     from pg_class c where relnamespace = 'twilio'::regnamespace and relkind in ('r', 'v') and relname !~ '^result_' order by relkind, relname`,
  );
  expect(entries(file('models/sources.yml'), '      ')).toEqual(rows);
});

interface Entry {
  name: string;
  description: string;
  columns: { column: string; description: string; tests: string[] }[];
}

/** Tables or models of one of these YAML files, which stand at an indent; only the form they are written in is understood. */
function entries(yaml: string, indent: string): Entry[] {
  const found: Entry[] = [];
  for (const block of yaml.split(new RegExp(`^${indent}- name: `, 'm')).slice(1)) {
    const [head = '', ...columns] = block.split(new RegExp(`^${indent}    - name: `, 'm'));
    const text = (part: string): string => JSON.parse(/description: (".*")$/m.exec(part)?.[1] ?? '""');
    found.push({
      name: /^\w+/.exec(head)?.[0] ?? '',
      description: text(head),
      columns: columns.map((part) => ({
        column: /^\w+/.exec(part)?.[0] ?? '',
        description: text(part),
        tests: /data_tests: \[(.*)\]/.exec(part)?.[1]?.split(', ') ?? [],
      })),
    });
  }
  return found;
}
