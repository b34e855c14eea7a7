// `forget` as a person uses it: what it says, what it asks, and what it then does.

import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetOptions } from '../../src/cli/arguments.ts';
import { forget } from '../../src/cli/commands/forget.ts';
import { exportTo, importFrom, undo } from '../../src/cli/commands/tombstones.ts';
import { UsageError } from '../../src/cli/exit-status.ts';
import type { DatabaseConfig } from '../../src/config/config.ts';
import { createMask } from '../../src/sync/mask.ts';
import { dumpOf, foundIn } from '../dump.ts';
import { World } from '../world.ts';

let world: World;
let config: DatabaseConfig;
let folder: string;

beforeAll(async () => {
  world = await World.open();
  const person = (id: string, address: string) => ({ id, type: 'CUSTOMER', addressValues: [address] });
  world.source.create({ participants: [person('a', '+4915550999'), person('b', '+4915550888')] });
  for (const address of ['+4915550999', 'whatsapp:+4915550999', '+4915550777'])
    world.source.create({ participants: [person('a', address)] });
  world.nowMs += 60_000;
  await world.sync();
  config = { kind: 'server', schema: 'twilio', connection: { ...world.database.connection, schema: 'twilio' } };
  folder = await mkdtemp(join(tmpdir(), 'forget-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  await world[Symbol.asyncDispose]();
});

/** Somebody at a terminal who answers this; null: nobody. */
function terminalOf(answer: string | null) {
  const lines: string[] = [];
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return answer;
  };
  return { lines, asked, write: (line: string) => lines.push(line), ask, progress: process.stderr, interactive: false };
}

const stored = async () => (await world.pool.query('select from twilio.conversations')).rowCount;
const noMask = createMask({ omit: [], hash: [], key: '' });
const address = { ids: [], addresses: ['+4915550999'], mask: noMask };

test('what it takes together, and what it refuses', () => {
  const usual = { undo: false, dryRun: false, yes: false };
  expect(forgetOptions({ ...usual, id: ['a', 'a'], address: ['b'] })).toMatchObject({
    ...{ kind: 'erase', ids: ['a'], addresses: ['b'] },
  });
  expect(forgetOptions({ ...usual, undo: true, id: ['a'] })).toEqual({ kind: 'undo', ids: ['a'] });
  expect(forgetOptions({ ...usual, export: '-' })).toMatchObject({ kind: 'export', path: '-' });
  expect(forgetOptions({ ...usual, import: 'x', yes: true })).toMatchObject({ kind: 'import', path: 'x', yes: true });
  for (const wrong of [
    {},
    { undo: true },
    { undo: true, address: ['a'] },
    { id: ['a'], export: '-' },
    { export: '-', import: '-' },
  ])
    expect(() => forgetOptions({ ...usual, ...wrong })).toThrow(UsageError);
});

describe('an address', () => {
  test('a dry run says what there is, and erases nothing', async () => {
    const terminal = terminalOf(null);
    expect(await forget(config, { ...address, dryRun: true, yes: false }, terminal)).toBe(0);
    expect(terminal.lines).toEqual([
      expect.stringMatching(/^These addresses take part in 2 conversations: 2 rows of conversations, /),
      'In 1 of them, other customers take part too: what they said is erased as well.',
      'Not erased unless it is named too: whatsapp:+4915550999, in 1 conversation.',
    ]);
    expect(await stored()).toBe(4);
  });

  test('it asks, and erases only after a yes', async () => {
    const no = terminalOf('n');
    expect(await forget(config, { ...address, dryRun: false, yes: false }, no)).toBe(1);
    expect(no.lines.at(-1)).toBe('Nothing was erased.');
    await expect(forget(config, { ...address, dryRun: false, yes: false }, terminalOf(null))).rejects.toThrow(/--yes/);
    expect(await stored()).toBe(4);
    const yes = terminalOf('y');
    expect(await forget(config, { ...address, dryRun: false, yes: false }, yes)).toBe(0);
    expect(yes.asked).toEqual([
      'Erase these conversations from the database for good, and never store them again? [y/N] ',
    ]);
    expect(yes.lines.at(-1)).toMatch(/^Erased 2 conversations of these addresses, \d+ rows in all\.$/);
    expect(await stored()).toBe(2);
  });

  test('the person whom nothing is stored of is told so, with the address alone', async () => {
    const terminal = terminalOf(null);
    expect(await forget(config, { ...address, dryRun: false, yes: true }, terminal)).toBe(0);
    expect(terminal.lines).toContain('Erased 0 conversations of these addresses, 0 rows in all.');
  });
});

describe('under a mask', () => {
  test('an address that is not stored finds nothing, and that is said', async () => {
    const mask = createMask({ omit: ['addresses'], hash: [], key: '' });
    const wanted = { ...address, mask, dryRun: true, yes: false };
    await expect(forget(config, wanted, terminalOf(null))).rejects.toThrow(/SYNC_OMIT=addresses/);
  });

  test('a hashed address is hashed; one that is not hashed yet is found too, and other forms are named', async () => {
    const mask = createMask({ omit: [], hash: ['addresses'], key: 'k'.repeat(32) });
    await using hashed = await World.open();
    const hash = mask.hash('+4915550999');
    for (const each of [hash, '+4915550999', mask.hash('whatsapp:+4915550999'), mask.hash('+4915550888')])
      hashed.source.create({ participants: [{ id: 'a', type: 'CUSTOMER', addressValues: [each] }] });
    hashed.nowMs += 60_000;
    await hashed.sync();
    const terminal = terminalOf(null);
    const connection = { ...hashed.database.connection, schema: 'twilio' };
    const wanted = { ...address, mask, dryRun: false, yes: true };
    expect(await forget({ kind: 'server', schema: 'twilio', connection }, wanted, terminal)).toBe(0);
    expect(terminal.lines).toEqual([
      expect.stringMatching(/^These addresses take part in 2 conversations/),
      'Not erased unless it is named too: whatsapp:+4915550999, in 1 conversation.',
      expect.stringMatching(/^Erased 2 conversations/),
    ]);
    const dump = await dumpOf(hashed.pool);
    expect(foundIn(dump, [hash, '4915550999'])).toEqual([]);
    expect((await hashed.pool.query('select from twilio.conversations')).rowCount).toBe(2);
  });
});

test('tombstones go to a file that only its owner reads, come back from it, and are lifted one by one', async () => {
  const path = join(folder, 'tombstones.json');
  expect(await exportTo(config, path, terminalOf(null))).toBe(0);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(path, 'utf8')).tombstones).toHaveLength(2);
  const shown = terminalOf(null);
  await exportTo(config, '-', shown);
  expect(`${shown.lines.join('')}\n`).toBe(await readFile(path, 'utf8'));

  await world.pool.query('delete from twilio_sync.tombstones');
  await world.sync({ reconcile: true });
  expect(await stored()).toBe(4);
  const dry = terminalOf(null);
  expect(await importFrom(config, { path, yes: false, dryRun: true }, dry)).toBe(0);
  expect(dry.lines).toEqual(['2 tombstones; 2 of the conversations are here.']);
  await expect(importFrom(config, { path, yes: false, dryRun: false }, terminalOf(null))).rejects.toThrow(UsageError);
  expect(await stored()).toBe(4);
  expect(await importFrom(config, { path, yes: true, dryRun: false }, terminalOf(null))).toBe(0);
  expect(await stored()).toBe(2);

  const [id = '', , , other = ''] = world.source.ids();
  const terminal = terminalOf(null);
  expect(await undo(config, [id, other], terminal)).toBe(1);
  expect(terminal.lines).toEqual([expect.stringMatching(`^${id}: no longer kept out`), `${other}: was not forgotten`]);
  await world.sync({ reconcile: true });
  expect(await stored()).toBe(3);
});

test('a file of something else is refused', async () => {
  const path = join(folder, 'other.json');
  for (const text of ['', '{}', '{"format": "conversation-sync tombstones 2", "keys": [], "tombstones": []}']) {
    await writeFile(path, text);
    await expect(importFrom(config, { path, yes: true, dryRun: false }, terminalOf(null))).rejects.toThrow(UsageError);
  }
});
