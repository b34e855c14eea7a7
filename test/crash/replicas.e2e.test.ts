// Two replicas of `run` on one database: one is killed, or frozen in the middle of a load and woken after its lease was
// taken over. No row is stale, nothing is written under the old epoch, and little is fetched twice.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { leaseSeconds } from '../../src/postgres/lease.ts';
import { type Running, until } from '../e2e/process.ts';
import type { Exchange } from '../lib/tcp-proxy.ts';
import { Scene, Take } from './scene.ts';

let scene: Scene;
let take: Take;

beforeEach(async () => {
  scene = await Scene.first(40);
  take = await Take.open(scene);
  await take.prepare();
});

afterEach(async () => {
  await scene.processes[Symbol.asyncDispose]();
  await take[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

interface Lease {
  epoch: number;
  holder: string | null;
  /** Seconds of the database's clock. */
  expiresAt: number;
}

async function lease(): Promise<Lease> {
  const { rows } = await take.client.query<Lease>(
    `select epoch::int, holder, (expires_at / 1000000.0)::float8 as "expiresAt" from twilio_sync.lease`,
  );
  return rows[0] ?? { epoch: -1, holder: null, expiresAt: 0 };
}

/** A replica that reaches the database directly; the first one alone goes through the proxy. */
function start(env = {}): Promise<Running> {
  return scene.processes.start(['run'], { ...take.env, HTTP_PORT: '0', SYNC_SCHEDULE: '* * * * * *', ...env });
}

const direct = () => ({ DATABASE_URL: take.database.url });

/** Two replicas, the first at the load in which `what` happens to it. */
async function both(what: (first: Running, load: Exchange) => void) {
  const struck = Promise.withResolvers<Lease>();
  const strike: ((load: Exchange) => Promise<void>)[] = [];
  take.toApi.reset({ onAsked: ({ text }) => take.note(text) });
  take.toDatabase.reset({
    async onAsked(exchange) {
      if (/insert into twilio\.communications/.test(exchange.text)) await strike.shift()?.(exchange);
    },
  });
  const first = await start();
  const standsBy = Promise.withResolvers<void>();
  strike.push(async (load) => {
    await standsBy.promise;
    const before = await lease();
    what(first, load);
    struck.resolve(before);
  });
  await first.saw(/this worker holds the lease/);
  const second = await start(direct());
  await second.saw(/"msg":"another worker holds the lease; this one is on standby"/);
  standsBy.resolve();
  return { first, second, before: await struck.promise };
}

/** Everything is stored, and no detail was asked for more than twice. */
async function settle(): Promise<void> {
  await until(
    async () => await take.differences(),
    (found) => found.length === 0,
  );
  expect([...take.fetched].filter(([, times]) => times > 2)).toEqual([]);
  expect(take.fetched.size).toBe(40);
}

test('one is killed: the other takes over when the lease expires, and no sooner', async () => {
  const { first, second, before } = await both((running, { link }) => {
    running.kill('SIGKILL');
    link.cut('RST');
  });
  await first.ended;
  const dead = await lease();
  expect(dead).toMatchObject({ epoch: before.epoch, holder: before.holder });
  const taken = await until(lease, ({ epoch }) => epoch !== before.epoch);
  expect(taken.epoch).toBe(before.epoch + 1);
  expect(taken.holder).toContain(`process ${second.pid} `);
  // By the database's clock.
  expect(taken.expiresAt - leaseSeconds).toBeGreaterThanOrEqual(dead.expiresAt);
  await settle();
});

test('one is frozen in the middle of a load, and woken when the other has its lease: it writes nothing more, and stands by', async () => {
  const { first, second, before } = await both((running) => running.kill('SIGSTOP'));
  // Its transaction holds the lease's row; the server ends that, so that the lease can expire at all.
  await until(
    async () => {
      const locked = await take.client.query('select from twilio_sync.lease for update skip locked');
      return locked.rowCount;
    },
    (free) => free === 1,
  );
  expect(await take.halves()).toEqual([]);
  await take.client.query('update twilio_sync.lease set expires_at = 0');
  await second.saw(/this worker holds the lease/);
  await second.saw(/"msg":"in sync"/);
  await settle();
  const taken = await lease();
  expect(taken.epoch).toBe(before.epoch + 1);
  const { rows: stamps } = await take.client.query('select id, synced_at::text from twilio.conversations order by id');

  // Changed while it slept: what it has in hand is of before.
  first.kill('SIGCONT');
  await first.saw(/another worker has taken the lease over; nothing was written/);
  await first.saw(/"msg":"another worker holds the lease; this one is on standby"/);
  expect(await lease()).toMatchObject({ epoch: taken.epoch, holder: taken.holder });
  const { rows: after } = await take.client.query('select id, synced_at::text from twilio.conversations order by id');
  expect(after).toEqual(stamps);

  // And the other way round: what was handed over is handed back.
  second.kill('SIGTERM');
  expect((await second.ended).code).toBe(0);
  await first.saw(/this worker holds the lease/);
  expect((await lease()).epoch).toBe(taken.epoch + 1);
  scene.simulator.source.create({ status: 'CLOSED', createdAt: new Date(Date.now() - 5_000).toISOString() });
  await until(
    async () => await take.differences(),
    (found) => found.length === 0,
  );
});
