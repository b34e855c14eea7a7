// Ending in order, by real signals to real processes.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const module = new URL('../../src/worker/shutdown.ts', import.meta.url).href;

/** Runs `work` (the body of an async function of `signal`) in a process, does `act` at its line `ready`, and tells its end. */
async function run(work: string, act: (kill: (signal: NodeJS.Signals) => void, line: string) => void, options = '{}') {
  const code = `import { untilSignal } from '${module}';
    const aborted = (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve));
    const keepAlive = setInterval(() => {}, 60_000);
    const say = (line) => console.log(line);
    process.exitCode = await untilSignal(async (signal) => { ${work} }, { say, ...${options} });
    clearInterval(keepAlive);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    act((signal) => child.kill(signal), line);
  });
  const [status, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (...end) => resolve(end)),
  );
  return { status, signal, lines, errors };
}

const onReady = (signal: NodeJS.Signals) => (kill: (signal: NodeJS.Signals) => void, line: string) => {
  if (line === 'ready') kill(signal);
};

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  '%s aborts the work, whose status is the exit status',
  async (signal) => {
    const end = await run(
      `console.log('ready'); await aborted(signal); console.log(signal.reason.message); return 3;`,
      onReady(signal),
    );
    expect(end).toMatchObject({ status: 3, lines: ['ready', `${signal}: ending`, `ended by ${signal}`], errors: '' });
  },
);

test('work that ends by itself leaves no handler behind', async () => {
  const end = await run('return process.listenerCount("SIGTERM") * 10 + 4;', () => {});
  expect(end).toMatchObject({ status: 14, lines: [] });
  const after = await run('setImmediate(() => console.log(process.listenerCount("SIGTERM"))); return 4;', () => {});
  expect(after).toMatchObject({ status: 4, lines: ['0'] });
});

test('work that does not end in time is ended', async () => {
  const work = `console.log('ready'); await new Promise(() => {});`;
  const end = await run(work, onReady('SIGTERM'), '{ limitMs: 20, lateStatus: 5 }');
  expect(end).toMatchObject({ status: 5, lines: ['ready', 'SIGTERM: ending', 'not done within 0.02 s, ending now'] });
});

test('a Ctrl-C that npm passes on as well is one signal', async () => {
  const work = `console.log('ready'); await aborted(signal); process.kill(process.pid, 'SIGINT');
    await new Promise(setImmediate); await new Promise(setImmediate); return 0;`;
  expect(await run(work, onReady('SIGINT'))).toMatchObject({ status: 0, lines: ['ready', 'SIGINT: ending'] });
});

test('an error that nobody caught ends the work, and shows none of its properties', async () => {
  const work = `setImmediate(() => Promise.reject(Object.assign(new Error('lost'), { detail: 'hush' })));
    await aborted(signal); return 0;`;
  const end = await run(work, () => {});
  expect(end).toMatchObject({ status: 1, lines: ['unexpected error: lost', 'ending because of it'], errors: '' });
});
