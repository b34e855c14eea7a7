// The worker's HTTP server, asked over real sockets.

import { afterEach, describe, expect, test } from 'vitest';
import { createHealth } from '../../src/ops/health.ts';
import { type HttpOptions, type HttpServer, openHttpServer } from '../../src/ops/http.ts';
import { ListenError } from '../../src/ops/listen-error.ts';
import { createLog } from '../../src/ops/log.ts';

const log = createLog({ level: 'silent' });
const opened: HttpServer[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

async function open(options: Partial<HttpOptions> = {}): Promise<HttpServer> {
  const fine = { host: '127.0.0.1', port: 0, log, trouble: () => undefined, readiness: async () => ({ ready: true }) };
  const server = await openHttpServer({ ...fine, ...options });
  opened.push(server);
  return server;
}

async function ask(server: HttpServer, path: string): Promise<[number, unknown]> {
  const answer = await fetch(server.url + path);
  return [answer.status, await answer.json()];
}

test('/livez follows the beat', async () => {
  let now = 0;
  const health = createHealth(60_000, () => now);
  const server = await open({ trouble: () => health.trouble() });
  expect(await ask(server, '/livez')).toEqual([200, { live: true }]);
  now = 61_000;
  expect(await ask(server, '/livez')).toEqual([503, { live: false, reason: 'the worker has done nothing for 61 s' }]);
  health.beat();
  expect(await ask(server, '/livez')).toEqual([200, { live: true }]);
});

describe('/readyz', () => {
  test('says what it is told', async () => {
    const server = await open({ readiness: async () => ({ ready: true, lastPass: 'now' }) });
    expect(await ask(server, '/readyz')).toEqual([200, { ready: true, lastPass: 'now' }]);
    const waiting = await open({ readiness: async () => ({ ready: false, reason: 'another worker has the lease' }) });
    expect(await ask(waiting, '/readyz')).toEqual([503, { ready: false, reason: 'another worker has the lease' }]);
  });

  test('is 503 where it cannot be found out, without the words of the error', async () => {
    const server = await open({
      readiness: () => Promise.reject(Object.assign(new Error('hush'), { code: 'ECONNREFUSED' })),
    });
    expect(await ask(server, '/readyz')).toEqual([503, { ready: false, reason: 'cannot be found out (ECONNREFUSED)' }]);
  });
});

test('further routes are added; their errors are 500 without details, unknown paths 404', async () => {
  const server = await open({
    routes: [
      (app) => app.get('/metrics', () => ({ up: 1 })),
      (app) =>
        app.get('/broken', () => {
          throw new Error('hush');
        }),
    ],
  });
  expect(await ask(server, '/metrics')).toEqual([200, { up: 1 }]);
  expect(await ask(server, '/broken')).toEqual([500, { error: 'internal error' }]);
  expect(await ask(server, '/nothing')).toEqual([404, { error: 'not found' }]);
});

test('a port that is taken is told by the names of its settings', async () => {
  const { url } = await open();
  const port = Number(new URL(url).port);
  const second = open({ port });
  await expect(second).rejects.toThrow(ListenError);
  await expect(second).rejects.toThrow(`HTTP_HOST and HTTP_PORT: 127.0.0.1 port ${port} is in use by another program`);
});

test('an open connection does not hold up the end', async () => {
  const server = await open();
  await ask(server, '/livez');
  await server.close();
  await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
});
