// What is known of one id, and what happens next, as a support person asks it.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWhy } from '../../src/cli/commands/why.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { readWhy, type Why } from '../../src/postgres/why.ts';
import { World } from '../world.ts';

let world: World;
let database: Database;

beforeAll(async () => {
  world = await World.open({ conversations: 40, days: 20, results: true });
  await world.sync();
  database = openDatabase(world.database.connection);
});

afterAll(async () => {
  await database?.close();
  await world?.[Symbol.asyncDispose]();
});

const why = async (id: string): Promise<Why> => {
  const found = await readWhy(database, id);
  if (found === null) throw new Error(`nothing is known of ${id}`);
  return found;
};
const closed = (nth: number) => world.source.all().filter(({ status }) => status === 'CLOSED')[nth]?.id ?? '';

test('a conversation: its rows, what listed it last, what fetched it, what happens next', async () => {
  const conversation = world.source.all().find(({ id }) => id === closed(0));
  const found = await why(closed(0));
  expect(found).toMatchObject({
    ...{ kind: 'conversation', forgotten: false, due: [], result: null, listingError: null },
    conversation: { status: 'CLOSED', deletedAt: null },
    listed: { missing: false },
    fetched: { underPresentFilters: true },
    resultsListed: {
      refused: null,
      newestReadTo: expect.stringMatching(/Z$/),
      walkEndedAt: expect.stringMatching(/Z$/),
    },
  });
  expect(found.conversation?.rows).toMatchObject({
    communications: conversation?.communications?.length,
    operator_results: world.source.results().filter(({ conversationId }) => conversationId === closed(0)).length,
  });
  expect(describeWhy(found)).toMatch(
    /^listed +shown by the last complete listing \((backfill|lookback|new)\), \d{4}-/m,
  );
  expect(describeWhy(found)).toMatch(/^next +the lookback and the daily reconcile list it again$/m);
});

test('a conversation that failed: the error, how often, and when it is tried again', async () => {
  await world.pool.query(
    `insert into twilio_sync.due (conversation_id, reason, due_at, error, attempts) values ($1, 'failed', '2026-06-16 10:00Z', 'the API answers 500', 2)`,
    [closed(1)],
  );
  await world.pool.query(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at) values ($1, '', 'asked', to_timestamp(0))`,
    [closed(2)],
  );
  const said = describeWhy(await why(closed(1)));
  expect(said).toMatch(
    /^due +fetching it failed; at 2026-06-16T10:00:00Z, after 2 attempts; last error: the API answers 500$/m,
  );
  expect(said).toMatch(/^next +it is asked for at 2026-06-16T10:00:00Z/m);
  const asked = describeWhy(await why(closed(2)));
  expect(asked).toMatch(/^due +a person asked for it; at once$/m);
  expect(asked).toMatch(/^next +it is asked for with the next pass$/m);
});

test('a range that cannot be listed: why', async () => {
  await world.pool.query(`insert into twilio_sync.windows (sweep_id, sweep, from_at, to_at, cursor, failures, error)
    select max(id), 'reconcile', '2020-01-01', '2030-01-01', '2030-01-01', 3, 'page 3 is missing' from twilio_sync.sweeps`);
  expect(describeWhy(await why(closed(3)))).toMatch(/^cannot be listed +page 3 is missing$/m);
  await world.pool.query('delete from twilio_sync.windows where failures = 3');
});

test('a result: stored, due, gone, of which conversation', async () => {
  const [one, two, three] = [
    ...new Map(world.source.results().map((each) => [each.conversationId, each])).values(),
  ].slice(3);
  expect(await why(one?.id ?? '')).toMatchObject({
    ...{ kind: 'operatorResult', conversationId: one?.conversationId, due: [] },
    result: { linked: true, createdAt: expect.stringMatching(/Z$/) },
  });
  expect(describeWhy(await why(one?.id ?? ''))).toMatch(/^next +results do not change; /m);
  for (const [each, reason] of [
    [two, 'linked'],
    [three, 'gone'],
  ] as const) {
    await world.pool.query('delete from twilio.operator_results where id = $1', [each?.id]);
    await world.pool.query(
      `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at, error)
       values ($1, $2, $3::text, case when $3 = 'gone' then 'infinity' else timestamptz '2026-06-16 10:00Z' end, case when $3 = 'linked' then 'too large' end)`,
      [each?.conversationId, each?.id, reason],
    );
  }
  const due = describeWhy(await why(two?.id ?? ''));
  expect(due).toMatch(/^stored +no$/m);
  expect(due).toMatch(
    /its conversation names it, and it is not stored; at 2026-06-16T10:00:00Z; last error: too large$/m,
  );
  const gone = describeWhy(await why(three?.id ?? ''));
  expect(gone).toMatch(/the API does not have it; at no time of its own$/m);
  expect(gone).toMatch(/^next +it is checked again when its conversation changes$/m);
});

test('one that was forgotten is said to be, and nothing of it; an unknown id is not known', async () => {
  await forget(database, [closed(5)]);
  const found = await why(closed(5));
  expect(found).toMatchObject({ forgotten: true, conversation: null, due: [] });
  expect(describeWhy(found)).toMatch(/^stored +no: it was forgotten and is kept out$/m);
  expect(describeWhy(found)).toMatch(/^next +nothing: forgotten conversations stay out$/m);
  expect(await readWhy(database, 'conv_conversation_nowhere')).toBe(null);
});
