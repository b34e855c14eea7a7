// Proxies and private authorities, with real ones: who is asked for what, by which road, and what is said when it is closed.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { openDispatcher } from '../../src/twilio/dispatcher.ts';
import { get } from '../../src/twilio/http.ts';
import type { ProxySettings } from '../../src/twilio/proxy.ts';
import { listen, serve } from './local-server.ts';
import { certificate, privateKey } from './test-certificate.ts';

function send(origin: string, proxy: ProxySettings) {
  const dispatcher = openDispatcher(origin, 5_000, proxy);
  onTestFinished(() => dispatcher.destroy());
  const signal = new AbortController().signal;
  return get(dispatcher, { tried: 'GET', origin, path: '/', headers: {}, timeoutMs: 5_000, limitBytes: 1_000, signal });
}

/** A proxy that forwards and tunnels to `port`, whatever host is asked for, and notes what it was asked. */
async function openProxy(port: number, refuse = false) {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('from the proxy');
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    authorizations.push(request.headers['proxy-authorization']);
    if (refuse) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
  });
  return { asked, authorizations, port: await listen(server) };
}

async function secureServer(): Promise<number> {
  return listen(
    createSecureServer({ cert: certificate, key: privateKey }, (_request, response) => response.end('"secure"')),
  );
}

test('http goes by HTTP_PROXY and by no other', async () => {
  const { url, port } = await serve((_request, response) => response.end('direct'));
  const proxy = await openProxy(port);
  const proxyUrl = `http://127.0.0.1:${proxy.port}`;
  expect((await send(url, { httpProxy: proxyUrl })).body.toString()).toBe('from the proxy');
  expect(proxy.asked).toEqual([`${url}/`]);
  expect((await send(url, { httpsProxy: proxyUrl })).body.toString()).toBe('direct');
  expect((await send(url, {})).body.toString()).toBe('direct');
});

test.each(['127.0.0.1', '*', 'example.com, 127.0.0.1', 'example.com 127.0.0.1'])(
  'NO_PROXY %j holds for loopback too',
  async (noProxy) => {
    const { url, port } = await serve((_request, response) => response.end('direct'));
    const proxy = await openProxy(port);
    expect((await send(url, { httpProxy: `http://127.0.0.1:${proxy.port}`, noProxy })).body.toString()).toBe('direct');
    expect(proxy.asked).toEqual([]);
  },
);

test('a proxy that refuses the tunnel is named, without its password', async () => {
  const proxy = await openProxy(0, true);
  const httpsProxy = `http://user:hunter2@127.0.0.1:${proxy.port}`;
  const error = await send('https://intelligence.twilio.com', { httpsProxy }).catch((caught) => caught);
  expect(error).toMatchObject({ trouble: 'proxy' });
  expect(error.message).toMatch(/proxy.*407/);
  expect(`${error.stack}${error.cause?.stack}`).not.toMatch(/hunter2/);
  expect(proxy.asked).toEqual(['CONNECT intelligence.twilio.com:443']);
  expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('user:hunter2').toString('base64')}`]);
});

test('a proxy that is no URL is refused by its setting, not quoted', () => {
  expect(() => openDispatcher('https://a.example', 1, { httpsProxy: 'hunter2' })).toThrow(/^HTTPS_PROXY takes/);
  expect(() => openDispatcher('http://a.example', 1, { httpProxy: 'ftp://hunter2' })).toThrow(/^HTTP_PROXY takes/);
  expect(() => openDispatcher('http://a.example', 1, { httpProxy: 'ftp://hunter2' })).not.toThrow(/hunter2/);
});

test('a certificate of an unknown authority is refused as TLS trouble', async () => {
  const port = await secureServer();
  await expect(send(`https://localhost:${port}`, {})).rejects.toMatchObject({ trouble: 'tls' });
});

test('NODE_EXTRA_CA_CERTS holds, straight and through a tunnel', async () => {
  const port = await secureServer();
  const proxy = await openProxy(port);
  const folder = await mkdtemp(join(tmpdir(), 'authority-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const authority = join(folder, 'ca.pem');
  await writeFile(authority, certificate);
  // Node reads the setting at its start, so a process of its own is needed.
  const script = `
    import { openDispatcher } from ${JSON.stringify(new URL('../../src/twilio/dispatcher.ts', import.meta.url).href)};
    import { get } from ${JSON.stringify(new URL('../../src/twilio/http.ts', import.meta.url).href)};
    const origin = 'https://localhost:${port}';
    for (const proxy of [{}, { httpsProxy: 'http://127.0.0.1:${proxy.port}' }]) {
      const dispatcher = openDispatcher(origin, 5000, proxy);
      const signal = new AbortController().signal;
      const request = { tried: 'GET', origin, path: '/', headers: {}, timeoutMs: 5000, limitBytes: 1000, signal };
      process.stdout.write((await get(dispatcher, request)).body);
      await dispatcher.destroy();
    }`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { env });
  expect(stdout).toBe('"secure""secure"');
  expect(proxy.asked).toEqual([`CONNECT localhost:${port}`]);
});
