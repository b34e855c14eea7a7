// What README.md says that can be held against the code without a database.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Unauthorized, Unavailable } from '../src/api/errors.ts';
import { unreachable } from '../src/api/trouble.ts';
import { parse } from '../src/cli.ts';
import { ConfigError, readConfig } from '../src/config.ts';
import { exitStatus } from '../src/exit-status.ts';
import { translate } from '../src/store/errors.ts';
import { LeaseHeld } from '../src/store/tenure.ts';
import { codes, root, table } from './readme.ts';

test('commands and their options', async () => {
  const helpOf = async (...argv: string[]) => {
    const lines: string[] = [];
    const terminal = {
      write: (line: string) => lines.push(line),
      progress: process.stderr,
      interactive: false,
      ask: async () => null,
    };
    await parse([...argv, '--help'], { env: {}, terminal, logStream: { write() {} } }).catch(() => {});
    return lines.join('\n');
  };
  const [, list = ''] = (await helpOf()).split('Commands:\n');
  const real = Array.from(list.matchAll(/^ {2}([a-z-]+) /gm), ([, name = '']) => name).filter(
    (name) => name !== 'help',
  );
  const rows = table('Commands').map(([first = '', second = '']) => ({
    first: codes(first),
    all: codes(`${first} ${second}`),
  }));
  const documented = rows.flatMap(({ first }) => first.map((code) => code.split(' ')[0]));
  expect([...new Set(documented)].sort()).toEqual(real.sort());
  for (const { first, all } of rows) {
    const help = await helpOf(first[0]?.split(' ')[0] ?? '');
    for (const option of all.join(' ').match(/--[a-z-]+/g) ?? []) expect(help).toContain(option);
  }
});

test('exit statuses', () => {
  expect(table('Exit statuses').map(([status]) => Number(status))).toEqual(Object.values(exitStatus).sort());
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
  const fragments = table('When something is wrong').flatMap(([says = '']) => codes(says));
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
