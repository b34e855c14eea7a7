// Webhooks as an operator meets them: signed by the simulator, taken by `run`, stored without waiting for a tick. The schedule of these
// workers never ticks, so whatever is stored after their start came by webhook.

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { type PushesOptions, startPushes } from '../../src/simulator/pushes.ts';
import type { Running } from './process.ts';
import { until } from './process.ts';
import { Stage } from './stage.ts';

const never = { SYNC_SCHEDULE: '0 0 1 1 *', LOOKBACK_SCHEDULE: '0 0 1 1 *', RECONCILE_SCHEDULE: '0 0 1 1 *' };
const entered = 'https://hooks.example.com/twilio%20hook?tenant=7';
const open = { WEBHOOK_PORT: '0', WEBHOOK_URL: entered };

const takingAt = async (worker: Running) => (await worker.saw(/"url":"(http:[^"]+)","msg":"taking webhooks"/))[1] ?? '';

/** The simulated API pushes to a worker, through a proxy that changes host and path. */
const pushTo = ({ simulator }: Stage, target: string, options: Partial<PushesOptions> = {}) =>
  startPushes({
    source: simulator.source,
    url: entered,
    target: `${target}/rewritten`,
    authToken: simulator.credentials.authToken,
    ...options,
  });

/** Changes of all kinds, without one that no webhook announces. */
function change({ simulator: { source } }: Stage, conversations: number): void {
  const old = source.ids();
  for (let at = 0; at < conversations; at += 1) {
    const { id } = source.create({ name: `New ${at}`, participants: [{ id: `p${at}`, addressValues: ['x'] }] });
    source.say(id, 'A secret word');
    source.addResult(id);
    source.close(id);
    const other = old[at % old.length] ?? '';
    source.addResult(other);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const isEqual = async (stage: Stage) => (await stage.differences()).length;

test.concurrent('what is pushed is stored, twice or out of order, without a word of it in the log', async () => {
  await using stage = await Stage.open({ conversations: 60 });
  const { processes } = stage;
  const worker = await processes.start(['run'], { ...stage.env, ...never, ...open });
  const target = await takingAt(worker);
  await worker.saw(/"msg":"in sync"/);
  await using pushes = pushTo(stage, target, { doubled: 0.5, lateMs: 300 });
  change(stage, 40);
  await pushes.settled();
  expect([...pushes.statuses.keys()]).toEqual([204]);
  await until(
    () => isEqual(stage),
    (differences) => differences === 0,
  );
  expect(await pushes.push('{"conversationId":"conv_1","text":"A secret word"')).toBe(204);

  await using forged = pushTo(stage, target, { authToken: 'another' });
  expect(await forged.push('{"conversationId":"conv_1","text":"A secret word"}')).toBe(403);
  await worker.saw(/"reason":"signature".*"msg":"webhooks were refused/);
  const status = await processes.finish(['status', '--json'], { ...stage.env, ...never });
  expect(JSON.parse(status.stdout).pushes).toMatchObject({ taken: expect.any(Number), waitedMs: expect.any(Number) });
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  expect(worker.output()).not.toContain('secret word');
});

test.concurrent('half of them lost, the others doubled and shuffled: ticks find the rest', async () => {
  await using stage = await Stage.open({ conversations: 60 });
  const { processes } = stage;
  const ticks = { SYNC_SCHEDULE: '* * * * * *', LOOKBACK_SCHEDULE: '*/2 * * * * *', SYNC_LOOKBACK: '60d' };
  const worker = await processes.start(['run'], { ...stage.env, ...ticks, ...open });
  const target = await takingAt(worker);
  await worker.saw(/"msg":"in sync"/);
  await using pushes = pushTo(stage, target, { lost: 0.5, doubled: 1, lateMs: 1_000 });
  change(stage, 30);
  await pushes.settled();
  await until(
    () => isEqual(stage),
    (differences) => differences === 0,
  );
  expect([...pushes.statuses.keys()]).toEqual([204]);
});

test.concurrent('a worker that is killed in the middle loses nothing: the next one fetches what is due', async () => {
  await using stage = await Stage.open({ conversations: 60 });
  const { processes, simulator } = stage;
  const first = await processes.start(['run'], { ...stage.env, ...never, ...open });
  const target = await takingAt(first);
  await first.saw(/"msg":"in sync"/);
  await using pushes = pushTo(stage, target);
  // It has taken them, and cannot have stored all of them.
  const held = simulator.faults.add({ on: 'detail', from: 30, fault: { kind: 'silence', at: 'head' } });
  change(stage, 40);
  await pushes.settled();
  first.kill('SIGKILL');
  await first.ended;
  expect(await isEqual(stage)).toBeGreaterThan(0);
  held.remove();
  const second = await processes.start(['run'], { ...stage.env, ...never, ...open });
  await second.saw(/"msg":"in sync"/);
  await until(
    () => isEqual(stage),
    (differences) => differences === 0,
  );
});

test.concurrent('a replica on standby takes them, and the one that holds the lease stores them', async () => {
  await using stage = await Stage.open({ conversations: 60 });
  const { processes } = stage;
  const first = await processes.start(['run'], { ...stage.env, ...never, ...open });
  await first.saw(/"msg":"in sync"/);
  const second = await processes.start(['run'], { ...stage.env, ...never, ...open });
  const target = await takingAt(second);
  await second.saw(/this one is on standby/);
  await using pushes = pushTo(stage, target);
  change(stage, 20);
  await pushes.settled();
  expect([...pushes.statuses.keys()]).toEqual([204]);
  await until(
    () => isEqual(stage),
    (differences) => differences === 0,
  );
  expect(await stage.leaseHolder()).toContain(`process ${first.pid}`);
});

test.concurrent('while history is loading, what is pushed does not wait for it', async () => {
  await using stage = await Stage.open({ conversations: 300, switches: { latencyMs: 20 } });
  const { processes, simulator } = stage;
  // History does not end as long as this stands.
  const [oldest = ''] = simulator.source.ids();
  const held = simulator.faults.add({ on: 'detail', id: oldest, fault: { kind: 'silence', at: 'head' } });
  const worker = await processes.start(['run'], { ...stage.env, ...never, ...open, SYNC_MAX_CONCURRENCY: '4' });
  const target = await takingAt(worker);
  await until(
    () => stage.stored(),
    (stored) => stored > 0,
  );
  await using pushes = pushTo(stage, target);
  const { id } = simulator.source.create({ name: 'Now' });
  await pushes.settled();
  await until(
    async () => (await stage.client.query('select from twilio.conversations where id = $1', [id])).rowCount,
    (rows) => rows === 1,
  );
  expect(await stage.stored()).toBeLessThan(301);
  held.remove();
});

test.concurrent('before the database is there, they are answered 503', async () => {
  await using stage = await Stage.open({ conversations: 1 });
  const nowhere = new URL(stage.database.url);
  nowhere.hostname = '127.0.0.1';
  nowhere.port = '1';
  const worker = await stage.processes.start(['run'], { ...stage.env, ...open, DATABASE_URL: nowhere.href });
  await using pushes = pushTo(stage, await takingAt(worker));
  expect(await pushes.push('{"conversationId":"conv_1"}')).toBe(503);
});

test.concurrent('doctor --webhook says what is wrong on the way, and that all is well', async () => {
  await using stage = await Stage.open({ conversations: 1 });
  const { processes } = stage;
  // What Twilio would call leads to the worker itself here.
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/hook?tenant=7`;
  const own = { WEBHOOK_PORT: String(port), WEBHOOK_URL: url };
  const check = async (env: Record<string, string>) => {
    const { stdout, code } = await processes.finish(['doctor', '--webhook'], { ...stage.env, ...own, ...env });
    return { code, line: /^\w+ +webhook .*$/m.exec(stdout)?.[0] ?? stdout };
  };
  expect(await check({})).toEqual({ code: 1, line: expect.stringMatching(/^fail .*cannot be reached.*ECONNREFUSED/) });
  const worker = await processes.start(['run'], { ...stage.env, ...never, ...own });
  await takingAt(worker);
  expect(await check({})).toEqual({ code: 0, line: expect.stringMatching(/^ok .*auth token .*accepted/) });
  expect(await check({ WEBHOOK_AUTH_TOKEN: 'another' })).toEqual({
    code: 2,
    line: expect.stringMatching(/^fail .*does not accept the auth token/),
  });
  expect(await check({ WEBHOOK_URL: `http://127.0.0.1:${port}/another` })).toMatchObject({ code: 2 });
  expect(await check({ WEBHOOK_SHARED_KEY: 'shared' })).toMatchObject({ code: 2 });
  expect(await check({ WEBHOOK_URL: stage.simulator.url })).toEqual({
    code: 2,
    line: expect.stringMatching(/^fail .*another server answers/),
  });
});

test.concurrent('simulate --push sends what changes to a worker, and prints the settings for it', async () => {
  await using stage = await Stage.open({ conversations: 1 });
  const { processes } = stage;
  const url = `http://127.0.0.1:${await freePort()}/hook`;
  const api = await processes.start(['simulate', '--port', '0', '--conversations', '30', '--days', '5', '--push', url]);
  const [, address = ''] = await api.saw(/TWILIO_INTELLIGENCE_URL=(\S+)/);
  const [, given = ''] = await api.saw(/WEBHOOK_URL=(\S+) WEBHOOK_AUTH_TOKEN=/);
  expect(given).toBe(url);
  const own = { TWILIO_INTELLIGENCE_URL: address, WEBHOOK_URL: url, WEBHOOK_PORT: new URL(url).port };
  const worker = await processes.start(['run'], { ...stage.env, ...never, ...own });
  await worker.saw(/"msg":"in sync"/);
  await until(
    async () => (await stage.client.query('select from twilio_sync.pushes where stored > 0')).rowCount,
    (rows) => rows === 1,
  );
});
