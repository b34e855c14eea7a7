// Secrets in files that are changed under a running worker, as vaults and clouds do it every few minutes: the next
// connection, and the next request that is refused, goes by the new one, and the log shows neither.

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/server.ts';
import { until } from './process.ts';
import { Stage } from './stage.ts';

const eachSecond = { SYNC_SCHEDULE: '* * * * * *' };
const word = () => randomBytes(12).toString('hex');

test.concurrent.each(['DATABASE_URL_FILE', 'PGPASSWORD_FILE'])('%s: another password', async (name) => {
  await using stage = await Stage.open({ conversations: 20 });
  const role = `rotated_${word()}`;
  const passwords = [word(), word()] as const;
  const { DATABASE_URL = '', ...rest } = stage.env;
  await stage.client.query(`create role ${role} login superuser password '${passwords[0]}'`);
  const folder = await stage.processes.folder();
  const path = join(folder, 'secret');
  const write = (password: string) => {
    const url = new URL(DATABASE_URL);
    Object.assign(url, { username: role, password });
    return writeFile(path, name === 'DATABASE_URL_FILE' ? `${url.href}\n` : password);
  };
  const { hostname, port, pathname } = new URL(DATABASE_URL);
  const server = { PGHOST: hostname, PGPORT: port, PGUSER: role, PGDATABASE: pathname.slice(1) };
  await write(passwords[0]);
  try {
    const env = { ...rest, ...eachSecond, ...server, [name]: path };
    const worker = await stage.processes.start(['run'], env);
    await worker.saw(/"msg":"in sync"/);
    const standby = await stage.processes.start(['run'], env);
    await standby.saw(/on standby/);
    await stage.client.query(`alter role ${role} password '${passwords[1]}'`);
    await stage.client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
    for (const each of [worker, standby]) await each.saw(/28P01/);
    await write(passwords[1]);
    stage.simulator.source.create({ status: 'CLOSED' });
    await until(
      () => stage.stored(),
      (stored) => stored === 21,
    );
    for (const each of [worker, standby]) {
      each.kill('SIGTERM');
      expect((await each.ended).code).toBe(0);
      for (const password of passwords) expect(each.output()).not.toContain(password);
    }
  } finally {
    await stage.client.query(`drop owned by ${role}; drop role ${role}`);
  }
});

test.concurrent('TWILIO_AUTH_TOKEN_FILE: another token', async () => {
  await using stage = await Stage.open({ conversations: 20 });
  const { TWILIO_AUTH_TOKEN: token = '', ...rest } = stage.env;
  const path = join(await stage.processes.folder(), 'token');
  await writeFile(path, token);
  const env = { ...rest, ...eachSecond, TWILIO_AUTH_TOKEN_FILE: path };
  const worker = await stage.processes.start(['run'], env);
  await worker.saw(/"msg":"in sync"/);
  const { source, url, credentials } = stage.simulator;
  await stage.simulator.close();
  const authToken = word();
  stage.simulator = await startSimulator({
    source,
    credentials: { ...credentials, authToken },
    port: Number(new URL(url).port),
  });
  await worker.saw(/the API refused the key/);
  await writeFile(path, authToken);
  source.create({ status: 'CLOSED' });
  await until(
    () => stage.stored(),
    (stored) => stored === 21,
  );
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  expect(worker.output()).not.toContain(authToken);
});
