// The way to the API fails while `run` works, and the server itself goes away and comes back under it: it goes on by
// itself, and nothing is lost. And it ends when it is told to, also while nothing that it waits for answers.

import { rm } from 'node:fs/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { openEmbedded } from '../../src/embedded/embedded.ts';
import { createRandom } from '../../src/lib/random.ts';
import { Processes, until } from '../e2e/process.ts';
import type { Link } from '../lib/tcp-proxy.ts';
import { differences } from '../oracle.ts';
import { Scene, Take } from './scene.ts';
import { Worker } from './worker.ts';

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);

const troubles: Record<string, (link: Link) => void> = {
  'an RST': (link) => link.cut('RST'),
  'a FIN': (link) => link.cut('FIN'),
  'a FIN to the client alone': (link) => link.halfClose('client'),
  'a FIN to the server alone': (link) => link.halfClose('server'),
  silence: (link) => link.stall(),
};

test(`the way to the API fails at random calls and answers (seed ${seed}: CRASH_SEED)`, async () => {
  const random = createRandom(seed);
  await using scene = await Scene.first(40);
  await using take = await Take.open(scene);
  await take.prepare();
  const names = random.shuffle([...Object.keys(troubles), ...Object.keys(troubles)]);
  const told: string[] = [];
  let next = random.int(1, 10);
  const strike = (at: number, link: Link, what: string) => {
    if (at < next || told.length === names.length) return;
    const name = names[told.length] ?? '';
    told.push(`${name} at ${what}`);
    next = at + random.int(1, 8);
    troubles[name]?.(link);
    scene.simulator.source.create({ status: random.pick(['CLOSED', 'ACTIVE']) });
  };
  take.toApi.reset({
    onAsked: ({ n, link, text }) => (random.chance(0.5) ? strike(n, link, text) : undefined),
    onAnswered: ({ link, text }) => strike(take.toApi.asked, link, `the answer to ${text}`),
  });
  await using worker = Worker.start(take.env);
  await until(
    async () => told.length,
    (count) => count === names.length,
  );
  await until(
    async () => await take.differences(),
    (found) => found.length === 0,
  );
  await worker.pass();
  expect({ told, halves: await take.halves() }).toEqual({ told, halves: [] });
  expect(await worker.stop()).toBe(0);
});

test('the server is stopped and started again, and again, in the middle of the work', async () => {
  await using processes = new Processes();
  const folder = await processes.folder();
  await using scene = await Scene.first(40);
  let server = await openEmbedded({ folder, durable: false });
  const client = () => new pg.Client(server.url);
  try {
    await using worker = Worker.start(scene.env(scene.simulator.url, server.url));
    for (let times = 0; times < 2; times += 1) {
      const listed = scene.simulator.requests.byEndpoint.detail;
      scene.simulator.source.create({ status: 'CLOSED' });
      await until(
        async () => scene.simulator.requests.byEndpoint.detail,
        (now) => now > listed,
      );
      await server.close();
      await worker.saw(
        ({ level, err }) => level === 'error' && /^database: /.test(err?.message ?? ''),
        'that it is gone',
      );
      server = await openEmbedded({ folder, durable: false });
    }
    await worker.pass();
    const connection = client();
    await connection.connect();
    try {
      await until(
        async () => await differences(connection, scene.simulator.source.all()),
        (found) => found.length === 0,
      );
    } finally {
      await connection.end();
    }
    expect(await worker.stop()).toBe(0);
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

const silences: Record<string, RegExp> = {
  'a load': /insert into twilio\.conversations/,
  'giving the lease back': /set expires_at = 0/,
  'a migration': /create table/i,
};

test.each(Object.keys(silences))(
  'SIGTERM while the database is silent in %s: it ends in order, in time',
  async (name) => {
    await using scene = await Scene.first();
    await using take = await Take.open(scene);
    const silent = Promise.withResolvers<void>();
    take.toDatabase.reset({
      onAsked({ text }) {
        if (!silences[name]?.test(text)) return;
        take.toDatabase.stall();
        silent.resolve();
      },
    });
    const worker = await scene.processes.start(['run'], { ...take.env, HTTP_PORT: '0' });
    if (name === 'giving the lease back') await worker.saw(/"in sync"/);
    else await silent.promise;
    worker.kill('SIGTERM');
    const { code, output } = await worker.ended;
    expect(code).toBe(0);
    expect(output).not.toContain('not done within');
  },
);

test('a sync whose database falls silent at the very end ends all the same', async () => {
  await using scene = await Scene.first();
  await using take = await Take.open(scene);
  take.toDatabase.reset({
    onAsked({ text }) {
      if (/set expires_at = 0/.test(text)) take.toDatabase.stall();
    },
  });
  const { code, stderr } = await (await take.start()).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await take.differences()).toEqual([]);
});
