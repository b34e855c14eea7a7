// The container's health check as a process, against what listens, or does not, where the settings say.

import { spawn } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const script = fileURLToPath(new URL('../src/health-check.ts', import.meta.url));
const proxies = { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1', NODE_USE_ENV_PROXY: '1' };

function check(env: Record<string, string>): Promise<number | null> {
  const child = spawn(process.execPath, [script], { env: { ...proxies, ...env }, stdio: 'inherit' });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}

async function listen(host: string, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return String((server.address() as AddressInfo).port);
}

const live: RequestListener = (request, response) => response.writeHead(request.url === '/livez' ? 200 : 404).end();

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['', '127.0.0.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['localhost', '127.0.0.1'],
  ['127.0.0.9', '127.0.0.9'],
])('HTTP_HOST=%s is asked where it listens, past any proxy', async (HTTP_HOST, host) => {
  expect(await check({ HTTP_HOST, HTTP_PORT: await listen(host, live) })).toBe(0);
});

test('503, silence and nobody are not well', async () => {
  const sick = await listen('127.0.0.1', (_request, response) => response.writeHead(503).end());
  const silent = await listen('127.0.0.1', (request) => request.socket.destroy());
  expect(await Promise.all([sick, silent, '1'].map((HTTP_PORT) => check({ HTTP_PORT })))).toEqual([1, 1, 1]);
});
