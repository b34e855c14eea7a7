// The first answers of a process, when the list cannot be had: what went wrong is said by its real reason.

import type { RequestListener } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/twilio/client.ts';
import { createListing } from '../../src/twilio/listing.ts';
import { answer, serve } from './local-server.ts';

const signal = new AbortController().signal;

async function firstTrouble(listener: RequestListener): Promise<unknown> {
  const { url } = await serve(listener);
  const client = createClient({
    baseUrl: url,
    auth: { username: 'SKuser', password: 'hunter2' },
    pageLimitBytes: 1_000,
    wait: async () => undefined,
  });
  onTestFinished(() => client.close());
  const names = ['createdAtBefore' as const, 'createdBefore' as const];
  const listing = createListing({ client, filters: [], names, onNews() {} });
  return await listing.proveBounds(1_700_000_000, signal).then(
    () => 'no trouble',
    (error: unknown) => (error instanceof Error ? error.message : error),
  );
}

const status =
  (code: number, json: unknown = {}, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    answer(response, json, code, headers);

test.each<[string, RequestListener, RegExp]>([
  ['503', status(503), /: the API answers 503; gave up after 5 attempts$/],
  ['503 with a reason', status(503, { code: 20503, message: 'Down for upkeep' }), /answers 503.*: Down for upkeep$/],
  ['400 with a reason', status(400, { code: 20001, message: 'No such filter' }), /status 400, code 20001\): No such/],
  [
    'a redirect elsewhere',
    status(301, '', { location: 'https://login.example/?next=hunter2' }),
    /\(status 301\): it redirects to https:\/\/login\.example, and the key does not go there$/,
  ],
  ['a redirect within', status(302, '', { location: '/login' }), /redirects to http:\/\/127\.0\.0\.1:\d+, and/],
  ['a redirect to nowhere', status(307), /refused the request \(status 307\)$/],
  ['a proxy that wants a password', status(407), /status 407\): a proxy wants a user and a password$/],
  [
    'HTML',
    (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    /body: is not JSON \(6 bytes, text\/html\)$/,
  ],
  ['nothing', (_request, response) => response.end(), /body: is empty \(no content type\)$/],
  ['204', (_request, response) => response.writeHead(204).end(), /expected 200, received 204$/],
  ['items under another key', status(200, { conversations: [] }), /items: expected array, received undefined$/],
  ['more than it may be', status(200, { items: ['x'.repeat(1_000)] }), /larger than the allowed 1000 bytes/],
])('%s', async (_name, listener, says) => {
  expect(await firstTrouble(listener)).toMatch(says);
});

test('a name of the bound that is refused does not hide why the other one cannot be asked', async () => {
  const trouble = await firstTrouble((request, response) => {
    if (/createdAtBefore/.test(request.url ?? '')) answer(response, {}, 502);
    else answer(response, { code: 20001, message: 'Invalid parameter' }, 400);
  });
  expect(trouble).toMatch(/the API answers 502/);
});

test('only where answers came without a Date is it the Date that is missed', async () => {
  const trouble = await firstTrouble((_request, response) => {
    response.sendDate = false;
    answer(response, { items: [{ id: 'c1', createdAt: '2026-01-15T10:30:00Z' }], meta: {} });
  });
  expect(trouble).toMatch(/^no answer of the list has a Date header/);
});
