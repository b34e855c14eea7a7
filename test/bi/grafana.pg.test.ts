// deploy/grafana, the dashboards on Postgres: every query runs as a reader would run it and gives what its panel draws.
// The worker's dashboard is held to the metrics in test/server/metrics.test.ts. Grafana itself is not run.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openReader, type Reader } from '../reader.ts';
import { World } from '../world.ts';

interface Variable {
  name: string;
  type: string;
  query: string;
}

interface Panel {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { rawSql: string; format: string }[];
  fieldConfig: { overrides: { matcher: { options: string } }[] };
}

const names = ['conversations', 'operators'];
const dashboards = names.map((name): { name: string; variables: Variable[]; panels: Panel[] } => {
  const { templating, panels } = JSON.parse(
    readFileSync(new URL(`../../deploy/grafana/${name}.json`, import.meta.url), 'utf8'),
  );
  return { name, variables: templating.list, panels };
});

let world: World;
let reader: Reader;

beforeAll(async () => {
  world = await World.open({ conversations: 600, days: 45, results: true });
  await world.sync();
  world.source.remove(world.source.results()[0]?.conversationId ?? '');
  world.nowMs += 60_000;
  await world.sync({ reconcile: true });
  reader = await openReader(world);
});

afterAll(async () => {
  await reader?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

/** A query with Grafana's macro replaced, as its documentation says, and its variables by the values they have. */
function resolve(sql: string, values: Record<string, string[]> = {}, from = '2026-01-01T00:00:00Z'): string {
  const resolved = sql
    .replace(/\$__timeFilter\(([\w.]+)\)/g, `$1 BETWEEN '${from}' AND '2099-01-01T00:00:00Z'`)
    .replace(/\$(\w+)/g, (text, name: string) => {
      const all = values[name];
      return all === undefined ? text : all.map((value) => `'${value.replaceAll("'", "''")}'`).join(',');
    });
  if (resolved.includes('$')) throw new Error(`not understood: ${resolved}`);
  return resolved;
}

describe.each(dashboards)('$name', ({ variables, panels }) => {
  /** Every value of every variable, as "All" selects them. */
  async function valuesOf(): Promise<Record<string, string[]>> {
    const asked = variables.filter(({ type }) => type === 'query');
    const values = asked.map(async ({ name, query }) => {
      const rows = await reader.rows(resolve(query));
      return [name, rows.map((row) => String(Object.values(row)[0]))];
    });
    return Object.fromEntries(await Promise.all(values));
  }

  test('its variables have values', async () => {
    const values = Object.values(await valuesOf());
    expect(values.length).toBeGreaterThan(0);
    for (const each of values) expect(each.length).toBeGreaterThan(3);
  });

  test('its panels do not overlap', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)}/${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });

  test.each(panels)('$title', async ({ type, targets, fieldConfig }) => {
    const values = await valuesOf();
    for (const { rawSql, format } of targets) {
      const sql = resolve(rawSql, values);
      const columns = await reader.columns(sql);
      const rows = await reader.rows(sql);
      expect(rows.length).toBeGreaterThan(0);
      for (const { name } of columns) expect(rows.some((row) => row[name] !== null)).toBe(true);
      for (const { matcher } of fieldConfig.overrides)
        expect(columns.map(({ name }) => name)).toContain(matcher.options);
      const numbers = columns.filter(({ type: of }) => ['bigint', 'double precision', 'numeric'].includes(of));
      expect(format).toBe(type === 'timeseries' ? 'time_series' : 'table');
      if (type === 'stat') expect([columns.length, numbers.length, rows.length]).toEqual([1, 1, 1]);
      if (type !== 'timeseries') continue;
      expect(columns[0]).toEqual({ name: 'time', type: 'timestamp with time zone' });
      const [, second] = columns;
      // With a text, there is one number, and the text names the series.
      const texts = second?.type === 'text' ? 1 : 0;
      if (texts === 1) expect(second?.name).toBe('metric');
      expect(numbers).toHaveLength(columns.length - 1 - texts);
      expect(rows.map(({ time }) => time)).toEqual(rows.map(({ time }) => time).toSorted());
      if (sql.includes('BETWEEN'))
        expect(await reader.rows(resolve(rawSql, values, '2098-01-01T00:00:00Z'))).toEqual([]);
    }
  });
});

test('conversations that are not deleted are counted, once each', async () => {
  const [{ panels, variables } = { panels: [], variables: [] }] = dashboards;
  const [channel] = variables.filter(({ name }) => name === 'channel');
  const channels = (await reader.rows(resolve(channel?.query ?? ''))).map((row) => String(Object.values(row)[0]));
  for (const title of ['Conversations', 'Conversations by day and channel']) {
    const panel = panels.find((each) => each.title === title);
    const rows = await reader.rows(resolve(panel?.targets[0]?.rawSql ?? '', { channel: channels }));
    expect(rows.reduce((all, { conversations }) => all + Number(conversations), 0)).toBe(world.source.all().length);
  }
});
