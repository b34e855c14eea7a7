// What is not ours and refuses rows: triggers, functions and constraints that users have added to the tables. What they
// refuse is its conversation's own trouble, and the reason names who refused it, without a word of a row.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

const secret = 'people said this';

interface Refused {
  id: string;
  reason: string;
}

async function quarantine(world: World): Promise<Refused[]> {
  const { rows } = await world.pool.query<Refused>(
    'select conversation_id as id, reason from twilio_sync.quarantine order by conversation_id',
  );
  return rows;
}

/** Twenty conversations, some of which say what is refused, and a function of the user's in place. */
async function open(body: string, trigger: string): Promise<{ world: World; bad: string[] }> {
  const world = await World.open({ conversations: 40, days: 20 });
  const bad = world.source.ids().filter((_, at) => at % 8 === 3);
  for (const id of bad) world.source.say(id, secret);
  await world.pool.query(`create schema audit;
    create function audit.helper(said text) returns void language plpgsql as
      $$ begin raise exception 'refused: %', said using errcode = 'P0001'; end $$;
    create function audit.no_secrets() returns trigger language plpgsql as $$ begin ${body} return new; end $$;
    ${trigger}`);
  return { world, bad };
}

const before = `create trigger t before insert or update on twilio.communications
  for each row when (new.text = '${secret}') execute function audit.no_secrets()`;
const deferred = `create constraint trigger t after insert on twilio.communications deferrable initially deferred
  for each row when (new.text = '${secret}') execute function audit.no_secrets()`;
const inCommunications = 'Postgres refuses the data in twilio.communications: audit.no_secrets()';

test.each([
  ['raises', `raise exception '%', new.text;`, before, `${inCommunications} (P0001)`],
  ['asserts', `assert false, new.text;`, before, `${inCommunications} (P0004)`],
  ['calls what raises', 'perform audit.helper(new.text);', before, `${inCommunications} (P0001)`],
  [
    'builds a statement of what is said',
    `execute format('select audit.helper(%L)', E'\\nPL/pgSQL ' || new.text);`,
    before,
    `${inCommunications} (P0001)`,
  ],
  ['divides by zero', 'perform 1 / (length(new.text) - length(new.text));', before, `${inCommunications} (22012)`],
  ['writes where nothing is', 'insert into audit.nothing values (new.text);', before, `${inCommunications} (42P01)`],
  [
    'says it is a check',
    `raise exception '%', new.text using errcode = 'check_violation';`,
    before,
    `${inCommunications} (23514)`,
  ],
  [
    'waits for the end of the transaction',
    `raise exception '%', new.text;`,
    deferred,
    'Postgres refuses the data at COMMIT: audit.no_secrets() (P0001)',
  ],
])('a trigger that %s', async (_what, body, trigger, reason) => {
  const { world, bad } = await open(body, trigger);
  await using _world = world;
  expect(await world.sync()).toMatchObject({ incomplete: [], changed: 35, failed: 5 });
  expect(await quarantine(world)).toEqual(bad.sort().map((id) => ({ id, reason })));
  await world.pool.query('drop schema audit cascade');
  world.nowMs += 61_000;
  await world.pass();
  expect(await world.differences()).toEqual([]);
});

test('a trigger that refuses every row: all are in quarantine, and the pass goes on', async () => {
  const { world } = await open(
    `raise exception 'no';`,
    'create trigger t before insert on twilio.conversations for each row execute function audit.no_secrets()',
  );
  await using _world = world;
  expect(await world.sync()).toMatchObject({ incomplete: [], changed: 0, failed: 40 });
  expect(await quarantine(world)).toHaveLength(40);
});

test('a value that a column of theirs has no room for: the table is named', async () => {
  await using world = await World.open({ conversations: 10, days: 5 });
  const [bad = ''] = world.source.ids();
  const words = Array.from({ length: 200_000 }, (_, at) => `word${at}`).join(' ');
  world.source.put({ ...world.source.get(bad), name: words });
  await world.pool.query(
    `alter table twilio.conversations add found tsvector generated always as (to_tsvector('simple', coalesce(name, ''))) stored`,
  );
  expect(await world.sync()).toMatchObject({ changed: 9, failed: 1 });
  expect(await quarantine(world)).toEqual([
    { id: bad, reason: 'Postgres refuses the data in twilio.conversations (54000)' },
  ]);
});
