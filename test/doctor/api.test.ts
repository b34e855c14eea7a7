// The checks of the API against real servers: one that is well, and one for each thing that can be wrong. Every check ends
// with a finding, whatever became of the others, and none says a secret.

import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, createServer as createPlainServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ApiConfig, noFilters } from '../../src/config/config.ts';
import { apiChecks, checkApi } from '../../src/doctor/api.ts';
import type { Finding, Mark } from '../../src/doctor/finding.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/server.ts';
import { answer, listen, serve } from '../twilio/local-server.ts';
import { certificate, privateKey } from '../twilio/test-certificate.ts';

const simulated: ApiConfig = {
  accountSid: `AC${'0'.repeat(32)}`,
  username: `SK${'0'.repeat(32)}`,
  password: 'simulated-api-secret',
  edge: undefined,
  region: undefined,
  url: undefined,
  createdFilter: 'auto',
  maxConcurrency: 32,
  proxy: { https: undefined, http: undefined, none: undefined },
};

async function simulate(options: SimulatorOptions = {}, conversations = 30): Promise<Simulator> {
  const simulator = await startSimulator(options);
  onTestFinished(() => simulator.close());
  fillSource(simulator.source, { conversations, days: 5, untilMs: Date.now() - 3_600_000 });
  return simulator;
}

async function ask(url: string, changed: Partial<ApiConfig> = {}, operatorResults = false): Promise<Finding[]> {
  const signal = new AbortController().signal;
  const api = { ...simulated, url, ...changed };
  const start = Date.now() / 1000 - 40 * 86_400;
  const question = { api, filters: noFilters, operatorResults, start, nowMs: Date.now, signal };
  const findings = await Array.fromAsync(checkApi(question));
  expect(findings.map(({ check }) => check)).toEqual(apiChecks);
  expect(JSON.stringify(findings)).not.toMatch(/simulated-api-secret|hunter2|not-the-secret/);
  return findings;
}

const ofResults = ['operator results', 'names'];
const marks = (findings: Finding[]): Mark[] =>
  findings.filter(({ check }) => !ofResults.includes(check)).map(({ mark }) => mark);
const found = (findings: Finding[], check: string) => findings.find((each) => each.check === check);

test('all is well', async () => {
  const simulator = await simulate();
  const findings = await ask(simulator.url);
  expect(marks(findings)).toEqual(['skipped', 'ok', 'ok', 'ok', 'ok', 'ok']);
  expect(found(findings, 'createdBefore')?.found).toContain('createdAtBefore and createdAtAfter');
});

test('an account without conversations is well too', async () => {
  const findings = await ask((await simulate({}, 0)).url);
  expect(marks(findings)).toEqual(['skipped', 'ok', 'ok', 'ok', 'ok', 'ok']);
  expect(found(findings, 'credentials')?.found).toContain('no conversation yet');
});

test('a wrong key, told apart from one that is forbidden; neither hides the way there', async () => {
  const { url, faults } = await simulate();
  const wrong = await ask(url, { password: 'not-the-secret' });
  expect(marks(wrong)).toEqual(['skipped', 'ok', 'ok', 'fail', 'skipped', 'skipped']);
  expect(found(wrong, 'credentials')).toMatchObject({
    passing: false,
    found: expect.stringContaining('refuses the key (401, code 20003)'),
  });
  expect(found(wrong, 'credentials')?.todo).toMatch(/TWILIO_API_KEY[\s\S]*TWILIO_REGION/);
  const ofRegion = await ask(url, { password: 'not-the-secret', region: 'ie1' });
  expect(found(ofRegion, 'credentials')?.todo).toContain('key of region ie1');
  const token = await ask(url, { username: simulated.accountSid, password: 'not-the-secret' });
  expect(found(token, 'credentials')?.todo).toContain('TWILIO_AUTH_TOKEN');
  const swapped = await ask(url, { username: `AC${'1'.repeat(32)}`, password: 'not-the-secret' });
  expect(found(swapped, 'credentials')?.todo).toContain('TWILIO_API_KEY holds an account SID');
  faults.add({ on: 'any', fault: { kind: 'status', status: 403 } });
  const forbidden = await ask(url);
  expect(found(forbidden, 'credentials')).toMatchObject({
    mark: 'fail',
    passing: false,
    found: expect.stringContaining('denies access (403'),
  });
});

test('a key of another account', async () => {
  const { url } = await simulate({ switches: { servedAccountId: `AC${'9'.repeat(32)}` } });
  expect(found(await ask(url), 'credentials')).toMatchObject({
    mark: 'warn',
    found: expect.stringContaining('of AC9999'),
  });
});

test.each([
  [503, /answers 503/, true],
  [429, /too many requests/, true],
  [404, /no \/v3\/Conversations/, false],
  [302, /status 302/, false],
])('status %i', async (status, says, passing) => {
  const { url } = await serve((_request, response) => answer(response, {}, status));
  expect(found(await ask(url), 'credentials')).toMatchObject({
    mark: 'fail',
    passing,
    found: expect.stringMatching(says),
  });
});

test.each([
  [401, 'Terms of service have not been accepted'],
  [403, 'Resource not accessible with Test Account Credentials'],
])('what the API says with %i is passed on', async (status, message) => {
  const { url } = await serve((_request, response) => answer(response, { code: 20003, message }, status));
  expect(found(await ask(url), 'credentials')?.found).toMatch(new RegExp(`\\(${status}, code 20003\\): ${message}$`));
});

test('a redirect: where to, without what follows the host', async () => {
  const { url } = await serve((_request, response) =>
    answer(response, {}, 301, { location: 'https://login.example/?back=hunter2' }),
  );
  expect(found(await ask(url), 'credentials')).toMatchObject({
    found: expect.stringMatching(/status 301.*https:\/\/login\.example,/),
    todo: expect.stringMatching(/TWILIO_INTELLIGENCE_URL.*login page/),
  });
});

test('a proxy on the way to an http:// URL that wants a password', async () => {
  const { url } = await serve((_request, response) => answer(response, {}, 407));
  const proxied = await ask('http://api.example', { proxy: { https: undefined, http: url, none: undefined } });
  for (const findings of [await ask(url), proxied]) {
    expect(found(findings, 'credentials')).toMatchObject({
      mark: 'fail',
      found: expect.stringContaining('407'),
      todo: expect.stringMatching(/HTTP_PROXY.*password/),
    });
  }
});

test('items under another key', async () => {
  const { url } = await serve((_request, response) => answer(response, { conversations: [], meta: {} }));
  expect(found(await ask(url), 'credentials')?.found).toMatch(/not this API: .*items: expected array/);
});

test('answers without a Date', async () => {
  const { url } = await serve((_request, response) => {
    response.sendDate = false;
    answer(response, { items: [{ id: 'c1', createdAt: '2026-01-15T10:30:00Z' }], meta: {} });
  });
  const findings = await ask(url);
  expect(marks(findings)).toEqual(['skipped', 'ok', 'ok', 'ok', 'skipped', 'fail']);
  expect(found(findings, 'clock')).toMatchObject({
    passing: false,
    found: expect.stringMatching(/^no answer of the list has a Date header/),
    todo: expect.stringContaining('TWILIO_INTELLIGENCE_URL'),
  });
});

test('answers that do not agree on the time', async () => {
  const { url, faults } = await simulate();
  for (let nth = 1; nth <= 60; nth += 1)
    faults.add({ on: 'any', nth, fault: { kind: 'date', offsetMs: nth * 120_000 } });
  const findings = await ask(url);
  expect(marks(findings)).toEqual(['skipped', 'ok', 'ok', 'ok', 'skipped', 'fail']);
  expect(found(findings, 'clock')?.found).toContain("the API's answers do not agree on the time");
});

test('a login page in its place', async () => {
  const { url } = await serve((_request, response) => response.end('<html>Please log in'));
  expect(found(await ask(url), 'credentials')).toMatchObject({
    passing: true,
    found: expect.stringContaining('not this API'),
  });
});

test('a list without bounds is refused: the bounds are still proved', async () => {
  const { url, faults } = await simulate();
  faults.add({ on: 'list', fault: { kind: 'status', status: 400 }, widerThanSeconds: 40 * 86_400 });
  const findings = await ask(url);
  expect(found(findings, 'credentials')?.mark).toBe('warn');
  expect(found(findings, 'createdBefore')?.mark).toBe('ok');
});

test('which name of the bound is honoured', async () => {
  const simulator = await simulate({ switches: { boundNames: 'createdBefore' } });
  const seen = async (changed: Partial<ApiConfig> = {}) => found(await ask(simulator.url, changed), 'createdBefore');
  expect(await seen()).toMatchObject({ mark: 'ok', found: 'createdBefore is honoured, and no lower bound' });
  expect(await seen({ createdFilter: 'createdAtBefore' })).toMatchObject({
    mark: 'warn',
    todo: expect.stringContaining('TWILIO_CREATED_FILTER=auto'),
  });
  simulator.turn({ boundNames: 'none' });
  expect(await seen()).toMatchObject({ mark: 'warn', todo: expect.stringContaining('correct but slow') });
  simulator.turn({ boundNames: 'createdAt', boundsHonoured: 'lower' });
  expect(await seen()).toMatchObject({ mark: 'warn', found: expect.stringContaining('only the lower bound') });
});

test('a clock that is an hour off', async () => {
  const { url } = await simulate({ switches: { dateOffsetMs: 3_600_000 } });
  expect(found(await ask(url), 'clock')).toMatchObject({
    mark: 'warn',
    found: `this machine's is 60 min behind the API's`,
  });
});

test('nobody listens, and there is no such host', async () => {
  const server = createPlainServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  const findings = await ask(`http://127.0.0.1:${port}`);
  expect(marks(findings)).toEqual(['skipped', 'fail', 'skipped', 'skipped', 'skipped', 'skipped']);
  expect(found(findings, 'API connection')).toMatchObject({
    passing: true,
    found: `127.0.0.1 port ${port} does not answer (ECONNREFUSED)`,
  });
  const nowhere = await ask('https://intelligence.invalid');
  expect(marks(nowhere)).toEqual(['fail', 'skipped', 'skipped', 'skipped', 'skipped', 'skipped']);
  expect(found(nowhere, 'API name')?.todo).toContain('TWILIO_INTELLIGENCE_URL');
});

test('a certificate of an unknown authority', async () => {
  const port = await listen(
    createSecureServer({ cert: certificate, key: privateKey }, (_request, response) => answer(response, {})),
  );
  const findings = await ask(`https://localhost:${port}`);
  expect(marks(findings)).toEqual(['ok', 'ok', 'fail', 'skipped', 'skipped', 'skipped']);
  expect(found(findings, 'API TLS')).toMatchObject({
    passing: false,
    found: expect.stringMatching(/issued by localhost \(DEPTH_ZERO_SELF_SIGNED_CERT\)/),
    todo: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  });
});

test('something that is no TLS', async () => {
  const { port } = await serve((_request, response) => response.end());
  expect(found(await ask(`https://localhost:${port}`), 'API TLS')).toMatchObject({ mark: 'fail', passing: true });
});

test('a proxy: in use, wanting a password, not there', async () => {
  const port = await listen(createSecureServer({ cert: certificate, key: privateKey }));
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    if (request.headers['proxy-authorization'] === undefined) {
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
  const place = `127.0.0.1:${await listen(proxy)}`;
  const through = (https: string) => ask('https://localhost:9', { proxy: { https, http: undefined, none: undefined } });
  const used = await through(`http://user:hunter2@${place}`);
  expect(marks(used)).toEqual(['skipped', 'ok', 'fail', 'skipped', 'skipped', 'skipped']);
  expect(found(used, 'API connection')?.found).toBe(`through the proxy ${place} to localhost port 9`);
  expect(found(used, 'API TLS')?.found).toContain('issued by localhost');
  expect(found(await through(`http://${place}`), 'API connection')).toMatchObject({
    passing: false,
    found: expect.stringContaining('(407)'),
  });
  const away = await through('http://user:hunter2@127.0.0.1:1');
  expect(found(away, 'API connection')).toMatchObject({
    passing: true,
    found: 'the proxy 127.0.0.1:1 does not answer (ECONNREFUSED)',
  });
});

test('an end by signal ends it', async () => {
  const { url } = await serve(() => {});
  const stop = new AbortController();
  const checks = checkApi({
    operatorResults: true,
    api: { ...simulated, url },
    filters: noFilters,
    start: 0,
    nowMs: Date.now,
    signal: stop.signal,
  });
  for (let at = 0; at < 3; at++) await checks.next();
  const waiting = checks.next();
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

describe('operator results and names', () => {
  const askResults = async (options: SimulatorOptions, conversations = 30) => {
    const findings = await ask((await simulate(options, conversations)).url, {}, true);
    return ofResults.map((check) => found(findings, check));
  };

  test('the key may read them, whether or not there are any', async () => {
    const [results, names] = await askResults({});
    expect(results).toMatchObject({ mark: 'ok', found: 'the key may read them' });
    expect(names).toMatchObject({ mark: 'ok' });
    expect((await askResults({}, 0))[0]).toMatchObject({ mark: 'ok', found: expect.stringContaining('none yet') });
  });

  test('it may not: a warning that says how to get them, or to do without', async () => {
    const [results, names] = await askResults({ switches: { forbidden: ['results', 'names'] } });
    expect(results).toMatchObject({
      mark: 'warn',
      found: expect.stringMatching(/may not read them \(403.*conversations are synced without them/),
      todo: expect.stringContaining('SYNC_OPERATOR_RESULTS=links'),
    });
    expect(names).toMatchObject({ mark: 'warn', found: expect.stringContaining('(403)') });
  });

  test('a list of the whole account that is refused costs nothing but time', async () => {
    const [results] = await askResults({ switches: { resultsOfAll: 'refused' } });
    expect(results).toMatchObject({ mark: 'warn', found: expect.stringContaining('asked for by conversation') });
  });

  test('where only links are wanted, nothing is asked', async () => {
    const simulator = await simulate();
    const findings = await ask(simulator.url);
    for (const check of ofResults) expect(found(findings, check)).toMatchObject({ mark: 'skipped' });
    expect(simulator.requests.byEndpoint.resultList).toBe(0);
  });
});
