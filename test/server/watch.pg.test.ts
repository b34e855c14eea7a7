// What the worker's HTTP server says while passes go well and badly: asked over real sockets, of a real database, with
// passes run by hand. Between two asks the watch's own clock is moved, so that no answer is an earlier one.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { type HttpServer, openHttpServer } from '../../src/server/http.ts';
import { createWatch, type Watch } from '../../src/server/watch.ts';
import { createCounts } from '../../src/sync/context.ts';
import type { Sweep } from '../../src/sync/model.ts';
import { pass } from '../../src/sync/pass.ts';
import type { ClientCounters } from '../../src/twilio/counters.ts';
import { createLog } from '../../src/worker/log.ts';
import { recordPass } from '../../src/worker/record.ts';
import { hungAfterMs, World } from '../world.ts';

const log = createLog({ level: 'silent' });
let nowMs: number;
let world: World;
let database: Database;
let watch: Watch;
let server: HttpServer;

beforeEach(async () => {
  nowMs = 0;
  world = await World.open({ conversations: 200, days: 60 });
  database = openDatabase({ ...world.database.connection, application_name: 'program' });
  watch = createWatch('* * * * *', () => nowMs);
  server = await openHttpServer({
    host: '127.0.0.1',
    port: 0,
    log,
    trouble: watch.heartbeat.trouble,
    readiness: async () => (await watch.look()).readiness,
    routes: [watch.route],
  });
});

afterEach(async () => {
  await server.close();
  await database.close();
  await world[Symbol.asyncDispose]();
});

async function ready(): Promise<[number, unknown]> {
  nowMs += 3_000;
  const answer = await fetch(`${server.url}/readyz`);
  const { reason } = (await answer.json()) as { reason?: string };
  return [answer.status, reason];
}

async function metric(name: string): Promise<number> {
  nowMs += 3_000;
  const page = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^conversation_sync_${name} (.*)$`, 'm').exec(page)?.[1]);
}

/** As the worker does it. */
async function onePass(...sweeps: Sweep[]): Promise<boolean> {
  const context = await world.context();
  context.watcher.stored = watch.metrics.count;
  context.watcher.recentDone = () => watch.caughtUp(database);
  context.counts = createCounts();
  for (const sweep of sweeps) context.requests.sweeps.add(sweep);
  const record = { database, watch, log, counts: () => context.counts };
  return await recordPass(record, () => pass(context, AbortSignal.timeout(hungAfterMs)));
}

function begin(): void {
  watch.setDatabase(database);
  watch.process.phase = 'working';
  watch.metrics.begin(() => ({ inFlight: 0, limit: 32 }) as ClientCounters, null);
}

describe('/readyz', () => {
  test('from the start to being in sync', async () => {
    expect(await ready()).toEqual([503, 'starting']);
    watch.setDatabase(database);
    expect(await ready()).toEqual([503, 'starting']);
    begin();
    expect(await ready()).toEqual([503, 'nothing was listed yet']);
    const context = await world.context();
    const seen: Record<string, unknown> = {};
    // Asked when a window's last rows are stored.
    const load = context.store.load.bind(context.store);
    context.store.load = async (changes, mark, now) => {
      const loaded = await load(changes, mark, now);
      if (mark !== null && mark.cursor <= mark.window.from) seen[mark.window.sweep] ??= await ready();
      return loaded;
    };
    expect(await onePass('new', 'open', 'lookback')).toBe(true);
    const loading = [200, 'history is loading'];
    expect(seen).toEqual({ new: loading, lookback: loading, backfill: loading });
    expect(await ready()).toEqual([200, undefined]);
  });

  test('the deletion brake keeps it not ready, whatever goes well besides, until the same is listed and believed', async () => {
    begin();
    await onePass('new', 'lookback');
    world.simulator.turn({ lists: 'nothing' });
    expect(await onePass('reconcile')).toBe(false);
    const braked = [503, expect.stringMatching(/^the deletion brake holds: \d+ of 200 conversations were not listed/)];
    expect(await ready()).toEqual(braked);
    world.simulator.turn({ lists: 'all' });
    for (let count = 0; count < 2; count += 1) {
      world.nowMs += 60_000;
      expect(await onePass('new', 'open')).toBe(true);
      expect(await ready()).toEqual(braked);
    }
    expect(await metric('deletion_brake_sweeps')).toBe(1);
    expect(await metric('last_pass_success')).toBe(1);
    await onePass('reconcile');
    expect(await ready()).toEqual([200, undefined]);
    expect(await metric('deletion_brake_sweeps')).toBe(0);
  });

  test('a range that cannot be listed keeps it not ready, at every moment until it is listed', async () => {
    begin();
    await onePass('new', 'lookback');
    const fault = world.simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 500 } });
    const failing = [503, expect.stringContaining('a range cannot be listed: ')];
    expect(await onePass('lookback')).toBe(false);
    expect(await ready()).toEqual(failing);
    const context = await world.context();
    const seen: unknown[] = [];
    const fail = context.store.fail.bind(context.store);
    context.store.fail = async (...given) => {
      seen.push(await ready());
      await fail(...given);
    };
    world.nowMs += 60_000;
    expect(await onePass('new', 'open', 'lookback')).toBe(false);
    expect(seen.length).toBeGreaterThan(1);
    for (const each of [...seen, await ready()]) expect(each).toEqual(failing);
    expect(await metric('windows_failing')).toBeGreaterThan(0);
    fault.remove();
    await onePass('new', 'lookback');
    expect(await ready()).toEqual([200, undefined]);
    expect(await metric('windows_failing')).toBe(0);
  });

  test('a pass that fails keeps it not ready until what is recent has been gone through, in the middle of the next', async () => {
    begin();
    const refusal = world.simulator.faults.add({ on: 'any', fault: { kind: 'status', status: 401 } });
    await expect(onePass('new', 'lookback')).rejects.toThrow('the API refused the key');
    expect(await ready()).toEqual([503, expect.stringContaining('the API refused the key (401')]);
    expect(await metric('last_pass_success')).toBe(0);
    refusal.remove();
    const context = await world.context();
    const seen: unknown[] = [];
    context.watcher.completed = ({ sweep }) => {
      if (sweep === 'backfill') seen.push(watch.process.failure);
    };
    await onePass('new', 'lookback');
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen)).toEqual(new Set([null]));
    expect(await ready()).toEqual([200, undefined]);
    expect(await metric('passes_total{outcome="failed"}')).toBe(1);
  });

  test('a tick that is too long ago, and tables of another release', async () => {
    begin();
    await onePass('new', 'lookback');
    nowMs += 2_000;
    expect(await ready()).toEqual([200, undefined]);
    await world.pool.query(`update twilio_sync.windows set completed_at = completed_at - interval '20 minutes'`);
    expect(await ready()).toEqual([503, 'the last complete tick was 20 min ago']);
    Object.assign(watch.process, { phase: 'standby', heldBy: 'another' });
    expect(await ready()).toEqual([200, 'standby: another holds the lease']);
    await world.pool.query('update twilio_sync.__drizzle_migrations set created_at = created_at + 1');
    expect(await ready()).toEqual([
      503,
      expect.stringMatching(/^the database is of a newer release than this program/),
    ]);
    await world.pool.query('update twilio_sync.__drizzle_migrations set created_at = created_at - 2');
    expect(await ready()).toEqual([503, 'a migration is missing; run: conversation-sync migrate']);
    await world.pool.query('alter table twilio_sync.windows rename to gone');
    expect(await ready()).toEqual([503, expect.stringContaining('a table is missing')]);
    expect(await metric('database_up')).toBe(0);
    expect(await metric('last_tick_age_seconds')).toBeGreaterThan(1200);
  });
});

test('/metrics says what the passes did', async () => {
  begin();
  const beganAtMs = performance.now();
  await onePass('new', 'open', 'lookback');
  expect(await metric('conversations_stored_total')).toBe(200);
  expect(await metric('conversations_changed_total')).toBe(200);
  const age = await metric('last_tick_age_seconds');
  // The test moves the watch's clock besides.
  expect(age).toBeLessThanOrEqual((performance.now() - beganAtMs + nowMs) / 1000);
  for (const id of world.source.ids().slice(0, 3)) world.source.say(id, 'More');
  await onePass('reconcile');
  expect(await metric('conversations_stored_total')).toBe(203);
  expect(await metric('conversations_listed_total')).toBeGreaterThanOrEqual(400);
  expect(await metric('passes_total{outcome="ok"}')).toBe(2);
  expect(await metric('windows_pending{sweep="reconcile"}')).toBe(0);
  expect(await metric('quarantine_conversations')).toBe(0);
});

test('a window is told of once, with what of it was listed and written', async () => {
  const { completed } = world;
  await world.pass('new', 'lookback');
  const sum = (name: 'listed' | 'changed') => completed.reduce((total, each) => total + each[name], 0);
  expect(completed.map(({ sweep }) => sweep)).toEqual([
    'new',
    'lookback',
    ...Array(completed.length - 2).fill('backfill'),
  ]);
  expect(sum('changed')).toBe(200);
  for (const { from, to, ms } of completed) expect(from < to && ms >= 0).toBe(true);
  const { rows } = await world.pool.query<{ listed: number }>(
    'select sum(listed)::int as listed from twilio_sync.sweeps',
  );
  expect(sum('listed')).toBe(rows[0]?.listed);
});
