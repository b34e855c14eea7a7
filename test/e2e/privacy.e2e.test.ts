// SYNC_OMIT and SYNC_HASH switched on for a database that has everything: nothing of it is left, in the database, the log at its
// most talkative level, the metrics and the pages, while the worker goes on.

import { expect, test } from 'vitest';
import { dumpOf, foundIn } from '../dump.ts';
import { until } from './process.ts';
import { momentsAgo, Stage } from './stage.ts';

const listening = /"url":"(http:[^"]+)","msg":"listening"/;
const masked = {
  SYNC_OMIT: 'texts,names,results,extra',
  SYNC_HASH: 'addresses',
  SYNC_HASH_KEY: 'a key of thirty-two letters or more',
  SYNC_SCHEDULE: '* * * * * *',
  LOG_LEVEL: 'trace',
};

test('nothing that may not be stored is said or stored from the next start on', async () => {
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
