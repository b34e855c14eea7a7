// Releases side by side: one whose tables are newer than it knows, and one that waits while another process migrates.

import { expect, test } from 'vitest';
import { migrationLock } from '../../src/postgres/migrate.ts';
import { until } from './process.ts';
import { momentsAgo, Stage } from './stage.ts';

const listening = /"url":"(http:[^"]+)","msg":"listening"/;
const eachSecond = { SYNC_SCHEDULE: '* * * * * *' };
const newer = 'the database is of a newer release than this program';

async function ask(url: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(url);
  return { status: answer.status, body: await answer.json() };
}

test.concurrent('an older release stops, gives the lease back, says why and waits; commands refuse', async () => {
  await using stage = await Stage.open({ conversations: 30 });
  const { processes, simulator, client } = stage;
  const running = await processes.start(['run'], { ...stage.env, ...eachSecond });
  const [, url] = await running.saw(listening);
  await running.saw(/"msg":"in sync"/);
  await client.query(
    `insert into twilio_sync.__drizzle_migrations (hash, created_at) values ('of a newer release', 99999999999999)`,
  );
  await running.saw(new RegExp(newer));
  expect(await stage.leaseHolder()).toBe(null);
  simulator.source.create({ createdAt: momentsAgo() });
  await until(
    () => ask(`${url}/readyz`),
    ({ status, body }) => status === 503 && JSON.stringify(body).includes(newer),
  );
  expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 });
  for (const args of [['sync'], ['retry'], ['verify', '--repair'], ['migrate']]) {
    expect(await processes.finish(args, stage.env)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/newer release than this program: run that release, or a newer one/),
    });
  }
  expect(await processes.finish(['status'], stage.env)).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(new RegExp(`^Out of sync: ${newer}`)),
  });
  expect(await stage.stored()).toBe(30);
  expect(await stage.leaseHolder()).toBe(null);

  await client.query(`delete from twilio_sync.__drizzle_migrations where hash = 'of a newer release'`);
  await running.saw(/"msg":"this worker holds the lease"/);
  await running.saw(/"msg":"in sync"/);
  expect(await stage.differences()).toEqual([]);
});

test.concurrent('a worker that waits for another process to migrate says so, and is alive', async () => {
  await using stage = await Stage.open({ conversations: 10 });
  const { processes, client } = stage;
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
  const running = await processes.start(['run'], { ...stage.env, ...eachSecond });
  const [, url] = await running.saw(listening);
  await running.saw(/"msg":"waiting for another process to migrate the database"/);
  expect(await ask(`${url}/readyz`)).toEqual({
    status: 503,
    body: { ready: false, code: 'migrating', reason: 'waiting for another process to migrate the database' },
  });
  expect(await ask(`${url}/livez`)).toMatchObject({ status: 200 });
  await client.query('rollback');
  await running.saw(/"msg":"in sync"/);
});
