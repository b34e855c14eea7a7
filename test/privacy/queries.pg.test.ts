// The queries of docs/privacy.md, run as they stand there.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { blocks, documentOf } from '../readme.ts';
import { World } from '../world.ts';

const document = documentOf('docs/privacy.md');
const queryOf = (title: string, nth = 0) => {
  const query = blocks(document.section(title), 'sql')[nth];
  if (query === undefined) throw new Error(`no query under ${title}`);
  return query;
};

let world: World;

beforeAll(async () => {
  world = await World.open({ conversations: 20, days: 10, results: true });
  const ada = { id: 'ada', name: 'Ada', type: 'CUSTOMER', addressValues: ['+15550100', 'whatsapp:+15550100'] };
  const ben = { id: 'ben', name: 'Ben', type: 'HUMAN_AGENT', addressValues: ['ben@example.com'] };
  const said = (id: string, participantId: string, text: string) => ({
    ...{ id, participantId, content: { text } },
    createdAt: new Date(world.nowMs - 60_000).toISOString(),
  });
  const { id } = world.source.create({
    participants: [ada, ben],
    communications: [said('m1', 'ada', 'Hello'), said('m2', 'ben', 'Good day'), said('m3', 'ada', 'Bye')],
  });
  world.source.addResult(id);
  world.nowMs += 60_000;
  await world.sync();
  await world.sync({ reconcile: true });
});

afterAll(() => world[Symbol.asyncDispose]());

test('a request of access gives everything about one address, and nothing that others said', async () => {
  const { rows } = await world.pool.query<{ kind: string; data: Record<string, unknown> }>(
    queryOf('Answer a request of access'),
  );
  const kinds = Map.groupBy(rows, ({ kind }) => kind);
  expect([...kinds].map(([kind, all]) => [kind, all.length]).sort()).toEqual([
    ['communication', 2],
    ['conversation', 1],
    ['operator result', 1],
    ['participant', 1],
  ]);
  expect(kinds.get('participant')?.[0]?.data).toMatchObject({
    name: 'Ada',
    addresses: ['+15550100', 'whatsapp:+15550100'],
  });
  expect(kinds.get('communication')?.map(({ data }) => data['text'])).toEqual(['Hello', 'Bye']);
});

test('a copy loses what was erased, and nothing else', async () => {
  await world.pool.query(
    'create schema analytics; create table analytics.conversations as select id from twilio.conversations',
  );
  const ask = queryOf('Downstream copies', 1);
  expect((await world.pool.query(ask)).rows).toEqual([{ anything_erased: false }]);
  const [id = ''] = world.source.ids();
  const database = openDatabase(world.database.connection);
  await forget(database, [id]);
  await database.close();
  expect((await world.pool.query(ask)).rows).toEqual([{ anything_erased: true }]);
  await world.pool.query(queryOf('Downstream copies'));
  const { rows } = await world.pool.query<{ id: string }>('select id from analytics.conversations');
  expect(rows.map((row) => row.id).sort()).toEqual(
    world.source
      .ids()
      .filter((each) => each !== id)
      .toSorted(),
  );
});
