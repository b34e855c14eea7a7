// Operator results, operators and configurations held to the official clients: npm's `twilio` always, Python's where the
// environment variable TWILIO_PYTHON names an interpreter that has the package. Only the host of their URLs is changed.
// npm's wraps every `result` in the class of an extraction, so the content is read from its raw requests.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { clientOf, openClient } from './official-client.ts';

const untilMs = Date.parse('2026-06-01T00:00:00Z');

async function startSeeded(): Promise<Simulator> {
  const simulator = await startSimulator({ now: () => untilMs });
  fillSource(simulator.source, { conversations: 160, untilMs, days: 60 });
  return simulator;
}

const newestFirst = (simulator: Simulator, conversationId?: string) =>
  simulator.source.results(conversationId).reverse();

interface Body {
  items: unknown[];
  meta: { nextToken?: string };
}

async function read<Answer = Body>(simulator: Simulator, path: string): Promise<Answer> {
  const uri = `https://intelligence.twilio.com/v3${path}`;
  const { statusCode, body } = await openClient(simulator).request({ method: 'get', uri });
  expect({ path, statusCode }).toEqual({ path, statusCode: 200 });
  return body as Answer;
}

describe("npm's client", () => {
  test('gets every result of the account whole by its raw requests, page after page', async () => {
    await using simulator = await startSeeded();
    const items: unknown[] = [];
    for (let token = ''; ; ) {
      const { items: some, meta } = await read(
        simulator,
        `/OperatorResults?pageSize=100${token && `&pageToken=${token}`}`,
      );
      items.push(...some);
      if (meta.nextToken === undefined) break;
      token = meta.nextToken;
    }
    expect(items.length).toBeGreaterThan(200);
    expect(items).toEqual(newestFirst(simulator));
  });

  test('lists results of all, of a conversation, of an operator, of a configuration', async () => {
    await using simulator = await startSeeded();
    const { operatorResults } = clientOf(simulator);
    const all = await operatorResults.list({ pageSize: 60 });
    expect(all.map(({ id }) => id)).toEqual(newestFirst(simulator).map(({ id }) => id));
    expect(simulator.requests.byEndpoint.resultList).toBe(Math.ceil(all.length / 60));
    const conversationId = all[10]?.conversationId ?? '';
    const operatorId = all[10]?.operator.id ?? '';
    const intelligenceConfigurationId = all[10]?.intelligenceConfiguration.id ?? '';
    const of = async (filter: Parameters<typeof operatorResults.list>[0]) =>
      (await operatorResults.list(filter)).map(({ id }) => id);
    const expected = (is: (result: (typeof all)[number]) => boolean) => all.filter(is).map(({ id }) => id);
    expect(await of({ conversationId, pageSize: 1 })).toEqual(
      expected((each) => each.conversationId === conversationId),
    );
    expect(await of({ operatorId })).toEqual(expected((each) => each.operator.id === operatorId));
    expect(await of({ intelligenceConfigurationId })).toEqual(
      expected((each) => each.intelligenceConfiguration.id === intelligenceConfigurationId),
    );
    const both = { operatorId, intelligenceConfigurationId, conversationId };
    expect(await of(both)).toContain(all[10]?.id);
  });

  test('fetches one, and deletes it', async () => {
    await using simulator = await startSeeded();
    const { operatorResults, conversations } = clientOf(simulator);
    const held = newestFirst(simulator)[3];
    const id = held?.id ?? '';
    const fetched = await operatorResults(id).fetch();
    expect(fetched).toMatchObject({
      id,
      conversationId: held?.conversationId,
      outputFormat: held?.['outputFormat'],
      dateCreated: new Date(held?.dateCreated ?? ''),
      operator: held?.['operator'],
      metadata: held?.['metadata'],
      referenceIds: held?.['referenceIds'],
    });
    expect(await read(simulator, `/OperatorResults/${id}`)).toEqual(held);
    expect(await operatorResults(id).remove()).toBe(true);
    await expect(operatorResults(id).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(operatorResults('none').remove()).rejects.toMatchObject({ status: 404 });
    expect((await conversations(held?.conversationId ?? '').fetch()).operatorResultIds).not.toContain(id);
  });

  test('is told what is forbidden', async () => {
    await using simulator = await startSeeded();
    simulator.turn({ forbidden: ['results', 'names'] });
    const { operatorResults, operators, configurations } = clientOf(simulator);
    for (const list of [operatorResults.list(), operators.list(), configurations.list()]) {
      await expect(list).rejects.toMatchObject({ status: 403 });
    }
  });

  test('lists and fetches operators and configurations', async () => {
    await using simulator = await startSeeded();
    const { operators, configurations } = clientOf(simulator);
    const held = {
      operators: [...simulator.source.operators.values()],
      configurations: [...simulator.source.configurations.values()],
    };
    const listed = {
      operators: await operators.list({ pageSize: 2 }),
      configurations: await configurations.list({ pageSize: 2 }),
    };
    expect(listed.operators.map(({ id }) => id)).toEqual(held.operators.map(({ id }) => id));
    expect(listed.configurations.map(({ id }) => id)).toEqual(held.configurations.map(({ id }) => id));
    expect((await read(simulator, '/ControlPlane/Operators')).items).toEqual(held.operators);
    expect((await read(simulator, '/ControlPlane/Configurations')).items).toEqual(held.configurations);
    const operator = await operators(listed.operators[1]?.id ?? '').fetch();
    expect(operator).toMatchObject({
      displayName: 'Sentiment',
      version: 2,
      author: 'SELF',
      outputFormat: 'CLASSIFICATION',
    });
    const configuration = await configurations(listed.configurations[0]?.id ?? '').fetch();
    expect(configuration.rules?.[0]?.operators).toHaveLength(listed.operators.length);
    await expect(operators('none').fetch()).rejects.toMatchObject({ status: 404 });
  });
});

const python = process.env['TWILIO_PYTHON'];

/** Prints, as JSON, what Python's client makes of lists and of one result. */
const script = `
import json, sys
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

url, user, password, conversation_id, result_id, gone_id = sys.argv[1:]

class Redirecting(TwilioHttpClient):
    def request(self, method, uri, *args, **kwargs):
        return super().request(method, uri.replace('https://intelligence.twilio.com', url), *args, **kwargs)

v3 = Client(user, password, http_client=Redirecting()).intelligence.v3

def shown(each):
    return {'id': each.id, 'conversationId': each.conversation_id, 'outputFormat': each.output_format,
            'result': each.result, 'referenceIds': each.reference_ids}

def status(call):
    try:
        return call()
    except Exception as error:
        return getattr(error, 'status', repr(error))

print(json.dumps({
    'all': [shown(each) for each in v3.operator_results.list(page_size=50)],
    'ofConversation': [each.id for each in v3.operator_results.list(conversation_id=conversation_id)],
    'one': shown(v3.operator_results(result_id).fetch()),
    'deleted': v3.operator_results(gone_id).delete(),
    'again': status(lambda: v3.operator_results(gone_id).fetch()),
    'operators': [each.id for each in v3.operators.list(page_size=2)],
    'configurations': [each.id for each in v3.configurations.list(page_size=2)],
}))
`;

describe("Python's client", () => {
  test.skipIf(python === undefined)('gets every result as it is, needs TWILIO_PYTHON', async () => {
    await using simulator = await startSeeded();
    const { url, credentials, source } = simulator;
    const held = newestFirst(simulator);
    const [first, , , fourth] = held;
    const { conversationId = '', id = '' } = first ?? {};
    const ofConversation = newestFirst(simulator, conversationId).map((each) => each.id);
    const args = [url, credentials.accountSid, credentials.authToken, conversationId, id, fourth?.id ?? ''];
    const { stdout } = await promisify(execFile)(python ?? '', ['-c', script, ...args], {
      maxBuffer: 16 * 1024 * 1024,
    });
    const shown = held.map((each) => ({
      id: each.id,
      conversationId: each.conversationId,
      outputFormat: each['outputFormat'],
      result: each['result'],
      referenceIds: each['referenceIds'],
    }));
    expect(JSON.parse(stdout)).toEqual({
      all: shown,
      ofConversation,
      one: shown[0],
      deleted: true,
      again: 404,
      operators: [...source.operators.keys()],
      configurations: [...source.configurations.keys()],
    });
    expect(source.result(fourth?.id ?? '')).toBeUndefined();
  });
});
