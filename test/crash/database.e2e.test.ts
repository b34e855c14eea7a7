// The way to Postgres fails in every way there is while `run` works: it goes on by itself, nothing is lost, nothing is
// counted twice. Connections are cut, fall silent and close by halves at random statements; answers to COMMIT are lost.

import { expect, test } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import { until } from '../e2e/process.ts';
import type { Exchange, Link } from '../lib/tcp-proxy.ts';
import { Scene, Take } from './scene.ts';
import { type Line, Worker } from './worker.ts';

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);

const troubles: Record<string, (link: Link, take: Take) => void> = {
  'an RST': (link) => link.cut('RST'),
  'a FIN': (link) => link.cut('FIN'),
  'a FIN to the client alone': (link) => link.halfClose('client'),
  'a FIN to the server alone': (link) => link.halfClose('server'),
  silence: (link) => link.stall(),
  'an RST on every connection': (_, { toDatabase }) => toDatabase.cut('RST'),
  'silence on every connection': (_, { toDatabase }) => {
    for (const link of toDatabase.links) link.stall();
  },
};

test(`at random statements and answers (seed ${seed}: CRASH_SEED)`, async () => {
  const random = createRandom(seed);
  await using scene = await Scene.first(40);
  await using take = await Take.open(scene);
  await take.prepare();
  const { source } = scene.simulator;
  const told: string[] = [];
  const names = random.shuffle([...Object.keys(troubles), ...Object.keys(troubles)]);
  let next = random.int(5, 60);
  const strike = ({ n, text, link }: Exchange, where: string) => {
    if (n < next || told.length >= names.length) return;
    const name = names[told.length] ?? '';
    told.push(`${name} at ${where} ${n}: ${text.slice(0, 80)}`);
    next = n + random.int(1, 40);
    troubles[name]?.(link, take);
    // There is something to write at every time.
    const id = random.pick(source.ids());
    if (random.chance(0.5)) source.say(id, `after ${name}`);
    else source.create({ status: random.pick(['CLOSED', 'ACTIVE']) });
  };
  take.toDatabase.reset({
    onAsked: (exchange) => {
      if (random.chance(0.5)) strike(exchange, 'statement');
    },
    onAnswered: (exchange) => strike({ ...exchange, n: take.toDatabase.asked }, 'the answer to'),
  });
  // What was said in an old conversation is found by the next sweep over everything.
  await using worker = Worker.start({ ...take.env, RECONCILE_SCHEDULE: '*/3 * * * * *' });
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

test('answers lost to every COMMIT, once each: nothing is counted twice', async () => {
  await using scene = await Scene.later();
  const [whole, lossy] = [await counted(scene, false), await counted(scene, true)];
  expect(lossy.lost).toBeGreaterThan(5);
  expect(lossy.sweeps).toEqual(whole.sweeps);
});

/** What one sync counts, with or without the loss of answers. */
async function counted(scene: Scene, lossy: boolean) {
  await using take = await Take.open(scene);
  let [commits, lost] = [0, 0];
  take.toDatabase.reset({
    onAnswered({ text, link }) {
      if (text !== 'commit' || !lossy) return;
      commits += 1;
      // What is repeated after a loss gets its answer.
      if (commits % 2 === 0) return;
      lost += 1;
      link.cut('RST');
    },
  });
  const { code, output } = await (await take.start()).ended;
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(await take.differences()).toEqual([]);
  const { rows: sweeps } = await take.client.query(
    `select sweep, sum(listed)::int as listed, sum(expected)::int as expected, sum(missing)::int as missing
     from twilio_sync.sweeps group by sweep order by sweep`,
  );
  return { lost, sweeps };
}

test('the answer to taking the lease is lost: it is known to be its own', async () => {
  await using scene = await Scene.first();
  await using take = await Take.open(scene);
  let lost = 0;
  take.toDatabase.reset({
    onAnswered({ text, link }) {
      if (!/update twilio_sync\.lease set epoch/.test(text) || lost > 0) return;
      lost += 1;
      link.cut('RST');
    },
  });
  const { code, output } = await (await take.start()).ended;
  expect({ code, lost }).toEqual({ code: 0, lost: 1 });
  expect(output).not.toContain('Waiting for another worker');
  expect((await take.client.query('select epoch::int from twilio_sync.lease')).rows).toEqual([{ epoch: 1 }]);
});

test.each(['40001', '40P01', '55P03'])('%s is tried again, and not worth a word', async (code) => {
  await using scene = await Scene.first();
  await using take = await Take.open(scene);
  await take.prepare();
  await raise(take, code, 2);
  const ended = await (await take.start()).ended;
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(await take.differences()).toEqual([]);
  const { rows } = await take.client.query<{ raised: number }>('select last_value::int as raised from raised');
  expect(rows[0]?.raised).toBeGreaterThan(2);
});

/** The first inserts of conversations fail with an SQLSTATE; a sequence counts them, which no rollback takes back. */
async function raise(take: Take, code: string, times: number): Promise<void> {
  await take.client.query(`create sequence raised;
    create function twilio.refuse() returns trigger language plpgsql as $$ begin
      if nextval('raised') <= ${times} then raise exception 'on purpose' using errcode = '${code}'; end if;
      return null; end $$;
    create trigger refuse before insert on twilio.conversations execute function twilio.refuse()`);
}

test('disk full, then read-only: each is said in a line, and is over when it is over', async () => {
  await using scene = await Scene.first();
  await using take = await Take.open(scene);
  await take.prepare();
  await raise(take, '53100', 1_000_000);
  await using worker = Worker.start(take.env);
  const failed = (code: string) => (line: Line) => line.level === 'error' && line.err?.code === code;
  const full = await worker.saw(failed('53100'), '53100');
  expect(full.err?.message).toBe('database: the server is out of disk space or memory (53100)');
  await take.client.query('drop trigger refuse on twilio.conversations');
  await worker.pass();
  expect(await take.differences()).toEqual([]);

  const name = take.database.connection.database;
  const disconnect = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  await take.client.query(`alter database ${name} set default_transaction_read_only = on`);
  await take.client.query(disconnect);
  const readOnly = await worker.saw(failed('25006'), '25006');
  expect(readOnly.err?.message).toMatch(
    /^database: the server takes no writes: it is read-only, a standby perhaps[^\n]*\(25006\)$/,
  );
  const { id } = scene.simulator.source.create({
    status: 'CLOSED',
    createdAt: new Date(Date.now() - 5_000).toISOString(),
  });
  await worker.saw(failed('25006'), '25006 once more');
  await take.client.query(`alter database ${name} reset default_transaction_read_only`);
  await until(
    async () => (await take.client.query('select from twilio.conversations where id = $1', [id])).rowCount,
    (count) => count === 1,
  );
  await worker.pass();
  expect(await take.differences()).toEqual([]);
  expect(await worker.stop()).toBe(0);
});
