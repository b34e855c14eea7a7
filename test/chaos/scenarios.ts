// Small plays for what chance hardly ever brings about: who commits first, an instant at the very edge, an array that is
// absent. Each ends with the first thing that is wrong, or null. The program passes them all; planted bugs do not.

import pg from 'pg';
import { openDatabase } from '../../src/postgres/database.ts';
import { requestRefetch } from '../../src/postgres/due.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { normalize } from '../../src/sync/normalize.ts';
import { pass } from '../../src/sync/pass.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { World } from '../world.ts';
import { privacyScenarios } from './privacy-scenarios.ts';
import { pushScenarios } from './push-scenarios.ts';
import { resultScenarios } from './result-scenarios.ts';
import { readAll } from './rows.ts';

const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

export type Scenario = () => Promise<string | null>;

/** It lists minutes late: only the overlap of `new` finds it before the next lookback. */
async function late(): Promise<string | null> {
  await using world = await World.open({ conversations: 5, days: 1 });
  await world.sync();
  world.simulator.turn({ listLagMs: 9 * minute });
  const { id } = world.source.create();
  for (let tick = 0; tick < 10; tick += 1) {
    world.nowMs += minute;
    await world.pass('new');
  }
  return (await readAll(world.pool)).has(id) ? null : `${id} listed 9 minutes late, and is not stored`;
}

/** Whole seconds at which slices and windows begin and end, by bounds that include equality and that do not. */
async function edges(): Promise<string | null> {
  for (const bound of ['exclusive', 'inclusive'] as const) {
    await using world = await World.open({ switches: { upperBound: bound, lowerBound: bound } });
    const agoMs = [
      10 * minute,
      day,
      3 * day,
      4 * day,
      6 * day,
      30 * day,
      33 * day,
      60 * day,
      63 * day,
      90 * day,
      93 * day,
    ];
    for (const ago of agoMs)
      world.source.create({ createdAt: `${new Date(world.nowMs - ago).toISOString().slice(0, 19)}Z` });
    await world.sync();
    const [difference] = await world.differences();
    if (difference !== undefined) return `bounds ${bound}: ${difference}`;
  }
  return null;
}

/** A server that takes createdAtBefore, ignores it, and shows the last 31 days. */
async function ignored(): Promise<string | null> {
  const switches = { boundNames: 'createdBefore', unknownParameters: 'ignored', unbounded: 'last31Days' } as const;
  await using world = await World.open({ conversations: 40, days: 100, switches });
  await world.sync();
  return (await world.differences())[0] ?? null;
}

/** A server whose lists end silently after 30 items. */
async function capped(): Promise<string | null> {
  await using world = await World.open({ conversations: 120, days: 20, switches: { listCap: 30 } });
  await world.sync();
  return (await world.differences())[0] ?? null;
}

/** An array that the detail does not have says nothing: what is stored stays. */
async function absent(): Promise<string | null> {
  await using world = await World.open();
  const { id } = world.source.create({ channels: ['VOICE', 'SMS'] });
  world.nowMs += minute;
  await world.sync();
  const { channels: _, ...rest } = world.source.get(id);
  world.source.put({ ...rest, name: 'Without channels' });
  await world.sync();
  const { rows } = await world.pool.query('select from twilio.conversation_channels where conversation_id = $1', [id]);
  return rows.length === 2 ? null : `${rows.length} channels are left, where the detail no longer says`;
}

/** Other filters, and back: what is deleted then is still missed. */
async function generation(): Promise<string | null> {
  await using world = await World.open({ conversations: 40, days: 20 });
  await world.sync();
  await world.restart({ filters: { channels: ['VOICE'] } });
  await world.sync({ reconcile: true });
  await world.restart({ filters: {} });
  await world.sync({ reconcile: true });
  const [id = ''] = world.source.ids();
  world.source.remove(id);
  await world.sync({ reconcile: true });
  return (await readAll(world.pool)).get(id)?.deleted ? null : `${id} is gone, and not marked deleted`;
}

/** A key of another account, so to speak: nothing is listed, and no detail is there. */
async function brake(): Promise<string | null> {
  await using world = await World.open({ conversations: 60, days: 20 });
  await world.sync();
  world.simulator.turn({ lists: 'nothing' });
  world.simulator.faults.add({ on: 'detail', fault: { kind: 'status', status: 404 } });
  await world.pass('reconcile');
  const deleted = [...(await readAll(world.pool)).values()].filter((each) => each.deleted).length;
  return deleted === 0 ? null : `${deleted} of 60 are marked deleted, since nothing was listed`;
}

/** A full disk refuses the first rows of history: nothing may have moved past them. */
async function disk(): Promise<string | null> {
  await using world = await World.open({ conversations: 40, days: 20 });
  await world.pool.query(`create function twilio.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'on purpose' using errcode = '53100'; end $$;
    create trigger refuse before insert on twilio.conversations execute function twilio.refuse()`);
  const refused = await world.pass('new').then(
    () => false,
    () => true,
  );
  await world.pool.query('drop function twilio.refuse() cascade');
  await world.restart();
  await world.pass('new');
  return refused ? ((await world.differences())[0] ?? null) : 'the load was not refused';
}

/** A conversation's communications are locked by somebody: it is being written, and not to be seen by halves. */
async function half(): Promise<string | null> {
  await using world = await World.open({ conversations: 8, days: 1 });
  await world.sync();
  const id = world.source.ids().find((each) => (world.source.get(each).communications ?? []).length > 0) ?? '';
  const before = (await readAll(world.pool)).get(id)?.digest;
  world.source.redact(id, { text: '[redacted]' });
  return await whileLocked(
    world,
    `select from twilio.communications where conversation_id = '${id}' for update`,
    async (free) => {
      const passing = world.pass('reconcile');
      await blocked(world, 1);
      const seen = (await readAll(world.pool)).get(id)?.digest;
      await free();
      await passing;
      return seen === before ? null : `a reader saw ${id} half written`;
    },
  );
}

/** The list shows half, and the other half has details: the other key is not two either. */
async function otherKey(): Promise<string | null> {
  await using world = await World.open({ conversations: 20, days: 2 });
  await world.sync();
  world.simulator.turn({ lists: 'half' });
  await world.pass('lookback');
  const deleted = [...(await readAll(world.pool)).values()].filter((each) => each.deleted).length;
  return deleted === 0 ? null : `${deleted} of 20 are marked deleted, and their details are there`;
}

/** Listed before it has a detail, fetched when it has, and deleted before it is listed again: it is missed all the same. */
async function briefly(): Promise<string | null> {
  await using world = await World.open({ conversations: 8, days: 1 });
  await world.sync();
  const { id } = world.source.create();
  world.nowMs += minute;
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 404 }, times: 1 });
  await world.pass('new');
  world.nowMs += minute;
  await world.pass();
  if (!(await readAll(world.pool)).has(id)) return `${id} is not stored`;
  world.source.remove(id);
  await world.sync({ reconcile: true });
  return (await readAll(world.pool)).get(id)?.deleted ? null : `${id} is gone, and not marked deleted`;
}

/** One new conversation's detail fails; nothing but the quarantine remembers it. */
async function quarantine(): Promise<string | null> {
  await using world = await World.open({ conversations: 8, days: 1 });
  const [id = ''] = world.source.ids();
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 500 } });
  await world.sync();
  world.simulator.faults.clear();
  world.nowMs += 2 * minute;
  await world.pass();
  return (await readAll(world.pool)).has(id) ? null : `${id} failed once, and is forgotten`;
}

/** Two loads at once, the first of them held up: whoever reads on from the newest stamp has to see it all the same. */
async function stamps(): Promise<string | null> {
  await using world = await World.open({ conversations: 8, days: 1 });
  await world.sync();
  const { store, api } = await world.context();
  const [first = '', second = ''] = world.source.ids();
  const change = async (id: string) => {
    const { rows } = await world.pool.query('select * from twilio.conversations where id = $1', [id]);
    const { account_id: accountId } = rows[0] ?? {};
    return {
      id,
      rows: store.pack(
        normalize(
          decodeDetail('GET detail', id, { id, accountId, name: 'Changed', createdAt: '2026-06-15T09:00:00Z' }),
          true,
        ),
      ),
      stored: true,
      listed: true,
      item: 'item',
      detail: 'detail',
      deleted: false,
      force: true,
      request: 1_000_000,
      served: [],
      due: [],
    };
  };
  const [one, two] = [await change(first), await change(second)];
  return await whileLocked(world, `select from twilio.conversations where id = '${first}' for update`, async (free) => {
    const slow = store.load([one], null, api.now());
    await blocked(world, 1);
    const fast = store.load([two], null, api.now());
    // It waits for the lease, or, where nothing makes it wait, is through.
    await Promise.race([fast, blocked(world, 2).catch(() => {})]);
    const { rows } = await world.pool.query<{ last: string }>(
      'select max(synced_at)::text as last from twilio.conversations',
    );
    await free();
    await Promise.all([slow, fast]);
    const late = await world.pool.query('select from twilio.conversations where id = $1 and synced_at > $2', [
      first,
      rows[0]?.last,
    ]);
    return late.rowCount === 1 ? null : `${first} was committed with a synced_at that readers had passed already`;
  });
}

/** Deleted at the API while it is still listed for a moment: one key is not two. */
async function oneKey(): Promise<string | null> {
  await using world = await World.open({ conversations: 12, days: 1 });
  await world.sync();
  const [id = ''] = world.source.ids();
  world.source.say(id, 'Still here');
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 404 }, times: 1 });
  await world.pass('reconcile');
  return (await readAll(world.pool)).get(id)?.deleted ? `${id} is marked deleted, and was listed` : null;
}

/** Hours without a list, then all of it again: what is new comes first, and nothing has piled up before it. */
async function outage(): Promise<string | null> {
  await using world = await World.open({ conversations: 20, days: 10 });
  await world.sync();
  world.simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 503 } });
  for (let tick = 0; tick < 4; tick += 1) {
    world.nowMs += 15 * minute;
    await world.pass('new', 'lookback');
  }
  const { rows } = await world.pool.query<{ sweep: string; count: number }>(
    'select sweep, count(*)::int as count from twilio_sync.sweeps where ended_at is null group by sweep having count(*) > 1',
  );
  if (rows.length > 0) return `unfinished sweeps have piled up: ${JSON.stringify(rows)}`;
  world.simulator.faults.clear();
  world.completed.length = 0;
  await world.pass('new', 'lookback');
  const first = world.completed[0]?.sweep;
  return first === 'new' ? ((await world.differences())[0] ?? null) : `${first} was listed before new`;
}

/** After a long absence a month of it can be listed in part: what the next `new` leaves of that is history, and not done. */
async function hole(): Promise<string | null> {
  await using world = await World.open({ conversations: 20, days: 10 });
  await world.sync();
  world.nowMs += 11 * day;
  const { id, createdAt } = world.source.create();
  world.nowMs += 50 * day;
  const beyond = { fromMs: world.nowMs - 59 * day, toMs: world.nowMs - 45 * day };
  const fault = { kind: 'status', status: 503 } as const;
  const standing = world.simulator.faults.add({ on: 'list', meeting: beyond, fault });
  await world.pass('new');
  world.nowMs += minute;
  await world.pass('new');
  const { rowCount } = await world.pool.query('select where twilio.data_complete_through() > $1', [createdAt]);
  if (rowCount !== 0) return `everything up to ${createdAt} is said to be stored, and ${id} is not`;
  standing.remove();
  await world.pass('new');
  return (await readAll(world.pool)).has(id) ? null : `${id} is not stored, and was taken for listed`;
}

/** A reconcile that can get no further holds half of all as missing; a deletion among the recent ones is the lookback's to find. */
async function held(): Promise<string | null> {
  await using world = await World.open({ conversations: 100, days: 60 });
  await world.sync();
  const beyond = { fromMs: world.nowMs - 55 * day, toMs: world.nowMs - 35 * day };
  world.simulator.faults.add({ on: 'list', meeting: beyond, fault: { kind: 'status', status: 503 } });
  const recent = world.source.all().filter(({ createdAt }) => Date.parse(createdAt) > world.nowMs - 3 * day);
  world.simulator.turn({ lists: 'nothing' });
  await world.pass('reconcile');
  world.simulator.turn({ lists: 'all' });
  const [{ id = '' } = {}] = recent;
  world.source.remove(id);
  await world.pass('lookback');
  const gone = [...(await readAll(world.pool)).values()].filter((each) => each.deleted).length;
  return gone === 1 ? null : `${gone} are marked deleted, and ${id} alone is gone`;
}

/** One month can never be listed: what is deleted in another is found. */
async function elsewhere(): Promise<string | null> {
  await using world = await World.open({ conversations: 100, days: 60 });
  await world.sync();
  const beyond = { fromMs: world.nowMs - 55 * day, toMs: world.nowMs - 35 * day };
  world.simulator.faults.add({ on: 'list', meeting: beyond, fault: { kind: 'status', status: 503 } });
  const old = world.source.all().find(({ createdAt }) => {
    const agoMs = world.nowMs - Date.parse(createdAt);
    return agoMs > 10 * day && agoMs < 25 * day;
  });
  world.source.remove(old?.id ?? '');
  await world.pass('reconcile');
  return (await readAll(world.pool)).get(old?.id ?? '')?.deleted ? null : `${old?.id} is gone, and not marked deleted`;
}

/** A source that keeps seven days has dropped one; then the list hides the newest day, or four, and no detail of them is there. */
async function retention(): Promise<string | null> {
  await using world = await World.open({ conversations: 400, days: 8, settings: { refreshSeconds: [] } });
  await world.sync();
  const marked = async () => [...(await readAll(world.pool)).values()].filter((each) => each.deleted).length;
  const drop = (fromDays: number, toDays: number) => {
    const between = world.source.all().filter(({ createdAt }) => {
      const days = (world.nowMs - Date.parse(createdAt)) / day;
      return days <= fromDays && days > toDays;
    });
    for (const { id } of between) world.source.remove(id);
    return between;
  };
  const dropped = drop(9, 7).length;
  await world.pass('reconcile');
  if ((await marked()) !== dropped) return `${await marked()} are marked deleted, and ${dropped} are no longer kept`;
  for (const [fromDays, toDays] of [
    [1, 0],
    [7, 3],
  ] as const) {
    const hidden = drop(fromDays, toDays);
    await world.pass('reconcile');
    if ((await marked()) > dropped) return `what was ${toDays} to ${fromDays} days old is taken for what is too old`;
    for (const whole of hidden) world.source.put(whole);
  }
  return null;
}

/** A reconcile that was cut short says nothing of what has changed since where it had been. */
async function cutShort(): Promise<string | null> {
  await using world = await World.open({ conversations: 60, days: 100 });
  await world.sync();
  const context = await world.context();
  const stop = new AbortController();
  const { load } = context.store;
  context.requests.sweeps.add('reconcile');
  context.store = {
    ...context.store,
    async load(changes, mark, now) {
      const loaded = await load(changes, mark, now);
      // The newest month is listed, and more is not.
      if (mark?.window.sweep === 'reconcile' && mark.cursor < now - 32 * 86_400) stop.abort(new Error('stopped'));
      return loaded;
    },
  };
  await pass(context, stop.signal).catch(() => {});
  await world.restart();
  const old = world.source.all().find(({ createdAt }) => {
    const agoMs = world.nowMs - Date.parse(createdAt);
    return agoMs > 10 * day && agoMs < 25 * day;
  });
  world.source.addResult(old?.id ?? '', { silent: true });
  await world.sync({ reconcile: true });
  return (await world.differences())[0] ?? null;
}

/** One conversation is refused, though the key is good: all others are stored. */
async function refused(): Promise<string | null> {
  await using world = await World.open({ conversations: 30, days: 20 });
  const [id = ''] = world.source.ids();
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 403 } });
  await world.sync().catch(() => {});
  const { size } = await readAll(world.pool);
  return size === 29 ? null : `${size} of 29 are stored, since ${id} answers 403`;
}

/** The key is revoked in the middle of a batch: that is no conversation's trouble. */
async function revoked(): Promise<string | null> {
  await using world = await World.open({ conversations: 300, days: 20 });
  world.simulator.faults.add({ on: 'detail', from: 120, fault: { kind: 'status', status: 401 } });
  await world.sync().catch(() => {});
  const { rowCount } = await world.pool.query('select from twilio_sync.quarantine');
  return rowCount === 0 ? null : `${rowCount} conversations are in quarantine, since the key is revoked`;
}

/** While a detail is on its way, something else happens to its conversation. */
async function meanwhile(world: World, id: string, work: () => Promise<unknown>): Promise<void> {
  const context = await world.context();
  const { load } = context.store;
  await world.pool.query(
    `insert into twilio_sync.due (conversation_id, reason, due_at) values ($1, 'closed', to_timestamp(0))
     on conflict (conversation_id, reason) do update set due_at = excluded.due_at`,
    [id],
  );
  let done = false;
  context.store = {
    ...context.store,
    async load(changes, mark, now) {
      if (!done && changes.some((change) => change.id === id)) await work();
      done ||= changes.some((change) => change.id === id);
      return await load(changes, mark, now);
    },
  };
  await world.pass('new');
}

/** Somebody asks for a conversation whose detail is on its way: it is fetched again, and its rows are written whatever is remembered. */
async function asked(): Promise<string | null> {
  await using world = await World.open({ conversations: 8, days: 1 });
  await world.sync();
  const id = world.source.ids().find((each) => (world.source.get(each).communications ?? []).length > 0) ?? '';
  await world.pool.query('delete from twilio.communications where conversation_id = $1', [id]);
  const database = openDatabase(world.database.connection);
  await meanwhile(world, id, () => requestRefetch(database, [id]));
  await database.close();
  return (await world.differences())[0] ?? null;
}

/** Somebody has a conversation forgotten whose detail is on its way. */
async function forgotten(): Promise<string | null> {
  await using world = await World.open({ conversations: 8, days: 1 });
  await world.sync();
  const [id = ''] = world.source.ids();
  const database = openDatabase(world.database.connection);
  await meanwhile(world, id, () => forget(database, [id]));
  await database.close();
  return (await readAll(world.pool)).has(id) ? `${id} was forgotten, and is stored again` : null;
}

/** Rows are deleted by accident: a reconcile brings them back. */
async function accident(): Promise<string | null> {
  await using world = await World.open({ conversations: 20, days: 3 });
  await world.sync();
  await world.pool.query('delete from twilio.conversations where id in (select min(id) from twilio.conversations)');
  await world.pool.query('delete from twilio.communications where position = 0');
  await world.sync({ reconcile: true });
  return (await world.differences())[0] ?? null;
}

/** A database that has every setting another way: equal tables, stamps by its clock, and what fails says so as ever. */
async function settings(): Promise<string | null> {
  await using world = await World.open({ conversations: 12, days: 1 });
  const { database } = world.database.connection;
  for (const setting of ["datestyle = 'SQL, DMY'", "timezone = 'Asia/Shanghai'", 'array_nulls = off']) {
    await world.pool.query(`alter database ${database} set ${setting}`);
  }
  const [failing = '', removed = ''] = world.source.ids();
  const fault = world.simulator.faults.add({
    on: 'detail',
    id: failing,
    fault: { kind: 'status', status: 422 },
    times: 9,
  });
  const failure = await world.sync().then(
    () => null,
    (error: unknown) => String(error),
  );
  if (failure !== null) return `the pass fails: ${failure}`;
  const { rows: quarantine } = await world.pool.query('select conversation_id as id from twilio_sync.quarantine');
  if (quarantine.length !== 1) return `${quarantine.length} in quarantine, where ${failing} alone fails`;
  fault.remove();
  world.source.remove(removed);
  await world.fetch([failing]);
  await world.sync({ reconcile: true });
  const { rows: ahead } = await world.pool.query<{ id: string }>(
    'select id from twilio.conversations where synced_at > clock_timestamp()',
  );
  if (ahead[0] !== undefined) return `${ahead[0].id} has a synced_at in the future`;
  return (await world.differences())[0] ?? null;
}

/** The database's clock is set back while a worker holds the lease, and that one is killed. */
async function setBack(): Promise<string | null> {
  await using world = await World.open();
  await world.context();
  await world.pool.query('update twilio_sync.lease set expires_at = expires_at + 3600000000');
  const database = openDatabase(world.database.connection);
  try {
    const taken = await takeLease(database, 'the next');
    return 'epoch' in taken ? null : 'a lease that ends in an hour is waited for';
  } finally {
    await database.close();
  }
}

/** One answer tells a time that is a day ahead: nothing is complete up to tomorrow, and what is created meanwhile is new. */
async function clock(): Promise<string | null> {
  await using world = await World.open({ conversations: 12, days: 2 });
  await world.sync();
  const [id = ''] = world.source.ids();
  world.simulator.faults.add({ on: 'detail', fault: { kind: 'date', offsetMs: day }, times: 1 });
  await (await world.context()).api.detail(id, 1_000_000, new AbortController().signal);
  await world.pass('new');
  const { rowCount } = await world.pool.query('select from twilio_sync.windows where to_at > to_timestamp($1)', [
    world.nowMs / 1000,
  ]);
  if (rowCount !== 0) return `${rowCount} windows are complete up to tomorrow`;
  world.nowMs += 5 * 60 * minute;
  world.source.create({ createdAt: new Date(world.nowMs - 60 * minute).toISOString() });
  await world.pass('new');
  return (await world.differences())[0] ?? null;
}

/** A newer release has migrated, and its worker is gone. */
async function newer(): Promise<string | null> {
  await using world = await World.open();
  await world.pool.query(
    `insert into twilio_sync.__drizzle_migrations (hash, created_at) values ('of a newer release', 99999999999999)`,
  );
  const database = openDatabase(world.database.connection);
  try {
    const taken = await takeLease(database, 'older').catch(() => null);
    return taken === null ? null : 'an older release takes the lease, and would write on tables that it does not know';
  } finally {
    await database.close();
  }
}

export const scenarios: Record<string, Scenario> = {
  asked,
  forgotten,
  accident,
  late,
  edges,
  ignored,
  capped,
  absent,
  generation,
  brake,
  disk,
  half,
  stamps,
  oneKey,
  otherKey,
  briefly,
  outage,
  hole,
  held,
  elsewhere,
  retention,
  quarantine,
  cutShort,
  refused,
  revoked,
  settings,
  setBack,
  newer,
  clock,
  ...resultScenarios,
  ...pushScenarios,
  ...privacyScenarios,
};

async function whileLocked(
  world: World,
  statement: string,
  work: (free: () => Promise<void>) => Promise<string | null>,
): Promise<string | null> {
  const client = new pg.Client({ ...world.database.connection, application_name: 'lock' });
  await client.connect();
  try {
    await client.query('begin');
    await client.query(statement);
    return await work(async () => {
      await client.query('rollback');
    });
  } finally {
    await client.end();
  }
}

/** Waits until so many of the program's sessions wait for a lock. */
async function blocked(world: World, count: number): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    const { rowCount } = await world.pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'program' and wait_event_type = 'Lock'`,
    );
    if ((rowCount ?? 0) >= count) return;
    await world.pool.query('select pg_sleep(0.005)');
  }
  throw new Error(`no ${count} sessions wait for a lock`);
}
