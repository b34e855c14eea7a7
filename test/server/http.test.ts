// The worker's HTTP server, asked over real sockets.

import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type HttpOptions, type HttpServer, openHttpServer } from '../../src/server/http.ts';
import { ListenError } from '../../src/server/listen-error.ts';
import { createHeartbeat } from '../../src/status/heartbeat.ts';
import { createLog } from '../../src/worker/log.ts';

const log = createLog({ level: 'silent' });
const opened: HttpServer[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

async function open(options: Partial<HttpOptions> = {}): Promise<HttpServer> {
  const readiness = async () => ({ ready: true, code: 'in_sync' }) as const;
  const fine = { host: '127.0.0.1', port: 0, log, trouble: () => undefined, readiness };
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
  const heartbeat = createHeartbeat(60_000, () => now);
  const server = await open({ trouble: () => heartbeat.trouble() });
  expect(await ask(server, '/livez')).toEqual([200, { live: true }]);
  now = 61_000;
  expect(await ask(server, '/livez')).toEqual([503, { live: false, reason: 'the worker has done nothing for 61 s' }]);
  heartbeat.beat();
  expect(await ask(server, '/livez')).toEqual([200, { live: true }]);
});

describe('/readyz', () => {
  test('says what it is told', async () => {
    const server = await open({ readiness: async () => ({ ready: true, code: 'in_sync' }) });
    expect(await ask(server, '/readyz')).toEqual([200, { ready: true, code: 'in_sync' }]);
    const answer = { ready: false, code: 'failing', reason: 'the API refused the key' } as const;
    const failing = await open({ readiness: async () => answer });
    expect(await ask(failing, '/readyz')).toEqual([503, answer]);
  });

  test('is 503 where it cannot be found out, without the words of the error', async () => {
    const server = await open({
      readiness: () => Promise.reject(Object.assign(new Error('hush'), { code: 'ECONNREFUSED' })),
    });
    expect(await ask(server, '/readyz')).toEqual([
      503,
      { ready: false, code: 'failing', reason: 'the state is not known (ECONNREFUSED)' },
    ]);
  });
});

describe('the name that it is asked under', () => {
  const answerUnder = async (name: string, path: string, options: Partial<HttpOptions> = {}) => {
    const server = await open({ routes: [(app) => app.get('/metrics', () => ({ up: 1 }))], ...options });
    const { port } = new URL(server.url);
    return await new Promise<string>((resolve, reject) => {
      const headers = name === '' ? '' : `host: ${name.replace('PORT', port)}\r\n`;
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`GET ${path} HTTP/1.${name === '' ? 0 : 1}\r\n${headers}connection: close\r\n\r\n`);
      });
      let said = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      socket.on('error', reject).on('close', () => resolve(said));
    });
  };
  const statusFor = async (...asked: Parameters<typeof answerUnder>) => (await answerUnder(...asked)).split(' ')[1];

  test.each(['127.0.0.1:PORT', 'localhost', 'LOCALHOST.:80', '[::1]:PORT', '10.1.2.3', 'worker', 'a.localhost', ''])(
    '%s is answered',
    async (name) => {
      expect(await statusFor(name, '/metrics')).toBe('200');
    },
  );

  test.each(['evil.example', 'evil.example:PORT', '127.0.0.1.evil.example', 'localhost.evil.example', '1.2.3', 'a..'])(
    '%s is not, but for health checks',
    async (name) => {
      for (const path of ['/metrics', '/', '/status/page.js', '/livez/x', '/nowhere']) {
        expect([path, await statusFor(name, path)]).toEqual([path, '421']);
      }
      for (const path of ['/livez', '/readyz', '/readyz?x=1']) expect(await statusFor(name, path)).toBe('200');
    },
  );

  test('those of the settings are answered, and * is any', async () => {
    const allowedHosts = ['sync.Example.com'];
    expect(await statusFor('sync.example.com:8443', '/metrics', { allowedHosts })).toBe('200');
    expect(await statusFor('x.sync.example.com', '/metrics', { allowedHosts })).toBe('421');
    expect(await statusFor('evil.example', '/metrics', { allowedHosts: ['*'] })).toBe('200');
  });

  test('what is said names the setting', async () => {
    expect(await answerUnder('evil.example', '/metrics')).toMatch(
      /^content-type: application\/json[\s\S]*HTTP_ALLOWED_HOSTS/m,
    );
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
