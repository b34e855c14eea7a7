// How long a connection to the API is kept: counted by the server, which sees every connection that is made.

import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openDispatcher, type Renewal, renewal } from '../../src/twilio/dispatcher.ts';
import { get } from '../../src/twilio/http.ts';
import { listen, serve } from './local-server.ts';

/** Asks a server `count` times, one after the other. @returns which connection each request came by, counted from 0. */
async function ask(count: number, status: (at: number) => number, limits: Partial<Renewal>, viaProxy = false) {
  const sockets: Socket[] = [];
  const asked: number[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (!sockets.includes(request.socket)) sockets.push(request.socket);
    asked.push(sockets.indexOf(request.socket));
    response.writeHead(status(asked.length)).end();
  });
  const origin = `http://127.0.0.1:${await listen(server)}`;
  const proxy = viaProxy ? { httpProxy: origin } : {};
  const dispatcher = openDispatcher(origin, 5_000, proxy, { ...renewal, ...limits });
  onTestFinished(() => dispatcher.destroy());
  const { signal } = new AbortController();
  const request = { tried: 'GET', origin, path: '/', headers: {}, timeoutMs: 5_000, limitBytes: 1_000, signal };
  for (let at = 0; at < count; at++) {
    await get(dispatcher, request);
    // undici takes a connection up again, or drops it, in the turns after its answer.
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  }
  return asked;
}

const well = () => 200;

test('a young connection that answers well is kept', async () => {
  expect(await ask(5, well, {})).toEqual([0, 0, 0, 0, 0]);
});

test.each([false, true])('one that is too old has one request more (by a proxy: %s)', async (viaProxy) => {
  expect(await ask(6, well, { maxAgeMs: () => 0 }, viaProxy)).toEqual([0, 0, 1, 1, 2, 2]);
});

test('one with repeated 5xx is left, for good answers on another', async () => {
  const failing = (at: number) => (at < 7 ? 503 : 200);
  expect(await ask(9, failing, { maxFailures: 2 })).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
});

test('a 5xx among good answers is no reason', async () => {
  expect(await ask(6, (at) => (at % 2 === 0 ? 503 : 200), { maxFailures: 2 })).toEqual([0, 0, 0, 0, 0, 0]);
});

test('ages differ, and are some minutes', () => {
  const ages = Array.from({ length: 50 }, renewal.maxAgeMs);
  expect(new Set(ages).size).toBeGreaterThan(40);
  expect(Math.min(...ages)).toBeGreaterThanOrEqual(60_000);
  expect(Math.max(...ages)).toBeLessThanOrEqual(600_000);
});

test.each([false, true])('64 KiB of response headers are read (by a proxy: %s)', async (viaProxy) => {
  const server = createServer((_request, response) => {
    response
      .setHeader(
        'set-cookie',
        Array.from({ length: 15 }, (_, at) => `c${at}=${'x'.repeat(4_000)}`),
      )
      .end('"ok"');
  });
  const origin = `http://127.0.0.1:${await listen(server)}`;
  const dispatcher = openDispatcher(origin, 5_000, viaProxy ? { httpProxy: origin } : {});
  onTestFinished(() => dispatcher.destroy());
  const { signal } = new AbortController();
  const request = { tried: 'GET', origin, path: '/', headers: {}, timeoutMs: 5_000, limitBytes: 1_000, signal };
  expect((await get(dispatcher, request)).body.toString()).toBe('"ok"');
});

test('more than 64 KiB of them are named as such', async () => {
  const { url: origin } = await serve((_request, response) => response.setHeader('x', 'x'.repeat(70_000)).end());
  const dispatcher = openDispatcher(origin, 5_000);
  onTestFinished(() => dispatcher.destroy());
  const { signal } = new AbortController();
  const request = { tried: 'GET', origin, path: '/', headers: {}, timeoutMs: 5_000, limitBytes: 1_000, signal };
  await expect(get(dispatcher, request)).rejects.toMatchObject({
    trouble: 'protocol',
    message: expect.stringContaining('the response headers are larger than 64 KiB'),
  });
});
