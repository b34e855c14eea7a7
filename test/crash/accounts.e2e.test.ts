// Replicas that share many accounts, while one after the other is killed or frozen: each account's rows are those of its API, an epoch
// has one writer, and no account is without a lease for long. What is written is noted by triggers, by the database's clock.
// CRASH_ACCOUNTS=100 plays it with so many accounts and ten strikes, and prints how long accounts were without a lease.

import pg from 'pg';
import { expect, test } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import { Connection } from '../../src/postgres/connection.ts';
import { shareOf } from '../../src/postgres/replicas.ts';
import { Many, type Member } from '../e2e/many.ts';
import { type Running, until } from '../e2e/process.ts';
import { momentsAgo } from '../e2e/stage.ts';
import { differences } from '../oracle.ts';

const asked = process.env['CRASH_ACCOUNTS'];
const size =
  asked === undefined
    ? { accounts: 6, kills: 2, freezes: 1, schedule: '* * * * * *' }
    : { accounts: Number(asked), kills: 6, freezes: 4, schedule: '*/20 * * * * *' };
const replicas = 3;
/** How long an account may be without a lease, in seconds. */
const withoutLease = 20;

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
const random = createRandom(seed);

/** Notes who wrote under which epoch, and each change of a lease. */
async function note(client: pg.Client, { schema }: Member): Promise<void> {
  const [own, sync] = [schema, `${schema}_sync`].map((name) => pg.escapeIdentifier(name));
  const noting = (table: string) =>
    `create trigger noted after insert or update or delete on ${table} for each statement execute function noted.write()`;
  await client.query(
    `${noting(`${own}.conversations`)}; ${noting(`${own}.communications`)}; ${noting(`${sync}.fingerprints`)};
     create trigger noted after update on ${sync}.lease for each row execute function noted.lease()`,
  );
}

const noted = `
  create schema noted;
  create table noted.writes (n bigint generated always as identity, account text, writer text, epoch bigint);
  create table noted.leases (n bigint generated always as identity, account text, at bigint, epoch bigint, holder text, expires_at bigint);
  create function noted.write() returns trigger language plpgsql as $$ begin
    execute format('insert into noted.writes (account, writer, epoch) select $1, current_setting(''application_name''), epoch from %I.lease',
      replace(tg_table_schema, '_sync', '') || '_sync') using replace(tg_table_schema, '_sync', '');
    return null;
  end $$;
  create function noted.lease() returns trigger language plpgsql as $$ begin
    insert into noted.leases (account, at, epoch, holder, expires_at) values (replace(tg_table_schema, '_sync', ''),
      (extract(epoch from clock_timestamp()) * 1000000)::bigint, new.epoch, new.holder, new.expires_at);
    return null;
  end $$`;

/** Waits until the tables are those of the API, on a connection that is closed then: a server has few. */
async function equal(many: Many, { schema, api }: Member): Promise<void> {
  const client = new Connection({ ...many.database.connection, schema });
  await client.connect();
  const isEqual = (found: string[]) => found.length === 0;
  await until(() => differences(client, api.source.all()), isEqual, patienceMs).finally(() => client.end());
}

/** Of processes that are slow because the machine is. */
const patienceMs = 300_000;

const say = (found: object) => asked !== undefined && process.stdout.write(`${JSON.stringify(found)}\n`);

interface Replica {
  running: Running;
  /** What its lines in the database are known by. */
  name: string;
}

test(`${size.accounts} accounts, ${replicas} replicas, ${size.kills} kills and ${size.freezes} freezes (seed ${seed})`, {
  timeout: 1_800_000,
}, async () => {
  const schemas = Array.from({ length: size.accounts }, (_, at) => `account${at}`);
  await using many = await Many.open(schemas, 20);
  await many.write();
  const env = { ...many.env, SYNC_SCHEDULE: size.schedule };
  const client = new pg.Client(many.database.connection);
  await client.connect();
  try {
    const rows = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
      (await client.query<Row>(text, values)).rows;
    const migrated = await many.processes.finish(['migrate'], env);
    expect(migrated.code).toBe(0);
    await client.query(noted);
    for (const member of many.members) await note(client, member);

    let started = 0;
    const start = async (): Promise<Replica> => {
      const name = `replica ${++started}`;
      return { name, running: await many.processes.start(['run'], { ...env, PGAPPNAME: name }) };
    };
    const holders = schemas.map(
      (schema) => `select '${schema}' as account, holder, expires_at from ${schema}_sync.lease`,
    );
    const held = async (): Promise<Record<string, number>> => {
      const found = await rows<{ pid: string }>(
        `select substring(holder from 'process (\\d+) ') as pid from (${holders.join(' union all ')}) as each
         where expires_at > extract(epoch from clock_timestamp()) * 1000000`,
      );
      return Object.fromEntries([...Map.groupBy(found, ({ pid }) => pid)].map(([pid, each]) => [pid, each.length]));
    };
    /** Waits until each replica works for its share and no more, and all accounts are worked for. */
    const settle = async (running: Replica[]) => {
      const share = shareOf(size.accounts, running.length);
      const isSettled = (found: Record<string, number>) => {
        const counts = running.map(({ running: { pid } }) => found[pid] ?? 0);
        return counts.every((count) => count <= share) && counts.reduce((sum, each) => sum + each) === size.accounts;
      };
      say(await until(held, isSettled, patienceMs));
    };
    const change = () => {
      for (const { api } of many.members) {
        api.source.create({ status: 'CLOSED', createdAt: momentsAgo() });
        const [open] = api.source.all().filter(({ status }) => status === 'ACTIVE');
        if (open !== undefined) api.source.say(open.id, 'one more thing');
      }
    };

    let running = [await start(), await start(), await start()];
    await settle(running);
    const took: number[] = [];
    for (const strike of random.shuffle([...Array(size.kills).fill('kill'), ...Array(size.freezes).fill('freeze')])) {
      const victim = random.pick(running);
      const others = running.filter((each) => each !== victim);
      const written = async () => (await rows('select from noted.writes where writer = $1', [victim.name])).length;
      const before = await written();
      change();
      // It is in the middle of its work then.
      await until(written, (count) => count > before);
      const [{ at } = { at: '' }] = await rows<{ at: string }>(
        'select (extract(epoch from clock_timestamp()) * 1000000)::bigint as at',
      );
      victim.running.kill(strike === 'kill' ? 'SIGKILL' : 'SIGSTOP');
      change();
      await settle(others);
      const [{ seconds } = { seconds: Number.NaN }] = await rows<{ seconds: number }>(
        `select max(at - $1::bigint)::float8 / 1000000 as seconds from (
           select distinct on (account) at from noted.leases where at > $1::bigint and epoch > coalesce((
             select max(epoch) from noted.leases before where before.account = leases.account and before.at <= $1::bigint), 0) order by account, n) as taken`,
        [at],
      );
      took.push(seconds);
      if (strike === 'kill') running = [...others, await start()];
      else victim.running.kill('SIGCONT');
      change();
      await settle(running);
    }
    expect(
      await rows(`select account, epoch from noted.writes group by 1, 2 having count(distinct writer) > 1
        union all select account, epoch from (select account, epoch, lag(epoch) over (partition by account order by n) as before from noted.writes) as each
        where before > epoch`),
    ).toEqual([]);
    // A lease that was given back ends at that moment.
    const [longest] = await rows<{ seconds: number }>(
      `select max(at - ended)::float8 / 1000000 as seconds from (
         select at, lag(case when expires_at = 0 then at else expires_at end) over (partition by account order by n) as ended from noted.leases) as each`,
    );
    const [count] = await rows<{ writes: number; epochs: number }>(
      'select count(*)::int as writes, count(distinct (account, epoch))::int as epochs from noted.writes',
    );
    say({ ...count, longestWithoutLease: longest?.seconds, untilAllWereTakenOver: took });
    expect(count?.writes).toBeGreaterThan(0);
    expect(longest?.seconds).toBeLessThan(withoutLease);
    for (const member of many.members) await equal(many, member);
    for (const replica of running) replica.running.kill('SIGTERM');
    for (const replica of running) expect((await replica.running.ended).code).toBe(0);
  } finally {
    await many.processes[Symbol.asyncDispose]();
    await client.end();
  }
});
