// Settings of privacy switched on for a database that has everything: nothing of what may not be there is left, in the database, the
// log at its most talkative level, the metrics and the pages, while the worker goes on.

import { expect, test } from 'vitest';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { dumpOf, foundIn, tracesOf } from '../dump.ts';
import { differences } from '../oracle.ts';
import { type Environment, until } from './process.ts';
import { momentsAgo, Stage } from './stage.ts';

const listening = /"url":"(http:[^"]+)","msg":"listening"/;
const masked = {
  SYNC_OMIT: 'texts,names,results,extra',
  SYNC_HASH: 'addresses',
  SYNC_HASH_KEY: 'a key of thirty-two letters or more',
  SYNC_SCHEDULE: '* * * * * *',
  LOG_LEVEL: 'trace',
};

test('SYNC_OMIT and SYNC_HASH: nothing that may not be stored is said or stored from the next start on', async () => {
  await using stage = await Stage.open({ conversations: 60, days: 20 });
  const { processes, simulator, client, env } = stage;
  const secret = new Set<string>();
  const remember = () => {
    for (const { name, participants, communications } of simulator.source.all()) {
      const texts = [name, ...(communications ?? []).map(({ content }) => content?.text)];
      const ofPersons = (participants ?? []).flatMap((each) => [each.name, ...(each.addressValues ?? [])]);
      for (const text of [...texts, ...ofPersons])
        if (text && text.length > 6) secret.add(JSON.stringify(text).slice(1, -1));
    }
  };
  expect((await processes.finish(['sync'], env)).code).toBe(0);
  remember();
  expect(foundIn(await dumpOf(client), secret).length).toBe(secret.size);

  const worker = await processes.start(['run'], { ...env, ...masked });
  const url = (await worker.saw(listening))[1] ?? '';
  await worker.saw(/"msg":"in sync"/);
  const { id = '' } = simulator.source.all()[0] ?? {};
  simulator.source.say(id, 'Something else that nobody may know');
  simulator.source.create({
    createdAt: momentsAgo(),
    status: 'CLOSED',
    name: 'A name that came later',
    participants: [{ id: 'p', name: 'Another late name', type: 'CUSTOMER', addressValues: ['+19995550123'] }],
  });
  remember();
  await until(
    () => stage.stored(),
    (stored) => stored === 61,
  );
  const pages: string[] = [];
  for (const path of ['/', '/metrics', '/readyz']) pages.push(await (await fetch(url + path)).text());
  const status = await processes.finish(['status', '--json'], env);
  expect(JSON.parse(status.stdout)).toMatchObject({ conversations: 61, masking: null });
  worker.kill('SIGTERM');
  const { output } = await worker.ended;
  const verified = await processes.finish(['verify', '--full'], { ...env, ...masked });
  expect(verified.code).toBe(0);
  const everything = [await dumpOf(client), output, status.output, verified.output, ...pages].join('\n');
  expect(foundIn(everything, secret)).toEqual([]);
});

const isOpen = ({ status }: WireConversationDetail) => status === 'ACTIVE' || status === 'INACTIVE';

/** Lets a worker get in sync, and some commands end. @returns all that was said and shown. */
async function workOnce({ processes }: Stage, env: Environment): Promise<string> {
  const worker = await processes.start(['run'], env);
  const url = (await worker.saw(listening))[1] ?? '';
  await worker.saw(/"msg":"in sync"/);
  const said: string[] = [];
  for (const path of ['/', '/metrics', '/readyz']) said.push(await (await fetch(url + path)).text());
  worker.kill('SIGTERM');
  said.push((await worker.ended).output);
  for (const command of [
    ['sync', '--reconcile'],
    ['verify', '--full'],
    ['status', '--json'],
  ])
    said.push((await processes.finish(command, env)).output);
  return said.join('\n');
}

test('SYNC_RETENTION: nothing of what is older is in the database, or said, from then on', async () => {
  await using stage = await Stage.open({ conversations: 60, days: 20 });
  const { processes, simulator, client } = stage;
  const env = { ...stage.env, SYNC_RETENTION: '10d', SYNC_SCHEDULE: '* * * * * *', LOG_LEVEL: 'trace' };
  const edgeMs = Math.floor(Date.now() / 86_400_000 - 10) * 86_400_000;
  const isOld = ({ createdAt }: WireConversationDetail) => Date.parse(createdAt) < edgeMs;
  for (const each of simulator.source.all()) if (isOld(each) && isOpen(each)) simulator.source.close(each.id);
  expect((await processes.finish(['sync'], stage.env)).code).toBe(0);
  const { old = [], kept = [] } = Object.groupBy(simulator.source.all(), (each) => (isOld(each) ? 'old' : 'kept'));
  const traces = tracesOf(simulator.source, old, kept);
  expect(foundIn(await dumpOf(client), traces)).toEqual(traces);

  const worker = await processes.start(['run'], env);
  await worker.saw(/"msg":"retention brake"/);
  expect((await processes.finish(['sync', '--allow-mass-delete'], env)).code).toBe(0);
  await until(
    () => stage.stored(),
    (stored) => stored === kept.length,
  );
  worker.kill('SIGTERM');
  await worker.ended;
  expect(foundIn(await workOnce(stage, env), traces)).toEqual([]);
  expect(foundIn(await dumpOf(client), traces)).toEqual([]);
  expect(await differences(client, kept)).toEqual([]);
});

test('SYNC_DELETED=erase: nothing of what the API no longer has is in the database, or said, from then on', async () => {
  await using stage = await Stage.open({ conversations: 60, days: 20 });
  const { processes, simulator, client } = stage;
  const env = { ...stage.env, SYNC_DELETED: 'erase', LOG_LEVEL: 'trace' };
  expect((await processes.finish(['sync'], env)).code).toBe(0);
  const all = simulator.source.all();
  const traces = tracesOf(simulator.source, all.slice(0, 10), all.slice(10));
  expect(foundIn(await dumpOf(client), traces)).toEqual(traces);
  for (const { id } of all.slice(0, 10)) simulator.source.remove(id);
  expect((await processes.finish(['sync', '--reconcile'], env)).code).toBe(0);
  expect(foundIn(await workOnce(stage, env), traces)).toEqual([]);
  expect(foundIn(await dumpOf(client), traces)).toEqual([]);
  expect(await stage.differences()).toEqual([]);
});
