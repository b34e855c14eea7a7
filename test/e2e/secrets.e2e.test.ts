// No secret and no word of a transcript is in anything that any command says, at the most talkative level, whatever fails.
// Markers stand wherever a secret or a person's text can be; then everything that was said is searched for them.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/server.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import type { Environment } from './process.ts';
import { Cable, momentsAgo, Stage } from './stage.ts';

const marker = (what: string) => `marker-${what}-${randomBytes(6).toString('hex')}`;
const apiSecret = marker('api-secret');
const authToken = marker('auth-token');
const databasePassword = marker('database-password');
const proxyPassword = marker('proxy-password');
const spoken = marker('spoken');
const secrets = { apiSecret, authToken, databasePassword, proxyPassword, spoken };

const role = `e2e_${randomBytes(6).toString('hex')}`;
let stage: Stage;
let env: Environment;

/** People's text in every place that can hold some. */
const talk = (fields: Partial<WireConversationDetail> = {}): Partial<WireConversationDetail> => ({
  status: 'CLOSED',
  createdAt: momentsAgo(),
  name: spoken,
  channelIds: [spoken],
  participants: [
    { id: 'conv_participant_1', name: spoken, type: 'CUSTOMER', addressValues: [`${spoken}@example.com`] },
  ],
  communications: [
    {
      id: 'conv_communication_1',
      participantId: 'conv_participant_1',
      content: { text: `${spoken}, my card number is 4111` },
      createdAt: '2026-01-01T00:00:00Z',
    },
  ],
  ...fields,
});

beforeAll(async () => {
  stage = await Stage.open({ conversations: 10, days: 3 });
  const { client, simulator, database } = stage;
  await client.query(`create role ${role} login password '${databasePassword}'`);
  await client.query(
    `do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$`,
  );
  const credentials = { apiSecret, authToken };
  const { source } = simulator;
  await simulator.close();
  stage.simulator = await startSimulator({ source, credentials });
  const { username, password, DATABASE_URL } = {
    username: role,
    password: databasePassword,
    DATABASE_URL: new URL(database.url),
  };
  Object.assign(DATABASE_URL, { username, password });
  env = {
    ...stage.env,
    TWILIO_INTELLIGENCE_URL: stage.simulator.url,
    TWILIO_AUTH_TOKEN: authToken,
    DATABASE_URL: DATABASE_URL.href,
    LOG_LEVEL: 'trace',
    SYNC_SCHEDULE: '* * * * * *',
  };
  source.create(talk());
  // What Postgres or the program refuses: years out of range, keys beyond what an index takes, times that are none.
  const huge = spoken.repeat(200);
  source.create(talk({ updatedAt: '9999999-01-01T00:00:00Z' }));
  source.create(talk({ channelIds: [huge] }));
  source.create(talk({ operatorResultIds: [huge] }));
  source.create(talk({ participants: [{ id: huge, name: spoken, type: 'CUSTOMER', addressValues: [huge] }] }));
  source.create(
    talk({ communications: [{ id: huge, participantId: huge, content: { text: spoken }, createdAt: spoken }] }),
  );
  source.create(talk({ name: 7, status: { spoken } } as unknown as Partial<WireConversationDetail>));
  source.create(talk({ participants: spoken } as unknown as Partial<WireConversationDetail>));
  const { id: analysed } = source.create(talk());
  const results = [
    { result: { text: spoken, label: spoken, entities: [{ text: spoken }] }, referenceIds: [spoken] },
    { dateCreated: spoken },
    { referenceIds: [huge], result: { text: spoken } },
    { operator: spoken, executionDetails: { trigger: { on: spoken, timestamp: spoken } } },
  ];
  for (const fields of results) source.addResult(analysed, { fields: fields as never });
});

afterAll(async () => {
  await stage.processes[Symbol.asyncDispose]();
  await stage.client.query(`drop owned by ${role} cascade; drop role ${role}`);
  await stage[Symbol.asyncDispose]();
});

const finish = (args: string[], changes: Environment = {}) => stage.processes.finish(args, { ...env, ...changes });

test('when all goes well, and when single conversations do not', async () => {
  const { code, stdout } = await finish(['sync']);
  expect(stdout).toContain('in quarantine');
  expect(code).toBe(3);
  for (const args of [['sync', '--reconcile'], ['sync', '--dry-run'], ['status'], ['status', '--json'], ['migrate']])
    await finish(args);
  expect((await finish(['doctor'])).code).toBe(0);
  const ids = stage.simulator.source.ids();
  await finish(['sync', ...ids.slice(-8).flatMap((id) => ['--id', id])]);
  const { TWILIO_AUTH_TOKEN: _, ...keyless } = env;
  const byKey = { TWILIO_API_KEY: stage.simulator.credentials.apiKey, TWILIO_API_SECRET: apiSecret };
  expect((await stage.processes.finish(['sync'], { ...keyless, ...byKey })).code).toBe(3);
});

test('when the database refuses, row by row, what it is given', async () => {
  const id = stage.simulator.source.create(talk()).id;
  await stage.client.query(
    `alter table twilio.communications add constraint no_talk check (text not like '%marker%') not valid;
     alter table twilio.operator_results add constraint no_summary check (text not like '%marker%') not valid;
     alter table twilio.conversations add constraint no_name check (name not like '%marker%') not valid`,
  );
  const [analysed] = stage.simulator.source.results().filter(({ result }) => JSON.stringify(result)?.includes(spoken));
  stage.simulator.source.addResult(analysed?.conversationId ?? '', { fields: { result: { text: spoken } } as never });
  expect((await finish(['sync'])).code).toBe(3);
  expect((await finish(['sync', '--id', id])).code).toBe(3);
  await stage.client.query(
    `alter table twilio.communications drop constraint no_talk; alter table twilio.conversations drop constraint no_name`,
  );
  // A trigger may say anything at all, also under a code that means trouble of another kind.
  await stage.client.query(`create function twilio.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'not %', new.text using errcode = tg_argv[0], detail = new.text, hint = new.text; end $$`);
  for (const code of ['P0001', '42501', '42P01', '40001']) {
    await stage.client.query(`create trigger refuse before insert or update on twilio.communications
      for each row execute function twilio.refuse('${code}')`);
    stage.simulator.source.create(talk());
    expect((await finish(['sync'])).code).not.toBe(0);
    await stage.client.query('drop trigger refuse on twilio.communications');
  }
});

test('when the API answers nonsense, or refuses', async () => {
  const { faults, source } = stage.simulator;
  const kinds = [
    { kind: 'status', status: 400 },
    { kind: 'invalidJson' },
    { kind: 'truncate', how: 'length' },
  ] as const;
  for (const fault of kinds) faults.add({ on: 'detail', id: source.create(talk()).id, fault });
  expect((await finish(['sync'])).code).toBe(3);
  faults.add({ on: 'detail', id: source.create(talk()).id, fault: { kind: 'status', status: 401 } });
  expect((await finish(['sync'])).code).toBe(3);
  faults.clear();
  const elsewhere = [
    { TWILIO_AUTH_TOKEN: `${authToken}-wrong` },
    { TWILIO_INTELLIGENCE_URL: `http://user:${proxyPassword}@127.0.0.1:1` },
    { HTTP_PROXY: `http://user:${proxyPassword}@127.0.0.1:1` },
  ];
  const all = await Promise.all(elsewhere.map((changes) => finish(['sync', '--dry-run'], changes as Environment)));
  expect(all.map(({ code }) => code === 0)).toEqual([false, false, false]);
  const looked = await Promise.all(elsewhere.map((changes) => finish(['doctor'], changes as Environment)));
  expect(looked.map(({ code }) => code)).toEqual([2, 2, 1]);
});

test('when settings are wrong, or the database is not to be had', async () => {
  const wrong = [
    { DATABASE_URL: `postgres//${role}:${databasePassword}@nowhere` },
    { DATABASE_URL: `postgres://${role}:${databasePassword}@127.0.0.1:1/none` },
    { DATABASE_URL: `postgres://${role}:${databasePassword}@127.0.0.1:99999/none` },
    { DATABASE_URL: `postgres://${role}:${databasePassword}@host.invalid/none?sslmode=nonsense` },
    { DATABASE_URL: stage.database.url.replace(/\/\/[^@]*@/, `//${role}:${databasePassword}-wrong@`) },
    { DATABASE_URL: `${env['DATABASE_URL']}_not` },
    { TWILIO_API_SECRET: apiSecret, TWILIO_ACCOUNT_SID: authToken },
    { TWILIO_API_KEY: `${apiSecret}:${apiSecret}`, TWILIO_API_SECRET: `${apiSecret} ${apiSecret}` },
    { SYNC_START: 'never', LOG_LEVEL: 'loud' },
  ];
  const all = await Promise.all(wrong.map((changes) => finish(['sync'], changes as Environment)));
  const looked = await Promise.all(wrong.map((changes) => finish(['doctor'], changes as Environment)));
  expect([...all, ...looked].filter(({ code }) => code === 0)).toEqual([]);
});

test('while the worker runs, and API and database go away under it', async () => {
  await using cable = await Cable.open(stage.database.url);
  const worker = await stage.processes.start(['run'], {
    ...env,
    DATABASE_URL: cable.through(env['DATABASE_URL'] ?? ''),
  });
  const [, url = ''] = await worker.saw(/"url":"(http:[^"]+)","msg":"listening"/);
  const ask = async () => {
    for (const path of ['', 'readyz', 'metrics']) stage.processes.said += await (await fetch(`${url}/${path}`)).text();
  };
  await worker.saw(/"msg":"in sync"/);
  stage.simulator.source.create(talk());
  await worker.saw(/"changed":[1-9][^\n]*"msg":"pass"/);
  await cable.cut();
  await worker.saw(/the pass failed/);
  await ask();
  await cable.mend();
  const fault = stage.simulator.faults.add({ on: 'any', fault: { kind: 'html' } });
  stage.simulator.source.create(talk());
  await worker.saw(/the answer cannot be used|the pass failed/);
  await ask();
  fault.remove();
  await worker.saw(/"changed":[1-9][^\n]*"msg":"pass"/);
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
});

test('none of it was said', () => {
  const { said } = stage.processes;
  // Beginning with that something was said at all, at the level asked for.
  expect(said).toMatch(/"level":"debug"|^debug: /m);
  const written = Object.entries(secrets).flatMap(([name, secret]) =>
    [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, 20)].map((form) => ({
      name,
      form,
    })),
  );
  for (const { name, form } of written) {
    const at = said.indexOf(form);
    expect(at < 0 ? null : { name, around: said.slice(Math.max(0, at - 300), at + 100) }).toBe(null);
  }
});
