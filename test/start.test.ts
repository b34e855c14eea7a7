// How the process starts, whatever starts it: with processes of its own, since what is set holds for a whole process.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** Starts a file of the program beside `script`, which runs first. */
function startBeside(script: string, args: string[], file = main) {
  const beside = `data:text/javascript,${encodeURIComponent(script)}`;
  const child = spawn(process.execPath, ['--import', beside, file, ...args], { env: { PATH: process.env['PATH'] } });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  return new Promise<{ code: number | null; pid: number | undefined; stdout: string; stderr: string }>(
    (resolve, reject) => {
      child.once('error', reject).once('close', (code) => resolve({ code, pid: child.pid, ...said }));
    },
  );
}

test('each address of a name has seconds to connect, for the API and for Postgres', async () => {
  const { stdout } = await startBeside(
    `import net from 'node:net';
    process.on('exit', () => console.log(net.getDefaultAutoSelectFamilyAttemptTimeout()));`,
    ['status', '--help'],
  );
  expect(stdout).toMatch(/\n3000\n$/);
});

test.each(['run', 'demo --conversations many'])(
  '%s keeps its memory small, whatever starts it: the same process, with flags and arguments',
  async (command) => {
    const { pid, stdout } = await startBeside(
      `process.on('exit', () => {
        const { pid, execArgv, argv, env } = process;
        console.log(JSON.stringify({ pid, execArgv, args: argv.slice(2), arenas: env.MALLOC_ARENA_MAX }));
      });`,
      command.split(' '),
    );
    expect(JSON.parse(stdout)).toEqual({
      pid,
      execArgv: ['--max-semi-space-size=4', '--heap-growing-percent=60', '--import', expect.any(String)],
      args: command.split(' '),
      arenas: '1',
    });
  },
);

test('the image has these flags from the beginning', async () => {
  const dockerfile = await readFile(new URL('../Dockerfile', import.meta.url), 'utf8');
  const [, ...flags] = JSON.parse(/^ENTRYPOINT (\[.+\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  expect(flags).toEqual(['--max-semi-space-size=4', '--heap-growing-percent=60', 'dist/main.js']);
  expect(dockerfile).toMatch(/^ENV MALLOC_ARENA_MAX=1$/m);
});

/** The first file alone: whatever it imports is not there. */
async function firstFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'start-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'main.mjs');
  await writeFile(file, stripTypeScriptTypes(await readFile(main, 'utf8')));
  return file;
}

const asNode = (version: string) =>
  `Object.defineProperty(process, 'versions', { value: { node: '${version}' } });
  Object.defineProperty(process, 'version', { value: 'v${version}' });`;

test.each(['16.20.2', '20.20.2', '22.18.0'])('Node %s is too old: one sentence, before any import', async (version) => {
  const { code, stdout, stderr } = await startBeside(asNode(version), ['sync'], await firstFile());
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: '',
    stderr: `conversation-sync needs Node 22.19 or later; this is v${version}\n`,
  });
});

test.each(['22.19.0', '24.0.0', '26.1.0'])('Node %s is new enough: the program is imported', async (version) => {
  const { code, stderr } = await startBeside(asNode(version), ['status'], await firstFile());
  expect(code).toBe(1);
  expect(stderr).toMatch(/Cannot find module .*process\.ts/);
});

test('what is said of Node is what the package says', async () => {
  const { engines } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  expect(engines.node).toBe('>=22.19');
});
