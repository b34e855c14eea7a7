// One attempt against real sockets: everything that can come in place of a whole answer ends, is bounded, and is named.

import { createServer as createTcpServer, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { TooLarge, Unreachable } from '../../src/twilio/errors.ts';
import { type Get, get } from '../../src/twilio/http.ts';
import { listen, serve } from './local-server.ts';

const kibibyte = 1024;

function send(origin: string, more: Partial<Get> = {}) {
  const dispatcher = new Agent({ allowH2: false });
  onTestFinished(() => dispatcher.destroy());
  return get(dispatcher, {
    tried: `GET ${origin}/`,
    origin,
    path: '/',
    headers: { authorization: 'Basic hunter2' },
    timeoutMs: 10_000,
    limitBytes: 64 * kibibyte,
    signal: new AbortController().signal,
    ...more,
  });
}

/** A server that says these bytes to whoever connects, then does as told. */
async function raw(bytes: string, then: (socket: Socket) => void = () => undefined): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.once('data', () => socket.write(bytes, () => then(socket)));
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

const head = (...headers: string[]) => `${['HTTP/1.1 200 OK', ...headers].join('\r\n')}\r\n\r\n`;

test('a whole answer, with what the caller needs of its headers', async () => {
  const { url } = await serve((_request, response) => {
    response.writeHead(200, {
      date: 'Thu, 15 Jan 2026 10:30:00 GMT',
      'content-type': 'application/json',
      'retry-after': '3',
      'x-ratelimit-limit': '300',
      'x-ratelimit-remaining': '7',
      'x-ratelimit-reset': '1768473060',
    });
    response.end('{"ü":1}');
  });
  expect(await send(url)).toEqual({
    status: 200,
    date: 'Thu, 15 Jan 2026 10:30:00 GMT',
    retryAfter: '3',
    rateLimit: { limit: '300', remaining: '7', reset: '1768473060' },
    contentType: 'application/json',
    body: Buffer.from('{"ü":1}'),
    wireBytes: 8,
  });
});

test.each([
  ['a body shorter than its length', `${head('content-length: 100')}{"people":`, (socket: Socket) => socket.end()],
  ['chunks without the last', `${head('transfer-encoding: chunked')}5\r\n{"a":\r\n`, (socket: Socket) => socket.end()],
  ['a reset within the body', `${head('content-length: 100')}{"people":`, (socket: Socket) => socket.resetAndDestroy()],
  ['a reset before the head', 'HTTP/1.1 200', (socket: Socket) => socket.resetAndDestroy()],
  ['the end before the head', '', (socket: Socket) => socket.end()],
  ['no HTTP at all', 'people said this\r\n\r\n', () => undefined],
])('%s is noticed, and not quoted', async (_name, bytes, then) => {
  const server = createTcpServer((socket) => {
    socket.once('data', () => (bytes === '' ? then(socket) : socket.write(bytes, () => then(socket))));
  });
  const error = await send(`http://127.0.0.1:${await listen(server)}`).catch((caught) => caught);
  expect(error).toBeInstanceOf(Unreachable);
  expect(['reset', 'protocol']).toContain(error.trouble);
  const all = `${error.stack} ${JSON.stringify(error)} ${JSON.stringify(error.cause)} ${error.cause?.stack}`;
  expect(all).not.toMatch(/people|hunter2/);
});

test.each([
  ['silence', '', () => undefined],
  ['a head and then silence', head('content-length: 10'), () => undefined],
  [
    'a body that drips for ever',
    head('transfer-encoding: chunked'),
    (socket: Socket) => {
      const drip = setInterval(() => socket.write('1\r\n \r\n'), 2);
      socket.on('close', () => clearInterval(drip));
    },
  ],
])('%s ends with the timeout', async (_name, bytes, then) => {
  const origin = await raw(bytes, then);
  const error = await send(origin, { timeoutMs: 40 }).catch((caught) => caught);
  expect(error).toMatchObject({ constructor: Unreachable, trouble: 'timeout' });
  expect(error.message).toBe(`GET ${origin}/: no complete answer within 40 ms`);
});

test('an abort ends it at once with its reason, before, while connecting, and within the body', async () => {
  const origin = await raw(head('content-length: 10'));
  for (const afterMs of [undefined, 0, 15]) {
    const control = new AbortController();
    if (afterMs === undefined) control.abort(new Error('stop now'));
    else setTimeout(() => control.abort(new Error('stop now')), afterMs);
    await expect(send(origin, { signal: control.signal })).rejects.toThrow('stop now');
  }
});

test('nobody there, and no such name, are told apart', async () => {
  const closed = createTcpServer();
  const port = await new Promise<number>((resolve) => {
    closed.listen(0, '127.0.0.1', () => {
      const address = closed.address();
      closed.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
  await expect(send(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ trouble: 'connect', code: 'ECONNREFUSED' });
  await expect(send('http://no-such-host.invalid')).rejects.toMatchObject({ trouble: 'dns' });
});

test.each([
  ['identity', (body: Buffer) => body],
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('%s: decoded, and never past the limit', async (encoding, encode) => {
  const { url } = await serve((request, response) => {
    const size = request.url === '/small' ? 64 * kibibyte : 64 * kibibyte + 1;
    response.writeHead(200, { 'content-encoding': encoding }).end(encode(Buffer.alloc(size, 'a')));
  });
  expect((await send(url, { path: '/small' })).body.length).toBe(64 * kibibyte);
  await expect(send(url, { path: '/large' })).rejects.toMatchObject({
    constructor: TooLarge,
    limitBytes: 64 * kibibyte,
  });
});

test('a body that does not end is dropped at the limit', async () => {
  let sentBytes = 0;
  const { url } = await serve((_request, response) => {
    const chunk = Buffer.alloc(16 * kibibyte);
    const more = () => {
      while (!response.destroyed && response.write(chunk)) sentBytes += chunk.length;
      sentBytes += chunk.length;
    };
    response.on('drain', more);
    more();
  });
  await expect(send(url)).rejects.toThrow(TooLarge);
  expect(sentBytes).toBeLessThan(16 * 1024 * kibibyte);
});

test('a cut or unknown encoding is a broken answer', async () => {
  const { url } = await serve((request, response) => {
    const encoding = request.url === '/cut' ? 'gzip' : 'rot13';
    response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync('{"people":"said this"}').subarray(0, -9));
  });
  await expect(send(url, { path: '/cut' })).rejects.toMatchObject({ constructor: Unreachable, trouble: 'protocol' });
  await expect(send(url, { path: '/odd' })).rejects.toMatchObject({ constructor: Unreachable, trouble: 'protocol' });
});

test('of an error no more than its beginning is read', async () => {
  const { url } = await serve((_request, response) => response.writeHead(500).end(Buffer.alloc(1024 * kibibyte)));
  const { status, body } = await send(url);
  expect(status).toBe(500);
  expect(body.length).toBeLessThan(256 * kibibyte);
});
