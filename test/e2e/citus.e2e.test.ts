// Three accounts on a Citus cluster, each with a worker of its own, while all goes on: they are distributed, killed, moved to another
// node, told by webhooks, and forget. In the end each is equal to its source, and readers see what they should.

import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import { Connection } from '../../src/postgres/connection.ts';
import { startPushes } from '../../src/simulator/pushes.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { describeOnCitus, openCitusDatabase } from '../citus.ts';
import type { TestDatabase } from '../database.ts';
import { differences } from '../oracle.ts';
import { resultDifferences } from '../result-oracle.ts';
import { type Environment, Processes, type Running, until } from './process.ts';

const seed = Number(process.env['CITUS_SEED'] ?? Date.now() % 1_000_000);
const schemas = ['twilio_acme', 'Kunde "B"', 'twilio'];
const hook = 'https://hooks.example.com/twilio';

interface Account {
  schema: string;
  simulator: Simulator;
  env: Environment;
  /** Statements of a test are written for `twilio`. */
  client: pg.Client;
  worker: Running | null;
}

describeOnCitus(`three accounts on Citus (seed ${seed}: CITUS_SEED)`, () => {
  const processes = new Processes();
  const random = createRandom(seed);
  let database: TestDatabase;
  let accounts: Account[];

  beforeAll(async () => {
    database = await openCitusDatabase();
    accounts = await Promise.all(
      schemas.map(async (schema, at) => {
        const simulator = await startSimulator({});
        fillSource(simulator.source, { conversations: 150, days: 20, seed: at + 1, untilMs: Date.now() - 3_600_000 });
        const client = new Connection({ ...database.connection, schema });
        await client.connect();
        const env: Environment = {
          TWILIO_INTELLIGENCE_URL: simulator.url,
          TWILIO_ACCOUNT_SID: simulator.credentials.accountSid,
          TWILIO_AUTH_TOKEN: simulator.credentials.authToken,
          DATABASE_URL: database.url,
          SYNC_SCHEMA: schema,
          SYNC_START: new Date(Date.now() - 25 * 86_400_000).toISOString().slice(0, 10),
          SYNC_REFRESH: '365d',
          SYNC_SCHEDULE: '* * * * * *',
          LOOKBACK_SCHEDULE: '*/2 * * * * *',
          SYNC_LOOKBACK: '60d',
          HTTP_PORT: '0',
          WEBHOOK_PORT: '0',
          WEBHOOK_URL: hook,
        };
        return { schema, simulator, env, client, worker: null };
      }),
    );
  });

  afterAll(async () => {
    await processes[Symbol.asyncDispose]();
    for (const { client, simulator } of accounts ?? []) {
      await client.end();
      await simulator.close();
    }
    await database?.[Symbol.asyncDispose]();
  });

  const start = async (account: Account) => {
    account.worker = await processes.start(['run'], account.env);
    return account.worker;
  };
  const run = (account: Account, ...args: string[]) => processes.finish(args, account.env);

  /** Something of each kind happens at the source. Too many deletions at once would wait for a person. */
  const change = ({ simulator: { source } }: Account, deletes = true) => {
    const ids = source.ids();
    for (const id of random.shuffle(ids).slice(0, 6)) source.say(id, `More of ${id}`);
    for (const id of random.shuffle(ids).slice(0, 4)) source.addResult(id);
    if (deletes) source.remove(random.pick(ids));
    for (let at = 0; at < 5; at += 1) source.addResult(source.create({ name: `New ${at}` }).id);
  };

  const wrong = async ({ client, simulator: { source } }: Account) => [
    ...(await differences(client, source.all())),
    ...(await resultDifferences(client, source.results())),
  ];
  const untilEqual = async (account: Account) =>
    await until(
      () => wrong(account),
      (found) => found.length === 0,
    );

  /** The nodes that its tables lie on. */
  const nodesOf = async ({ client }: Account) =>
    (
      await client.query<{ host: string; port: number }>(
        `select distinct nodename as host, nodeport as port from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node using (groupid)
         where logicalrelid in (select oid from pg_class where relnamespace in ('twilio'::regnamespace, 'twilio_sync'::regnamespace))`,
      )
    ).rows;

  test('are distributed one after the other, beside their workers', async () => {
    for (const account of accounts) await (await start(account)).saw(/"msg":"in sync"/);
    for (const account of accounts) {
      change(account);
      const { code, stdout } = await run(account, 'distribute');
      expect(stdout).toMatch(/^Distributed \d+ tables .*\nAll \d+ tables of .* lie on /);
      expect(code).toBe(0);
      change(account);
    }
    for (const account of accounts) await untilEqual(account);
    for (const account of accounts)
      expect((await run(account, 'doctor')).stdout).toMatch(/ok +citus +\S+; all \d+ tables/);
  });

  test('lie each whole on one node, and not all on the same', async () => {
    const nodes = await Promise.all(accounts.map(nodesOf));
    expect(nodes.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(new Set(nodes.flat().map(({ port, host }) => `${host}:${port}`)).size).toBeGreaterThan(1);
  });

  test('are equal after kills at random', async () => {
    for (let kills = 0; kills < 9; kills += 1) {
      const account = random.pick(accounts);
      const said = account.worker?.output().length ?? 0;
      const more = random.int(0, 400);
      change(account);
      await until(
        async () => (account.worker?.output().length ?? 0) - said,
        (length) => length >= more,
      );
      account.worker?.kill('SIGKILL');
      await account.worker?.ended;
      await start(account);
    }
    for (const account of accounts) await untilEqual(account);
  });

  test('one is moved to another node while its worker runs', async () => {
    const [account] = accounts;
    if (account === undefined) throw new Error('there is no account');
    const [from] = await nodesOf(account);
    const { rows: others } = await account.client.query<{ host: string; port: number }>(
      'select nodename as host, nodeport as port from pg_dist_node where shouldhaveshards and (nodename, nodeport) <> ($1, $2)',
      [from?.host, from?.port],
    );
    const [to] = others;
    const changing = setInterval(() => change(account, false), 500);
    await account.client
      .query(
        `select citus_move_shard_placement(shardid, $1, $2, $3, $4) from pg_dist_shard where logicalrelid = 'twilio.conversations'::regclass`,
        [from?.host, from?.port, to?.host, to?.port],
      )
      .finally(() => clearInterval(changing));
    expect(await nodesOf(account)).toEqual([to]);
    await untilEqual(account);
  });

  test('store what is pushed', async () => {
    for (const account of accounts) {
      const never = { SYNC_SCHEDULE: '0 0 1 1 *', LOOKBACK_SCHEDULE: '0 0 1 1 *', RECONCILE_SCHEDULE: '0 0 1 1 *' };
      account.worker?.kill('SIGTERM');
      expect((await account.worker?.ended)?.code).toBe(0);
      const worker = await processes.start(['run'], { ...account.env, ...never });
      account.worker = worker;
      const [, target = ''] = await worker.saw(/"url":"(http:[^"]+)","msg":"taking webhooks"/);
      await worker.saw(/"msg":"in sync"/);
      const { source, credentials } = account.simulator;
      await using pushes = startPushes({ source, url: hook, target, authToken: credentials.authToken });
      for (let at = 0; at < 10; at += 1) {
        const { id } = source.create({ name: `Pushed ${at}` });
        source.say(id, 'Hello');
        source.addResult(id);
      }
      await pushes.settled();
      await untilEqual(account);
    }
  });

  test('verify finds nothing, and what is forgotten is gone and stays away', async () => {
    for (const account of accounts) {
      expect(await run(account, 'verify', '--full')).toMatchObject({ code: 0 });
      const { source } = account.simulator;
      const [id = ''] = source.ids();
      expect(await run(account, 'forget', '--id', id, '--yes')).toMatchObject({ code: 0 });
      account.worker?.kill('SIGTERM');
      await account.worker?.ended;
      expect(await run(account, 'sync', '--reconcile')).toMatchObject({ code: 0 });
      source.remove(id);
      expect(await wrong(account)).toEqual([]);
      expect(await run(account, 'status')).toMatchObject({ code: 0, stdout: expect.stringContaining('In sync') });
    }
  });
});
