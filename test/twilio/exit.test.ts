// A process that has used the client ends when it has nothing else to do: no timer outlives those who wait for it.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { answer, serve } from './local-server.ts';

const client = new URL('../../src/twilio/client.ts', import.meta.url).href;

/** Fetches 40 details at once, and says what timers are left when they have failed. */
const program = (url: string, end: 'abort' | 'close') => `
  const { createClient } = await import(${JSON.stringify(client)});
  const control = new AbortController();
  let retries = 0;
  const { promise: refused, resolve } = Promise.withResolvers();
  const client = createClient({
    baseUrl: ${JSON.stringify(url)}, auth: { username: 'u', password: 'p' }, onRetry: () => ++retries === 4 && resolve(),
  });
  const all = Array.from({ length: 40 }, (_, at) => client.detail('c' + at, { signal: control.signal }));
  const settled = Promise.allSettled(all);
  await refused;
  ${end === 'abort' ? "control.abort(new Error('over'));" : 'await client.close();'}
  const results = await settled;
  ${end === 'abort' ? 'await client.close();' : ''}
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
  console.log(JSON.stringify({ rejected: results.filter(({ status }) => status === 'rejected').length, timers: timers.length }));
`;

test.each(['abort', 'close'] as const)(
  'after a Retry-After of 100 s and %s, nothing keeps the process',
  async (end) => {
    const { url } = await serve((_request, response) => answer(response, {}, 429, { 'retry-after': '100' }));
    const script = program(url, end);
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    });
    expect(JSON.parse(stdout)).toEqual({ rejected: 40, timers: 0 });
  },
);
