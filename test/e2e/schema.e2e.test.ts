// SYNC_SCHEMA: everything that a user does, under names that need quoting in every place, and two copies in one database.

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage, underUsualName } from './stage.ts';

/** It has what ends a literal, an identifier, a comment and a statement, and the name that statements are written for. */
const odd = `Kunden "A" d'été; --twilio.x`;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ conversations: 120, days: 30 });
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const run = (schema: string | undefined, ...args: string[]) =>
  stage.processes.finish(args, { ...stage.env, ...(schema !== undefined && { SYNC_SCHEMA: schema }) });

test('everything is loaded, changed, verified, forgotten and read under an odd name', async () => {
  expect(await run(odd, 'sync')).toMatchObject({ code: 0, stderr: '' });
  expect(await underUsualName(stage.client, odd, () => stage.differences())).toEqual([]);
  const [first = '', second = '', third = ''] = stage.simulator.source.ids();
  stage.simulator.source.say(first, 'one more');
  stage.simulator.source.remove(second);
  expect(await run(odd, 'sync', '--reconcile')).toMatchObject({ code: 0, stderr: '' });
  for (const args of [
    ['verify', '--full'],
    ['retry'],
    ['status'],
    ['doctor'],
    ['sync', '--id', first],
    ['migrate'],
    ['search-index', 'simple'],
  ])
    expect(await run(odd, ...args), args.join(' ')).toMatchObject({ code: 0 });
  expect(await run(odd, 'forget', '--id', third, '--yes')).toMatchObject({ code: 0 });
  expect(await run(odd, 'grant-reader', 'odd_reader')).toMatchObject({ code: 0 });
  const { rows } = await stage.client.query(
    `select has_schema_privilege('odd_reader', $1, 'usage') as reads, has_schema_privilege('odd_reader', $2, 'usage') as more,
       exists (select from pg_namespace where nspname = 'twilio') as twilio`,
    [odd, `${odd}_sync`],
  );
  await stage.client.query(`drop owned by odd_reader; drop role odd_reader`);
  expect(rows).toEqual([{ reads: true, more: false, twilio: false }]);
  const found = await stage.client.query(`select from ${pg.escapeIdentifier(odd)}.search_communications('more')`);
  expect(found.rowCount).toBeGreaterThan(0);
});

test('another copy has the database beside it', async () => {
  expect(await run(undefined, 'sync')).toMatchObject({ code: 0, stderr: '' });
  const kept = stage.simulator.source.all();
  expect(await stage.differences()).toEqual([]);
  expect(kept.length).toBeGreaterThan(100);
  const { stdout } = await run(odd, 'status');
  expect(stdout).toContain('In sync');
});

test.each(['public', 'pg_mine', 'a_sync', 'a_anonymous', 'twilio_all', 'x'.repeat(49)])(
  'SYNC_SCHEMA=%s is refused by name',
  async (schema) => {
    const { code, stderr } = await run(schema, 'status');
    expect(code).toBe(2);
    expect(stderr).toContain('SYNC_SCHEMA');
  },
);
