// People are forgotten beside a running worker that is killed meanwhile: nothing of them is left in the database, nothing comes back,
// no later log line names them, and all others are equal to the API's.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { dumpOf, foundIn } from '../dump.ts';
import { differences } from '../oracle.ts';
import { until } from './process.ts';
import { Stage } from './stage.ts';

const people = 12;
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ conversations: 400, days: 20 });
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const customersOf = ({ participants }: WireConversationDetail) =>
  (participants ?? []).filter(({ type }) => type === 'CUSTOMER').flatMap(({ addressValues }) => addressValues ?? []);

test('twelve people, a worker that is killed twice, and everything that could bring them back', async () => {
  const { source } = stage.simulator;
  const env = { ...stage.env, LOG_LEVEL: 'trace', SYNC_SCHEDULE: '* * * * * *', LOOKBACK_SCHEDULE: '*/2 * * * * *' };
  const addresses = [...new Set(source.all().flatMap(customersOf))].slice(0, people);
  const takesPart = (each: WireConversationDetail) =>
    (each.participants ?? []).some(({ addressValues }) => addressValues?.some((one) => addresses.includes(one)));
  const theirs = source.all().filter(takesPart);
  expect(theirs.length).toBeGreaterThanOrEqual(people);
  const traces = [
    ...addresses,
    ...theirs.flatMap(({ id, communications, operatorResultIds }) => [
      id,
      ...(communications ?? []).map((each) => each.id),
      ...(operatorResultIds ?? []),
    ]),
  ];
  let worker = await stage.processes.start(['run'], env);
  await until(
    () => stage.stored(),
    (stored) => stored === 400,
  );
  const talk = () => {
    for (const { id } of theirs) source.say(id, `It is me, ${addresses[0]}`);
  };
  for (const [at, address] of addresses.entries()) {
    talk();
    const forget = stage.processes.finish(['forget', '--address', address, '--yes'], env);
    if (at === 3 || at === 7) {
      worker.kill('SIGKILL');
      await worker.ended;
      worker = await stage.processes.start(['run'], env);
    }
    expect((await forget).code).toBe(0);
  }
  worker.kill('SIGTERM');
  await worker.ended;
  const nothing = async () => expect(foundIn(await dumpOf(stage.client), traces)).toEqual([]);
  await nothing();

  talk();
  const later = await stage.processes.start(['run'], env);
  await later.saw(/in sync/);
  await later.saw(/"sweep":"lookback"/);
  later.kill('SIGTERM');
  const said = [(await later.ended).output];
  for (const command of [['sync', '--reconcile'], ['verify', '--full', '--repair'], ['status']]) {
    const { code, output } = await stage.processes.finish(command, env);
    expect({ command, code }).toEqual({ command, code: 0 });
    said.push(output);
  }
  expect(foundIn(said.join('\n'), traces)).toEqual([]);
  await nothing();
  expect(
    await differences(
      stage.client,
      source.all().filter((each) => !takesPart(each)),
    ),
  ).toEqual([]);
});
