// What README.md, docs/deploy.md and docs/troubleshooting.md say that can be held against the code without a database.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from '../src/cli/cli.ts';
import { exitStatus } from '../src/cli/exit-status.ts';
import { ConfigError, readConfig } from '../src/config/config.ts';
import { translate } from '../src/postgres/errors.ts';
import { LeaseHeld } from '../src/postgres/while-leased.ts';
import { roomOf } from '../src/sync/room.ts';
import { Unauthorized, Unavailable, unreachable } from '../src/twilio/errors.ts';
import { blocks, codes, documentOf, documents, root } from './readme.ts';

const readme = documentOf('README.md');
const deploy = documentOf('docs/deploy.md');
const troubleshooting = documentOf('docs/troubleshooting.md');

/** What `--help` of a command prints. */
async function helpOf(...argv: string[]): Promise<string> {
  const lines: string[] = [];
  const terminal = {
    write: (line: string) => lines.push(line),
    progress: process.stderr,
    interactive: false,
    ask: async () => null,
  };
  await parse([...argv, '--help'], { env: {}, terminal, logStream: { write() {} } }).catch(() => {});
  return lines.join('\n');
}

async function commandNames(): Promise<string[]> {
  const [, list = ''] = (await helpOf()).split('Commands:\n');
  return Array.from(list.matchAll(/^ {2}([a-z-]+) /gm), ([, name = '']) => name).filter((name) => name !== 'help');
}

test('every command is explained', async () => {
  const documented = readme.table('Commands').flatMap(([first = '']) => codes(first).map((code) => code.split(' ')[0]));
  expect([...new Set(documented)].sort()).toEqual((await commandNames()).sort());
});

test('options are those of the command that they stand by', async () => {
  for (const [first = '', second = ''] of readme.table('Commands')) {
    const help = await helpOf(codes(first)[0]?.split(' ')[0] ?? '');
    for (const option of codes(`${first} ${second}`)
      .join(' ')
      .match(/--[a-z-]+/g) ?? [])
      expect(help).toContain(option);
  }
});

test.each(documents)('commands in %s are there, with their options', async (path) => {
  const { text } = documentOf(path);
  const names = await commandNames();
  const shell = blocks(text, 'sh').flatMap((block) => block.split('\n'));
  for (const line of [...shell, ...codes(text.replace(/^```.*?^```$/gms, ''))]) {
    const [, ours, words = line] =
      /^(.*main\.js|conversation-sync|npm run --silent cli --) ([a-z-]+.*)$/.exec(line) ?? [];
    const [name = ''] = words.split(' ');
    if (ours !== undefined) expect(names, line).toContain(name);
    if (!names.includes(name)) continue;
    const help = await helpOf(name);
    for (const option of words.match(/--[a-z-]+/g) ?? []) expect(help, line).toContain(`${option} `);
  }
});

test('exit statuses', () => {
  expect(readme.table('Exit statuses').map(([status]) => Number(status))).toEqual(Object.values(exitStatus).sort());
});

test('README.md is one that is read to its end', () => {
  expect(readme.text.split('\n').length).toBeLessThanOrEqual(200);
});

test('the largest conversation at each memory limit', () => {
  for (const [limit = '', largest = ''] of deploy.table('Container')) {
    const { maxBytes } = roomOf(megabytesOf(limit));
    expect(maxBytes, limit).toBe(megabytesOf(largest));
    if (limit.includes('or more')) expect(roomOf(Number.MAX_SAFE_INTEGER).maxBytes).toBe(maxBytes);
  }
});

function megabytesOf(text: string): number {
  const [, megabytes] = /(\d+) MB/.exec(text) ?? [];
  return Number(megabytes) * 1_000_000;
}

test('every sslmode', () => {
  const [, taken = ''] =
    /sslmode takes ([\w, -]+), not/.exec(problemsOf({ DATABASE_URL: 'postgres://u@h/d?sslmode=x' })) ?? [];
  expect(deploy.table('TLS').flatMap(([mode = '']) => codes(mode))).toEqual(taken.split(', '));
});

test('paths that probes ask', () => {
  const manifest = readFileSync(new URL('deploy/kubernetes/worker.yaml', root), 'utf8');
  const asked = Array.from(manifest.matchAll(/httpGet: \{ path: (\S+),/g), ([, path = '']) => path);
  const served = deploy.table('Health').flatMap(([path = '']) => codes(path));
  expect(asked).toHaveLength(2);
  const http = readFileSync(new URL('src/server/http.ts', root), 'utf8');
  for (const path of asked) {
    expect(served).toContain(path);
    expect(http).toContain(`app.get('${path}'`);
  }
});

test('messages are those of the program', () => {
  const codeOf = (code: string, fields = {}) => Object.assign(new Error('as the driver says'), { code, ...fields });
  const place = { address: '127.0.0.1', port: 5432 };
  const said = [
    problemsOf({ SYNC_LOOKBACK: '3days', SYNC_SCEDULE: '* * * * *' }),
    new Unauthorized('GET x', 401, 20003).message,
    ...['ECONNREFUSED', 'UND_ERR_BODY_TIMEOUT', 'ENOTFOUND', 'CERT_HAS_EXPIRED'].map(
      (code) => unreachable('GET x', codeOf(code)).message,
    ),
    new Unavailable('GET x', 429, 10).message,
    new Unavailable('GET x', 503, 5).message,
    messageOf(translate(codeOf('ECONNREFUSED', place))),
    ...['28P01', '3D000', '42501', '42P01', '25006', '53100'].map((code) => messageOf(translate(codeOf(code)))),
    new LeaseHeld('run on host, process 1', 30_000).message,
    ...sources(),
  ];
  const sections = ['Out of sync', 'Conversations', 'Settings', 'API', 'Database'];
  const fragments = sections.flatMap((title) => troubleshooting.table(title)).flatMap(([says = '']) => codes(says));
  expect(fragments.length).toBeGreaterThan(25);
  for (const fragment of fragments) {
    for (const part of fragment.split('…')) {
      expect(
        said.some((text) => text.includes(part.trim())),
        fragment,
      ).toBe(true);
    }
  }
});

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function problemsOf(env: Record<string, string>): string {
  try {
    readConfig(env, () => '');
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** What messages are made of is in the sources as it is, where it names nothing. */
function sources(): string[] {
  const folder = new URL('src/', root);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(new URL(path, folder), 'utf8'));
}
