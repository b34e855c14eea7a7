// Operator results as a user meets them: said before they are asked for, in quarantine by themselves, retried, and explained.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { resultDifferences } from '../result-oracle.ts';
import { Stage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ conversations: 60, days: 10 });
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const finish = (...args: string[]) => stage.processes.finish(args, stage.env);
const differences = () => resultDifferences(stage.client, stage.simulator.source.results());
const status = async () => {
  const { code, stdout } = await finish('status', '--json');
  return { ...JSON.parse(stdout), code };
};

test('a dry run says that they would be read, before any is asked for', async () => {
  const { code, stdout } = await finish('sync', '--dry-run');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^It would also read operator results .+ about 1 requests .+ SYNC_OPERATOR_RESULTS=links/m);
  expect(stage.simulator.requests.byEndpoint.resultList).toBe(0);
});

test('all are stored by the first sync, and status has them', async () => {
  expect(await finish('sync')).toMatchObject({ code: 0 });
  expect(await differences()).toEqual([]);
  const operatorResults = stage.simulator.source.results().length;
  expect(await status()).toMatchObject({
    ...{ code: 0, state: 'in_sync', operatorResults, operatorResultLinks: operatorResults },
    results: { walk: null, awaited: 0, refused: null, byConversation: null, braked: null },
  });
  expect((await finish('status')).stdout).toMatch(
    new RegExp(`^operator results +${operatorResults} stored, ${operatorResults} links$`, 'm'),
  );
});

test('one that cannot be stored: exit status 3 until a retry stores it', async () => {
  await stage.client.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'not that one'; end $$;
    create trigger refuse before insert on twilio.operator_results for each row when (new.label = 'refused') execute function refuse()`);
  const [id = ''] = stage.simulator.source.ids();
  const result = 'intelligence_operatorresult_refused';
  stage.simulator.source.addResult(id, { resultId: result, fields: { result: { label: 'refused' } } as never });
  const { code, stdout } = await finish('sync');
  expect({ code, stdout }).toEqual({ code: 3, stdout: expect.stringContaining('1 in quarantine') });
  expect(await status()).toMatchObject({
    code: 3,
    quarantine: 1,
    quarantined: [{ id, operatorResultId: result, reason: expect.stringContaining('refuse') }],
  });
  const still = await finish('retry');
  expect({ code: still.code, stdout: still.stdout }).toEqual({
    code: 3,
    stdout: expect.stringContaining('Tried 1: 0 are stored now, 1 are still in quarantine.'),
  });
  await stage.client.query('drop trigger refuse on twilio.operator_results');
  expect(await finish('retry')).toMatchObject({
    code: 0,
    stdout: 'Tried 1: 1 are stored now, 0 are still in quarantine.\n',
  });
  expect(await differences()).toEqual([]);
});

test('why: text for people, JSON for programs, exit status 1 for an id of which nothing is known', async () => {
  const [result] = stage.simulator.source.results();
  const people = await finish('why', result?.id ?? '');
  expect({ code: people.code, stdout: people.stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^operator result +\S+\nof conversation +\S+\nstored +yes, made /),
  });
  const { code, stdout } = await finish('why', result?.conversationId ?? '', '--json');
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({
    ...{ code: 0, kind: 'conversation', conversationId: result?.conversationId, next: expect.any(String) },
  });
  const nowhere = await finish('why', 'conv_conversation_nowhere', '--json');
  expect(nowhere.code).toBe(1);
  expect(JSON.parse(nowhere.stdout)).toEqual({ id: 'conv_conversation_nowhere', known: false });
});
