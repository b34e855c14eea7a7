// The listener for webhooks, asked over real sockets: what it takes, in which order it looks, and what it does not read.

import { once } from 'node:events';
import { request as send } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Hook, type Listener, type ListenerOptions, openListener } from '../../src/webhooks/listener.ts';
import type { WebhookOutcome } from '../../src/webhooks/receive.ts';
import { sign, urlWithHash } from '../../src/webhooks/signature.ts';

const token = 'a-token';
const entered = 'https://hooks.example.com:8443/twilio/hook?tenant=7';
const body = Buffer.from('{"conversationId":"conv_1"}');
const opened: Listener[] = [];

afterEach(async () => {
  for (const listener of opened.splice(0)) await listener.close();
});

async function open({ requestMs, port = 0, ...options }: Partial<Hook & Omit<ListenerOptions, 'hookOf'>> = {}) {
  const bodies: Buffer[] = [];
  const answers: [WebhookOutcome, string | undefined][] = [];
  const hook: Hook = {
    url: entered,
    keys: { authToken: token, sharedKey: undefined },
    receiver: {
      async receive(received) {
        bodies.push(Buffer.from(received));
        return 'taken';
      },
    },
    onAnswer: (outcome, refusal) => answers.push([outcome, refusal]),
    ...options,
  };
  const limits = requestMs === undefined ? {} : { requestMs };
  const listener = await openListener({ host: '127.0.0.1', port, hookOf: () => hook, ...limits });
  opened.push(listener);
  return { listener, bodies, answers };
}

interface Sent {
  method?: string;
  path?: string;
  body?: Buffer;
  headers?: Record<string, string>;
}

/** Sends a request whose target is not changed by a URL parser. */
async function ask({ url }: Listener, { method = 'POST', path = '/', body: sent, headers = {} }: Sent) {
  const { hostname, port } = new URL(url);
  const length = sent === undefined ? {} : { 'content-length': String(sent.length) };
  const request = send({ hostname, port, method, path, headers: { ...length, ...headers }, agent: false });
  request.end(sent);
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  const text = (await response.setEncoding('utf8').toArray()).join('');
  return { status: response.statusCode, text, allow: response.headers.allow };
}

/** A request as Twilio sends it, at a path that a proxy may have rewritten. */
function signed(path = '/twilio/hook', of = body, key = token): Sent {
  const called = urlWithHash(entered, of);
  const headers = { 'content-type': 'application/json', 'x-twilio-signature': sign(key, called) };
  return { path: `${path}?${called.split('?')[1]}`, body: of, headers };
}

describe('a signed POST', () => {
  test.each(['/twilio/hook', '/', '/hook', '/metrics', '/rewritten%2Fby/a%20proxy', '/%zz', '//x'])(
    'is taken at %s, whatever a proxy made of the path',
    async (path) => {
      const { listener, bodies, answers } = await open();
      expect(await ask(listener, signed(path))).toMatchObject({ status: 204, text: '' });
      expect(bodies).toEqual([body]);
      expect(answers).toEqual([['taken', undefined]]);
    },
  );

  test('is taken under another host name, with any type of content, or none', async () => {
    const { listener, bodies } = await open();
    const { headers, ...rest } = signed();
    const other = { ...headers, host: 'inner:9000', 'content-type': 'text/plain; charset=latin1' };
    expect((await ask(listener, { ...rest, headers: other })).status).toBe(204);
    const { 'content-type': _, ...bare } = headers ?? {};
    expect((await ask(listener, { ...rest, headers: bare })).status).toBe(204);
    expect(bodies).toEqual([body, body]);
  });

  test.each<[WebhookOutcome, number]>([
    ['repeated', 204],
    ['unknown', 204],
    ['other_account', 204],
    ['unavailable', 503],
  ])('that is %s is answered %d', async (outcome, status) => {
    const { listener, answers } = await open({ receiver: { receive: async () => outcome as 'unknown' } });
    expect((await ask(listener, signed())).status).toBe(status);
    expect(answers).toEqual([[outcome, undefined]]);
  });
});

describe('what is refused', () => {
  test.each<[string, Sent, string]>([
    ['nothing signed', { body }, 'unsigned'],
    ['another key', signed('/', body, 'other'), 'signature'],
    ['another query', { ...signed(), path: '/?bodySHA256=00' }, 'signature'],
    ['another body', { ...signed(), body: Buffer.from('{}') }, 'body'],
    ['no body', { ...signed(), body: Buffer.alloc(0) }, 'body'],
  ])('%s: 403, and why', async (_what, sent, refusal) => {
    const { listener, bodies, answers } = await open();
    expect((await ask(listener, sent)).status).toBe(403);
    expect(answers).toEqual([['refused', refusal]]);
    expect(bodies).toEqual([]);
  });

  test('everything, where the key is empty', async () => {
    const { listener } = await open({ keys: { authToken: '', sharedKey: undefined } });
    expect((await ask(listener, signed('/', body, ''))).status).toBe(403);
  });

  test('a body of more than 1 MB', async () => {
    const { listener, bodies } = await open();
    expect((await ask(listener, signed('/', Buffer.alloc(1_048_576, 'a')))).status).toBe(204);
    expect((await ask(listener, signed('/', Buffer.alloc(1_048_577, 'a')))).status).toBe(413);
    expect(bodies).toHaveLength(1);
  });

  test.each([
    ['GET', '/', 404],
    ['GET', '/metrics', 404],
    ['GET', '/metrics?a=1', 404],
    ['GET', '/readyz', 404],
    ['GET', '/twilio/hook', 405],
    ['HEAD', '/metrics', 404],
    ['PUT', '/twilio/hook', 405],
    ['DELETE', '/x', 405],
    ['OPTIONS', '/x', 405],
    ['PROPFIND', '/x', 405],
  ])('%s %s: %d', async (method, path, status) => {
    const { listener, bodies, answers } = await open();
    const found = await ask(listener, { ...signed(), method, path });
    expect(found.status).toBe(status);
    expect(found.allow).toBe(status === 405 ? 'POST' : undefined);
    expect([bodies, answers]).toEqual([[], []]);
  });
});

/** Sends a head and then as much of a body as is taken, until the other side ends. @returns the answer and how much of the body was sent. */
async function flood({ url }: Listener, head: string): Promise<{ answer: string; sentBytes: number }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  let isOver = false;
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.on('error', () => {});
  const over = new Promise<void>((resolve) => {
    socket.on('close', () => {
      isOver = true;
      resolve();
    });
  });
  await once(socket, 'connect');
  socket.write(head);
  const piece = Buffer.alloc(65_536, 'x');
  while (!isOver && socket.bytesWritten < 200_000_000)
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain').catch(() => {}), over]);
  await over;
  return { answer, sentBytes: socket.bytesWritten };
}

describe('a body that nobody has signed', () => {
  test('is not read: the connection ends with the answer', async () => {
    const { listener, bodies } = await open();
    const { answer, sentBytes } = await flood(
      listener,
      'POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 200000000\r\n\r\n',
    );
    expect(answer).toMatch(/^(HTTP\/1\.1 403 |$)/);
    // What the kernel's buffers on both sides take.
    expect(sentBytes).toBeLessThan(20_000_000);
    expect(bodies).toEqual([]);
  });

  test('nor is that of another method', async () => {
    const { listener } = await open();
    const head = 'PUT /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 200000000\r\n\r\n';
    expect((await flood(listener, head)).sentBytes).toBeLessThan(20_000_000);
  });
});

test('a body that does not come to its end is not waited for', async () => {
  const { listener, bodies } = await open({ requestMs: 50 });
  const { path, headers = {} } = signed();
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const { hostname, port } = new URL(listener.url);
  const socket = connect(Number(port), hostname);
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n${lines.join('\r\n')}\r\n\r\n{`);
  socket.on('error', () => {}).resume();
  await once(socket, 'close');
  expect(bodies).toEqual([]);
});

describe('a key in a file', () => {
  test('is read anew when a signature does not match', async () => {
    let reads = 0;
    const current = () => {
      reads += 1;
      return { authToken: 'a-newer-token', sharedKey: undefined };
    };
    const { listener } = await open({ keys: { authToken: token, sharedKey: undefined, current } });
    expect((await ask(listener, signed())).status).toBe(204);
    expect(reads).toBe(0);
    expect((await ask(listener, signed('/', body, 'a-newer-token'))).status).toBe(204);
    expect((await ask(listener, signed())).status).toBe(403);
    // At most once a second, whoever asks.
    expect(reads).toBe(1);
  });

  test('stays as it is where the file cannot be read', async () => {
    const { listener } = await open({ keys: { authToken: token, sharedKey: undefined, current: () => undefined } });
    expect((await ask(listener, signed('/', body, 'other'))).status).toBe(403);
    expect((await ask(listener, signed())).status).toBe(204);
  });
});

test('an address in use is said with its settings', async () => {
  const { listener } = await open();
  await expect(open({ port: Number(new URL(listener.url).port) })).rejects.toThrow(/^WEBHOOK_HOST and WEBHOOK_PORT: /);
});
