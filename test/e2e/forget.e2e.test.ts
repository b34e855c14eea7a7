// People are forgotten beside a running worker that is killed meanwhile: nothing of them is left in the database, nothing comes back,
// no later log line names them, and all others are equal to the API's. FORGET_PEOPLE=200 makes it large.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPushes } from '../../src/simulator/pushes.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { dumpOf, foundIn, tracesOf } from '../dump.ts';
import { differences } from '../oracle.ts';
import { resultDifferences } from '../result-oracle.ts';
import { Stage } from './stage.ts';

const people = Number(process.env['FORGET_PEOPLE'] ?? 8);
const commands = Math.min(people, 20);
const limitMs = 3_600_000;
const url = 'https://hooks.example.com/twilio';
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ conversations: people * 50, days: 20 });
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const customersOf = ({ participants }: WireConversationDetail) =>
  (participants ?? []).filter(({ type }) => type === 'CUSTOMER').flatMap(({ addressValues }) => addressValues ?? []);

test(
  `${people} people, a worker that is killed twice, and everything that could bring them back`,
  async () => {
    const { source, credentials } = stage.simulator;
    const { processes, client } = stage;
    const env = { ...stage.env, LOG_LEVEL: 'trace', SYNC_SCHEDULE: '* * * * * *', LOOKBACK_SCHEDULE: '*/2 * * * * *' };
    const addresses = [...new Set(source.all().flatMap(customersOf))].slice(0, people);
    const asked = new Set(addresses);
    const takesPart = (each: WireConversationDetail) =>
      (each.participants ?? []).some(({ addressValues }) => addressValues?.some((one) => asked.has(one)));
    const { theirs = [], others = [] } = Object.groupBy(source.all(), (each) =>
      takesPart(each) ? 'theirs' : 'others',
    );
    expect(theirs.length).toBeGreaterThanOrEqual(people);
    const traces = [...new Set([...addresses, ...tracesOf(source, theirs, others)])];
    const found = async () => foundIn(await dumpOf(client), traces);

    expect((await processes.finish(['sync'], env)).code).toBe(0);
    expect(await found()).toEqual(traces);
    let worker = await processes.start(['run'], env);
    const talk = () => {
      for (const { id } of theirs) source.say(id, `It is me, ${addresses[0]}`);
    };
    for (let at = 0; at < commands; at += 1) {
      talk();
      const some = addresses.filter((_, index) => index % commands === at).flatMap((each) => ['--address', each]);
      const forget = processes.finish(['forget', ...some, '--yes'], env);
      if (at === Math.floor(commands / 3) || at === Math.floor((commands * 2) / 3)) {
        worker.kill('SIGKILL');
        await worker.ended;
        worker = await processes.start(['run'], env);
      }
      expect((await forget).code).toBe(0);
    }
    worker.kill('SIGTERM');
    await worker.ended;
    expect(await found()).toEqual([]);

    const said: string[] = [];
    const finish = async (command: string[], more: Record<string, string> = {}) => {
      const { code, output } = await processes.finish(command, { ...env, ...more });
      expect({ command, code }).toEqual({ command, code: 0 });
      said.push(output);
    };
    const later = await processes.start(['run'], { ...env, WEBHOOK_PORT: '0', WEBHOOK_URL: url });
    const listening = (await later.saw(/"url":"(http:[^"]+)","msg":"listening"/))[1] ?? '';
    const target = (await later.saw(/"url":"(http:[^"]+)","msg":"taking webhooks"/))[1] ?? '';
    await using pushes = startPushes({ source, url, target, authToken: credentials.authToken });
    for (const { id } of theirs) {
      source.say(id, `It is me, ${addresses[0]}`);
      source.addResult(id);
      await pushes.settled();
    }
    expect([...pushes.statuses.keys()]).toEqual([204]);
    await later.saw(/in sync/);
    await later.saw(/"sweep":"lookback"/);
    for (const path of ['/', '/metrics', '/readyz']) said.push(await (await fetch(listening + path)).text());
    later.kill('SIGTERM');
    said.push((await later.ended).output);

    await finish(['sync', '--reconcile']);
    await finish(['verify', '--full', '--repair']);
    // As after an upgrade whose normalizer is newer, with everything due that it makes due.
    await client.query('update twilio_sync.fingerprints set normalizer = 0');
    await finish(['sync', '--reconcile']);
    const { rowCount } = await client.query(`update twilio_sync.due set due_at = now() where reason = 'upgrade'`);
    expect(rowCount).toBe(others.length);
    await finish(['sync']);
    await finish(['sync', '--reconcile'], { SYNC_CHANNELS: 'VOICE,SMS' });
    await finish(['sync', '--reconcile']);
    await finish(['status']);
    expect(foundIn(said.join('\n'), traces)).toEqual([]);
    expect(await found()).toEqual([]);
    expect(await differences(client, others)).toEqual([]);
    expect(await resultDifferences(client, source.results())).toEqual([]);
  },
  limitMs,
);
