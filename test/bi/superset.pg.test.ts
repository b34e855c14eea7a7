// deploy/superset, which Superset imports: what refers to something finds it, datasets have the columns that there are, and
// every metric and chart runs as a reader would run it, and shows something. Superset itself is not run.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openReader, type Reader } from '../reader.ts';
import { World } from '../world.ts';
import { type Chart, charts, dashboards, databases, datasetOf, datasets, queryOf, sourceOf } from './superset.ts';

let world: World;
let reader: Reader;
let deletedId: string;

beforeAll(async () => {
  world = await World.open({ conversations: 600, days: 45, results: true });
  await world.sync();
  deletedId = world.source.results()[0]?.conversationId ?? '';
  world.source.remove(deletedId);
  world.nowMs += 60_000;
  await world.sync({ reconcile: true });
  reader = await openReader(world);
});

afterAll(async () => {
  await reader?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

describe('the bundle', () => {
  test('has no id twice', () => {
    const ids = [databases, datasets, charts, dashboards].flatMap((all: Map<string, { uuid: string }>) =>
      Array.from(all.values(), ({ uuid }) => uuid),
    );
    expect(ids.length).toBeGreaterThan(30);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has one database, without a password, and all datasets are of it', () => {
    const [database] = databases.values();
    expect(databases.size).toBe(1);
    // Superset asks for the password when it finds this in place of one.
    expect(database?.sqlalchemy_uri).toBe('postgresql+psycopg2://bi:XXXXXXXXXX@HOST:5432/DATABASE');
    for (const { database_uuid } of datasets.values()) expect(database_uuid).toBe(database?.uuid);
  });

  test('has each chart on one dashboard, and each dataset in a chart', () => {
    const placed = [...dashboards.values()].flatMap(({ position }) =>
      Object.values(position).flatMap((each) =>
        typeof each === 'object' && each.type === 'CHART' ? [each.meta?.uuid] : [],
      ),
    );
    expect(placed.sort()).toEqual(Array.from(charts.values(), ({ uuid }) => uuid).sort());
    const used = new Set(Array.from(charts.values(), ({ dataset_uuid }) => datasetOf(dataset_uuid).table_name));
    expect([...used].sort()).toEqual([...datasets.keys()].sort());
  });
});

describe.each([...dashboards])('dashboard %s', (_, { position, metadata }) => {
  const placed = Object.values(position).filter((each) => typeof each === 'object');

  test('has its parts where it says', () => {
    const children = placed.flatMap((each) => each.children ?? []);
    const parts = Object.keys(position).filter((key) => /^(ROW|CHART)-/.test(key));
    expect(children.filter((key) => key !== 'GRID_ID').sort()).toEqual(parts.sort());
  });

  test('filters by columns that there are, and leaves out charts without them', () => {
    const byId = new Map(placed.flatMap(({ meta }) => (meta?.uuid ? [[meta.chartId, meta.uuid] as const] : [])));
    const chartOf = new Map(Array.from(charts.values(), (chart) => [chart.uuid, chart]));
    for (const { name, targets, scope } of metadata.native_filter_configuration) {
      for (const id of scope.excluded) expect([...byId.keys()], name).toContain(id);
      for (const { column, datasetUuid } of targets) {
        const columns = (uuid = '') => datasetOf(uuid).columns.map(({ column_name }) => column_name);
        if (column === undefined) continue;
        expect(columns(datasetUuid), name).toContain(column.name);
        const lacking = [...byId].filter(([, uuid]) => !columns(chartOf.get(uuid)?.dataset_uuid).includes(column.name));
        for (const [id] of lacking) expect(scope.excluded, name).toContain(id);
      }
    }
  });
});

describe.each([...datasets])('dataset %s', (name, dataset) => {
  const plain = dataset.columns.filter(({ expression }) => expression === undefined);

  test('has the columns that there are, with their types', async () => {
    expect(dataset.table_name).toBe(name);
    const named: Record<string, string> = { ARRAY: 'text[]' };
    const columns = plain.map(({ column_name, type }) => ({
      name: column_name,
      type: named[type] ?? type.toLowerCase(),
    }));
    expect(columns).toEqual(await reader.columns(`select * from ${sourceOf(dataset)}`));
    for (const { type, is_dttm } of plain) expect(is_dttm).toBe(/^(TIMESTAMP|DATE)/.test(type));
    expect(plain.filter(({ is_dttm }) => is_dttm).map(({ column_name }) => column_name)).toContain(
      dataset.main_dttm_col,
    );
  });

  test('says of columns what the database says', async () => {
    const { rows } = await world.pool.query<{ name: string; comments: string[] }>(
      `select attname as name, array_agg(col_description(attrelid, attnum)) as comments
       from pg_attribute join pg_class c on c.oid = attrelid
       where relnamespace = 'twilio'::regnamespace and relkind = 'v' and attnum > 0 group by 1`,
    );
    const comments = new Map(rows.map((row) => [row.name, row.comments]));
    for (const { column_name, description } of plain) {
      expect(description, column_name).toBeTruthy();
      if (comments.has(column_name)) expect(comments.get(column_name)).toContain(description);
    }
  });

  test('has metrics and columns that run', async () => {
    const metrics = dataset.metrics.map(({ metric_name, expression }) => `${expression} as "${metric_name}"`);
    const [row] = await reader.rows(`select ${metrics.join(', ')} from ${sourceOf(dataset)}`);
    expect(Object.entries(row ?? {}).filter(([, value]) => value === null)).toEqual([]);
    for (const { expression } of dataset.columns)
      if (expression !== undefined) await reader.rows(`select ${expression} as value from ${sourceOf(dataset)}`);
  });

  test('leaves out what is deleted', async () => {
    const columns = plain.map(({ column_name }) => column_name);
    if (!columns.includes('conversation_id')) return;
    const rows = await reader.rows(`select distinct conversation_id from ${sourceOf(dataset)}`);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows).not.toContainEqual({ conversation_id: deletedId });
  });
});

describe.each([...charts])('chart %s', (_, chart) => {
  test('shows something', async () => {
    expect(chart.params.viz_type).toBe(chart.viz_type);
    const rows = await reader.rows(queryOf(chart));
    expect(rows.length).toBeGreaterThan(0);
    for (const name of Object.keys(rows[0] ?? {}).filter((each) => each.startsWith('metric ')))
      expect(
        rows.some((row) => row[name] !== null),
        name,
      ).toBe(true);
  });

  test('follows the time range of its dashboard, or says that it does not', async () => {
    const rows = await reader.rows(queryOf(chart, 'infinity'));
    // Without groups there is a row even of nothing.
    const shown = rows.filter((row) => Object.values(row).some((value) => value !== 0 && value !== null));
    const isTimed = chart.params.adhoc_filters.some(({ expressionType }) => expressionType === 'SIMPLE');
    if (isTimed) expect(shown).toEqual([]);
    else expect(chart.description).toMatch(/whatever the filters/i);
  });
});

test('conversations by day add up', async () => {
  const rows = await reader.rows(queryOf(charts.get('conversations_by_day') as Chart));
  expect(rows.reduce((all, row) => all + Number(row['metric conversations']), 0)).toBe(world.source.all().length);
});
