// What the simulator pushes: held to npm's twilio as the receiver, and to the shapes that Twilio sends.

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import twilio from 'twilio';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PushesOptions, startPushes } from '../../src/simulator/pushes.ts';
import { Source } from '../../src/simulator/source.ts';

const url = 'https://hooks.example.com:8443/a%20hook?tenant=7';
const authToken = 'a-token';

interface Received {
  target: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let received: Received[];
const server = createServer(async (request, response) => {
  const body = (await request.setEncoding('utf8').toArray()).join('');
  received.push({ target: request.url ?? '', headers: request.headers, body });
  response.writeHead(204).end();
});

beforeEach(async () => {
  received = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const accountId = `AC${'a'.repeat(32)}`;
const open = (options: Partial<PushesOptions> = {}) => {
  const source = new Source({ accountId });
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/inner`;
  return { source, pushes: startPushes({ source, url, target, authToken, ...options }) };
};

test("npm's twilio accepts each, though a proxy changed host and path", async () => {
  const { source, pushes } = open();
  const { id } = source.create();
  source.addResult(id, { resultId: 'r1' });
  source.say(id, 'Hello');
  await pushes.settled();
  expect(received.length).toBeGreaterThan(3);
  for (const { target, headers, body } of received) {
    const called = `https://hooks.example.com:8443/a%20hook?${target.split('?')[1]}`;
    const signature = String(headers['x-twilio-signature']);
    expect(twilio.validateRequestWithBody(authToken, signature, called, body)).toBe(true);
  }
  const bodies = received.map(({ body }) => JSON.parse(body));
  expect(bodies).toContainEqual(
    expect.objectContaining({
      accountId,
      conversationId: id,
      operatorResults: [expect.objectContaining({ id: 'r1', operator: expect.anything() })],
    }),
  );
  expect(bodies).toContainEqual(
    expect.objectContaining({ eventType: 'CONVERSATION_CREATED', data: expect.objectContaining({ id }) }),
  );
});

test('with a shared key, the header names the algorithm', async () => {
  const { pushes } = open({ sharedKey: 'shared' });
  expect(await pushes.push('{}')).toBe(204);
  expect(received[0]?.headers['x-twilio-webhooks-signature-settings']).toMatch(/^key=[^,]+,algorithm=HMAC_SHA256$/);
});

test.each([
  ['lost', { lost: 1 }, 0],
  ['doubled', { doubled: 1 }, 20],
  ['late', { lateMs: 30 }, 10],
])('%s', async (_what, switches, expected) => {
  const { source, pushes } = open(switches);
  for (let time = 0; time < 10; time += 1) source.create();
  await pushes.settled();
  expect([received.length, pushes.sent]).toEqual([expected, expected]);
});

test('late ones come in another order', async () => {
  const { source, pushes } = open({ lateMs: 100 });
  const ids = Array.from({ length: 30 }, () => source.create().id);
  await pushes.settled();
  const order = received.map(({ body }) => JSON.parse(body).data.id);
  expect(order).not.toEqual(ids);
  expect(order.toSorted()).toEqual(ids.toSorted());
});

test('nothing is pushed any more once it is closed', async () => {
  const { source, pushes } = open();
  await pushes[Symbol.asyncDispose]();
  source.create();
  expect([pushes.sent, received]).toEqual([0, []]);
});
