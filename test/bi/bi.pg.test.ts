// docs/bi.md: each query runs as it stands there, for a role that reads schema twilio alone, and gives what its picture
// shows; the index it suggests serves the search. The query of README.md gives the result that stands below it.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentTypes, type Held, holds } from '../held.ts';
import { blocks, documentOf } from '../readme.ts';
import { draw } from './charts.ts';
import { type Demonstrated, openDemonstrated, type Row } from './data.ts';
import { dashboards, folder } from './guide.ts';

const day = 86_400_000;
let shown: Demonstrated;
let held: Held[];

beforeAll(async () => {
  shown = await openDemonstrated();
  held = shown.world.source.all().map(holds);
});

afterAll(async () => {
  await shown?.[Symbol.asyncDispose]();
});

const [volume, agents, response, search] = dashboards();
const sum = (rows: Row[], name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
const since = (ms: number) => held.filter(({ createdMs }) => createdMs >= ms);

describe.each(dashboards())('$title', ({ picture, queries }) => {
  test('its queries run', async () => {
    for (const query of queries.filter((each) => each.startsWith('select')))
      expect((await shown.read(query)).length).toBeGreaterThan(0);
  });

  test('its picture is of its result (made anew by npm run pictures)', async () => {
    expect(draw(picture, await shown.read(queries[0] ?? ''))).toBe(readFileSync(new URL(picture, folder), 'utf8'));
  });
});

test('the query of README.md', async () => {
  const readme = documentOf('README.md');
  const printed = blocks(readme.section('Try it'), 'text').at(-1) ?? '';
  const [names = [], , ...cells] = printed
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  expect(names.length).toBeGreaterThan(1);
  expect((await shown.read(readme.query('Try it'))).map((row) => names.map((name) => String(row[name])))).toEqual(
    cells,
  );
});

describe('the results', () => {
  test('volume: every conversation of the six weeks before today', async () => {
    const rows = await shown.read(volume?.queries[0] ?? '');
    const today = Math.floor(shown.world.nowMs / day) * day;
    const whole = since(today - 42 * day).filter(({ createdMs }) => createdMs < today);
    expect(rows).toHaveLength(42);
    expect(sum(rows, 'conversations')).toBe(whole.length);
    expect(await shown.read(volume?.queries[1] ?? '')).toEqual([{ note: 'final through 14 June' }]);
  });

  test('agents: the busiest, each with conversations of the last 30 days', async () => {
    const rows = await shown.read(agents?.queries[0] ?? '');
    const counts = column(rows, 'conversations');
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    const [first] = rows;
    const recent = since(shown.world.nowMs - 30 * day);
    const answered = recent.map(({ participants, communications }) => {
      const speakers = communications.map(({ participantId }) => participants.get(participantId ?? ''));
      const asked = speakers.findIndex((each) => each?.type === 'CUSTOMER');
      return asked === -1 ? undefined : speakers.slice(asked).find((each) => agentTypes.includes(each?.type ?? ''));
    });
    const of = answered.filter((by) => by?.type !== 'AI_AGENT' && by?.addressValues?.[0] === first?.['agent']);
    expect(of.length).toBeGreaterThan(1);
    expect(first?.['conversations']).toBe(of.length);
  });

  test('first response: each conversation that was answered, once', async () => {
    const rows = await shown.read(response?.queries[0] ?? '');
    const answered = since(shown.world.nowMs - 30 * day).filter(({ participants, communications }) => {
      const types = communications.map(({ participantId }) => participants.get(participantId ?? '')?.type ?? '');
      const asked = types.indexOf('CUSTOMER');
      return asked !== -1 && types.slice(asked).some((type) => agentTypes.includes(type));
    });
    expect(sum(rows, 'by_people') + sum(rows, 'by_ai_agents')).toBe(answered.length);
  });

  test('search: as many conversations as say the word', async () => {
    const rows = await shown.read(search?.queries[0] ?? '');
    const monday = Math.floor((shown.world.nowMs / day - 4) / 7) * 7 * day + 4 * day;
    const said = since(monday - 12 * 7 * day).filter(
      ({ createdMs, communications }) =>
        createdMs < monday && communications.some(({ text }) => text?.toLowerCase().includes('password')),
    );
    expect(said.length).toBeGreaterThan(0);
    expect(
      sum(
        rows.filter(({ word }) => word === 'password'),
        'conversations',
      ),
    ).toBe(said.length);
  });

  test('search: the index that is suggested serves it', async () => {
    const { pool } = shown.world;
    for (const statement of search?.queries.at(-1)?.split(';\n') ?? []) await pool.query(statement);
    const client = await pool.connect();
    try {
      // So few texts are read sooner than looked up, were that not held against it.
      await client.query('begin; set local enable_seqscan = off');
      const { rows } = await client.query(`explain select from twilio.communications where text ilike '%password%'`);
      expect(JSON.stringify(rows)).toContain('Bitmap Index Scan on communications_text');
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});

function column(rows: Row[], name: string): number[] {
  return rows.map((row) => Number(row[name]));
}
