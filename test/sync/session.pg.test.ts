// Whatever a server, a database or a role sets for its sessions: the same tables, and stamps by the database's clock.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

type Settings = Record<string, string>;

const everything: Settings = {
  datestyle: 'SQL, DMY',
  timezone: 'Asia/Shanghai',
  intervalstyle: 'sql_standard',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  search_path: 'twilio, twilio_sync, pg_catalog',
  default_transaction_isolation: 'repeatable read',
};

const cases: [name: string, owner: 'database' | 'role', settings: Settings][] = [
  ['a database with dates as in SQL, in Shanghai', 'database', { datestyle: 'SQL, DMY', timezone: 'Asia/Shanghai' }],
  ['a role with dates as in Germany, in Kolkata', 'role', { datestyle: 'German, DMY', timezone: 'Asia/Kolkata' }],
  ['a database with the oldest format, in Manila', 'database', { datestyle: 'Postgres, MDY', timezone: 'Asia/Manila' }],
  ['a role with few digits, and arrays without nulls', 'role', { extra_float_digits: '-15', array_nulls: 'off' }],
  ['a database with everything another way', 'database', everything],
];

test.each(cases)('%s', async (_name, owner, settings) => {
  await using world = await World.open({ conversations: 60, days: 3 });
  const { database, user } = world.database.connection;
  const target = owner === 'database' ? `database ${database}` : `role ${user} in database ${database}`;
  for (const [name, value] of Object.entries(settings)) {
    const quoted = name === 'search_path' ? value : `'${value}'`;
    await world.pool.query(`alter ${target} set ${name} = ${quoted}`);
  }
  const clock = async () =>
    (await world.pool.query<{ at: string }>('select clock_timestamp()::text as at')).rows[0]?.at;

  const begunAt = await clock();
  const ids = world.source.ids();
  const [failing = '', removed = '', ...others] = ids;
  world.simulator.faults.add({ on: 'detail', id: failing, fault: { kind: 'status', status: 422 }, times: 100 });
  await world.sync();

  world.source.remove(removed);
  const emptied = others.filter((id) => (world.source.get(id)?.participants?.length ?? 0) > 1).slice(0, 3);
  for (const id of emptied) {
    const [participant] = world.source.get(id)?.participants ?? [];
    world.source.removeParticipant(id, participant?.id ?? '');
  }
  await world.restart();
  await world.sync({ reconcile: true });
  const endedAt = await clock();

  const { rows: quarantine } = await world.pool.query('select conversation_id as id from twilio_sync.quarantine');
  expect(quarantine).toEqual([{ id: failing }]);
  world.simulator.faults.clear();
  await world.fetch([failing]);
  expect(emptied).toHaveLength(3);
  expect(await world.differences()).toEqual([]);
  const { rows: deleted } = await world.pool.query('select id from twilio.conversations where deleted_at is not null');
  expect(deleted).toEqual([{ id: removed }]);
  const { rows: astray } = await world.pool.query(
    `select id, first_synced_at, synced_at, deleted_at from twilio.conversations
     where id <> $3 and (first_synced_at not between $1 and $2 or synced_at not between $1 and $2 or deleted_at not between $1 and $2)`,
    [begunAt, endedAt, failing],
  );
  expect(astray).toEqual([]);
});
