// `run` as its operator meets it: signals, crashes, replicas, and what it stands on going away and coming back. Each test
// has an API and a database of its own, and most of its time is waiting: they wait together.

import { expect, test } from 'vitest';
import { until } from './process.ts';
import { Cable, Stage } from './stage.ts';

/** So slow that history takes a while: something can happen in the middle of it. */
const slow = { latencyMs: 40 };
const slowly = { SYNC_MAX_CONCURRENCY: '2' };
const eachSecond = { SYNC_SCHEDULE: '* * * * * *' };

const urlOf = (line: RegExpExecArray) => line[1] ?? '';
const listening = /"url":"(http:[^"]+)","msg":"listening"/;

async function ask(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(url);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** A metric as `/metrics` says it; undefined where it does not. */
async function metric(url: string, name: string): Promise<number | undefined> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const [, value] = new RegExp(`^conversation_sync_${name} (.*)$`, 'm').exec(page) ?? [];
  return value === undefined ? undefined : Number(value);
}

test.concurrent('SIGTERM in the middle of history: it ends in order with 0, nothing is half-written, the next start goes on', async () => {
  await using stage = await Stage.open({ conversations: 250 });
  const { processes, simulator } = stage;
  // However long it takes to be told: it does not come to the end.
  const held = simulator.faults.add({ on: 'detail', from: 120, fault: { kind: 'silence', at: 'head' } });
  const first = await processes.start(['run'], { ...stage.env, ...slowly });
  const url = urlOf(await first.saw(listening));
  const early = await ask(`${url}/livez`);
  expect(early).toMatchObject({ status: 200, body: { live: true } });
  await until(
    () => stage.stored(),
    (stored) => stored > 20,
  );
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 200, body: { ready: true, code: 'loading' } });
  first.kill('SIGTERM');
  const { code, output } = await first.ended;
  expect(code).toBe(0);
  expect(output).not.toMatch(/not done within|"level":"(warn|error)"/);
  expect(await stage.leaseHolder()).toBe(null);
  const stored = await stage.stored();
  expect(stored).toBeLessThan(120);
  expect(await stage.differencesOfStored()).toEqual([]);

  held.remove();
  simulator.requests.reset();
  const second = await processes.start(['run'], { ...stage.env, ...eachSecond });
  await second.saw(/"msg":"in sync"/);
  expect(await stage.differences()).toEqual([]);
  expect(simulator.requests.byEndpoint.detail).toBe(250 - stored);

  // What a person asks for meanwhile is the running worker's to do.
  const [id = ''] = simulator.source.ids();
  const asked = await processes.finish(['sync', '--id', id, '--id', 'conv_conversation_unknown'], stage.env);
  expect(asked.code).toBe(1);
  expect(asked.stdout).toBe(
    `Asked the running worker for it.\n${id}: stored\nconv_conversation_unknown: no such conversation at the API\n`,
  );
  expect(await stage.leaseHolder()).toContain(`process ${second.pid}`);
  second.kill('SIGINT');
  expect(await second.ended).toMatchObject({ code: 0 });
});

test.concurrent('of two replicas one stands by, and takes over where the other is killed', async () => {
  await using stage = await Stage.open({ conversations: 250, switches: slow });
  const { processes } = stage;
  const beganAtMs = performance.now();
  const first = await processes.start(['run'], { ...stage.env, ...slowly });
  await first.saw(/this worker holds the lease/);
  const second = await processes.start(['run'], { ...stage.env, ...eachSecond });
  const url = urlOf(await second.saw(listening));
  await second.saw(/"heldBy":"run on [^"]+","msg":"another worker holds the lease; this one is on standby"/);
  expect((await ask(`${url}/livez`)).status).toBe(200);
  expect(await ask(`${url}/readyz`)).toMatchObject({
    status: 200,
    body: { ready: true, code: 'standby', reason: expect.stringMatching(/^standby: run on .* holds the lease$/) },
  });
  expect(await (await fetch(url)).text()).toContain('This replica is on standby: run on ');
  await until(
    () => stage.stored(),
    (stored) => stored > 20,
  );
  expect(await metric(url, 'lease_held')).toBe(0);
  // Of what the other one does.
  expect(await metric(url, 'last_tick_age_seconds')).toBeLessThanOrEqual((performance.now() - beganAtMs) / 1000);
  expect(await metric(url, 'last_pass_success')).toBe(undefined);
  first.kill('SIGKILL');
  await first.ended;
  expect(await stage.differencesOfStored()).toEqual([]);
  stage.simulator.turn({ latencyMs: 0 });
  await second.saw(/this worker holds the lease/);
  await second.saw(/"msg":"in sync"/);
  expect(await stage.differences()).toEqual([]);
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 200, body: { ready: true } });
  expect(await metric(url, 'lease_held')).toBe(1);
  expect(await metric(url, 'last_pass_success')).toBe(1);
});

test.concurrent('API and database may go away: it stays, says so, and goes on when they are back', async () => {
  await using stage = await Stage.open({ conversations: 60 });
  await using cable = await Cable.open(stage.database.url);
  const DATABASE_URL = cable.through(stage.database.url);
  await cable.cut();
  const worker = await stage.processes.start(['run'], { ...stage.env, ...eachSecond, DATABASE_URL });
  const url = urlOf(await worker.saw(listening));
  await worker.saw(/ECONNREFUSED[^\n]*the database cannot be used yet/);
  const refused = { ready: false, reason: expect.stringContaining('ECONNREFUSED') };
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 503, body: refused });
  expect(await metric(url, 'database_up')).toBe(0);
  await cable.mend();
  await worker.saw(/"msg":"in sync"/);
  expect(await stage.differences()).toEqual([]);

  // The database, in the middle of its work.
  await cable.cut();
  await worker.saw(/"level":"error"[^\n]*database: [^\n]*the pass failed; the next tick tries again/);
  expect((await ask(`${url}/livez`)).status).toBe(200);
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 503, body: refused });
  expect(await metric(url, 'database_up')).toBe(0);
  expect(await metric(url, 'conversations_stored_total')).toBe(60);
  const page = await fetch(url);
  expect(page.status).toBe(200);
  expect(await page.text()).toMatch(/<title>(The database cannot be used|Out of sync) · /);
  await cable.mend();
  await until(
    () => ask(`${url}/readyz`),
    ({ status }) => status === 200,
  );

  // The API: gone, then back, then with another key.
  await stage.simulator.close();
  const added = stage.simulator.source.create({ status: 'CLOSED' });
  await worker.saw(/"level":"error"[^\n]*no connection[^\n]*the pass failed; the next tick tries again/);
  expect(await ask(`${url}/readyz`)).toMatchObject({ status: 503 });
  await stage.reopenApi();
  await until(
    () => stage.stored(),
    (stored) => stored === 61,
  );
  expect(stage.simulator.source.find(added.id)).toBeDefined();
  expect(await stage.differences()).toEqual([]);
  const refusal = stage.simulator.faults.add({ on: 'any', fault: { kind: 'status', status: 401 } });
  await worker.saw(/the API refused the key/);
  await worker.saw(/the API refused the key/);
  refusal.remove();
  await until(
    () => ask(`${url}/readyz`),
    ({ status }) => status === 200,
  );
  worker.kill('SIGTERM');
  const { code, output } = await worker.ended;
  expect(code).toBe(0);
  // One line a failed pass, without stack traces.
  expect(output).not.toMatch(/"stack"|\n\s+at /);
  for (const line of output.split('\n').filter((each) => each.startsWith('{'))) JSON.parse(line);
  expect(output).toMatch(
    /"sweep":"new","from":"[^"]+Z","to":"[^"]+Z","listed":\d+,"changed":\d+,"ms":\d+,"msg":"window"/,
  );
});

test.concurrent('a second Ctrl-C ends it at once, though the database holds a load up', async () => {
  await using stage = await Stage.open({ conversations: 60 });
  const worker = await stage.processes.start(['run'], { ...stage.env, ...eachSecond });
  await worker.saw(/"msg":"in sync"/);
  await stage.client.query('begin; lock table twilio.conversations in access exclusive mode');
  stage.simulator.source.create({ status: 'CLOSED' });
  await until(
    async () =>
      (
        await stage.client.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).rowCount,
    (waiting) => (waiting ?? 0) > 0,
  );
  worker.kill('SIGINT');
  await worker.saw(/SIGINT: ending/);
  const pressing = setInterval(() => worker.kill('SIGINT'), 100);
  const { code, output } = await worker.ended.finally(() => clearInterval(pressing));
  await stage.client.query('rollback');
  expect(code).toBe(0);
  expect(output).not.toMatch(/not done within/);
  expect(await stage.differencesOfStored()).toEqual([]);
});
