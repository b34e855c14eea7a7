// The dbt package without dbt: its SQL run as dbt runs it on Postgres. What an incremental run leaves is what a full
// refresh makes, whatever changed between; its tests hold; every column is described, in the words of the database.

import { globSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { propertyFiles, readRelations } from '../../docs/dbt.ts';
import { World } from '../world.ts';
import { changeAll, contents, facts, file, folder, marts, properties, staging } from './package.ts';

let world: World;

beforeAll(async () => {
  world = await World.open({ conversations: 300, days: 30, wild: true, results: true });
  await world.sync();
  await world.pool.query('create schema analytics');
  for (const name of staging) {
    await world.pool.query(`create view analytics.${name} as ${resolve(file(`models/staging/${name}.sql`), false)}`);
  }
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

/** The Jinja that these files use, and no more; anything else is an error. */
function resolve(text: string, incremental: boolean, self = ''): string {
  const sql = text
    .replace(configuration, '')
    .replace(/\{% if is_incremental\(\) %\}(.*?)\{% endif %\}/gs, (_, inner: string) => (incremental ? inner : ''))
    .replace(/\{\{ source\('(\w+)', '(\w+)'\) \}\}/g, '$1.$2')
    .replace(/\{\{ ref\('(\w+)'\) \}\}/g, 'analytics.$1')
    .replaceAll('{{ this }}', self);
  if (/[{}]{2}|\{%/.test(sql)) throw new Error(`not understood: ${sql}`);
  return sql;
}

const configuration = /^\{\{ config\((.*?)\) \}\}$/ms;

/** Makes a table as dbt does, anew or with the strategy delete+insert. @returns how many rows were read. */
async function run(name: string, { full = false } = {}): Promise<number> {
  const text = file(`models/marts/${name}.sql`);
  const [, config = ''] = configuration.exec(text) ?? [];
  const [, key] = /incremental_strategy='delete\+insert',\s+unique_key='(\w+)'/.exec(config) ?? [];
  const [, hook = ''] = /post_hook="(.*?)"/s.exec(config) ?? [];
  expect([name, key !== undefined && hook !== '']).toEqual([name, name in facts]);
  const table = `analytics.${name}`;
  const anew = full || key === undefined;
  const client = await world.pool.connect();
  try {
    await client.query('begin');
    if (anew) await client.query(`drop table if exists ${table} cascade`);
    const made = anew ? `table ${table}` : 'temporary table fresh on commit drop';
    let { rowCount } = await client.query(`create ${made} as ${resolve(text, !anew, table)}`);
    if (!anew) {
      await client.query(`delete from ${table} where ${key} in (select ${key} from fresh)`);
      ({ rowCount } = await client.query(`insert into ${table} select * from fresh`));
    }
    await client.query(resolve(hook, !anew, table));
    await client.query('commit');
    return rowCount ?? 0;
  } finally {
    client.release();
  }
}

/** In the order of their references. */
const ordered = [...Object.keys(facts), ...marts.filter((name) => name.startsWith('dim_'))];
const reports = marts.filter((name) => !ordered.includes(name));

async function runAll(options: { full?: boolean } = {}): Promise<void> {
  for (const name of [...ordered, ...reports]) await run(name, options);
}

async function expectWhole(): Promise<void> {
  for (const [fact, source] of Object.entries(facts)) {
    expect(await contents(world.pool, `analytics.${fact}`), fact).toEqual(
      await contents(world.pool, `analytics.${source}`),
    );
  }
}

test('an incremental run leaves what a full refresh makes, and reads only what changed', async () => {
  await runAll({ full: true });
  await expectWhole();
  expect(await contents(world.pool, 'analytics.fct_conversations')).toHaveLength(300);
  for (const name of Object.keys(facts)) expect(await run(name), name).toBe(0);

  const { changed, created, deleted, erased, emptied, poorer } = await changeAll(world);
  const gone = [
    ['fct_conversations', { conversation_id: erased }],
    ['fct_participants', { conversation_id: erased }],
    ['fct_participants', { conversation_id: poorer.conversationId, participant_id: poorer.participantId }],
    ['fct_operator_results', { operator_result_id: emptied.id }],
  ] as const;
  for (const [name, row] of gone) {
    expect(await contents(world.pool, `analytics.${name}`), name).toContainEqual(expect.objectContaining(row));
  }
  expect(await run('fct_conversations')).toBe(changed);
  for (const name of Object.keys(facts)) await run(name);
  await expectWhole();
  for (const [name, row] of gone) {
    expect(await contents(world.pool, `analytics.${name}`), name).not.toContainEqual(expect.objectContaining(row));
  }
  const conversations = await contents(world.pool, 'analytics.fct_conversations');
  expect(conversations).toContainEqual(expect.objectContaining({ conversation_id: created }));
  expect(conversations).toContainEqual(
    expect.objectContaining({ conversation_id: deleted, deleted_at: expect.any(String), is_open: false }),
  );
});

test('what changes while it runs waits for the next run', async () => {
  await runAll({ full: true });
  await run('fct_conversations');
  const participants = [{ id: 'conv_participant_new', name: 'Ada', type: 'CUSTOMER', addresses: [] }];
  const { id } = world.source.create({ participants });
  world.source.addResult(id);
  world.nowMs += 60_000;
  await world.sync();
  const children = ['fct_participants', 'fct_operator_results'];
  const withIt = async (name: string) =>
    (await contents(world.pool, `analytics.${name}`)).some((row) => row['conversation_id'] === id);
  for (const name of children) {
    await run(name);
    expect(await withIt(name), name).toBe(false);
  }
  await runAll();
  for (const name of children) expect(await withIt(name), name).toBe(true);
  await expectWhole();
});

test('what builds on it runs, and its tests find nothing', async () => {
  await runAll({ full: true });
  const { rows } = await world.pool.query<{ conversations: number; kept: number }>(
    `select sum(conversations)::int as conversations, (select count(*)::int from twilio.conversations where deleted_at is null) as kept
     from analytics.daily_conversations`,
  );
  expect(rows[0]?.conversations).toBe(rows[0]?.kept);
  const labels = await world.pool.query<{ label: string }>(
    `select distinct label from analytics.weekly_labels where operator_name = 'Sentiment'`,
  );
  expect(labels.rows.map(({ label }) => label)).toEqual(expect.arrayContaining(['negative', 'neutral', 'positive']));
  const { rows: agents } = await world.pool.query<{ ours: unknown; theirs: unknown }>(
    `select (select (sum(conversations), sum(communications))::text from analytics.weekly_agents) as ours,
       (select (sum(conversations_spoken_in), sum(communications))::text from twilio.agents) as theirs`,
  );
  expect(agents[0]?.ours).toEqual(agents[0]?.theirs);
  let checked = 0;
  for (const { model, columns } of properties()) {
    for (const { column, tests, relation } of columns) {
      const failing: Record<string, string> = {
        not_null: `${column} is null`,
        unique: `${column} in (select ${column} from analytics.${model} group by 1 having count(*) > 1)`,
      };
      const conditions = tests.map((each) => failing[each] ?? 'unknown');
      if (relation) conditions.push(`${column} not in (select ${relation.field} from analytics.${relation.to})`);
      for (const condition of conditions) {
        const found = await world.pool.query(`select from analytics.${model} where ${condition}`);
        expect(found.rowCount, `${model}: ${condition}`).toBe(0);
        checked += 1;
      }
    }
  }
  expect(checked).toBe(25);
  for (const path of globSync('tests/*.sql', { cwd: folder })) {
    if (/severity='warn'/.test(file(path))) await world.pool.query(resolve(file(path), true));
    else expect((await world.pool.query(resolve(file(path), true))).rows, path).toEqual([]);
  }
});

test('the property files are what the catalogue gives: `npm run docs` writes them', async () => {
  for (const [path, text] of Object.entries(propertyFiles(await readRelations(world.pool)))) {
    expect(file(path), path).toBe(text);
  }
});

test('every column of every model is described', async () => {
  await runAll({ full: true });
  const { rows } = await world.pool.query<{ model: string; columns: string[] }>(
    `select table_name as model, array_agg(column_name::text order by column_name) as columns
     from information_schema.columns where table_schema = 'analytics' group by 1 order by 1`,
  );
  const described = properties().map(({ model, columns }) => ({
    model,
    columns: columns.filter(({ description }) => description.length > 1).map(({ column }) => column),
  }));
  expect(described.map(({ model, columns }) => ({ model, columns: columns.sort() })).sort(byModel)).toEqual(
    rows.sort(byModel),
  );
});

const byModel = (a: { model: string }, b: { model: string }) => (a.model < b.model ? -1 : 1);
