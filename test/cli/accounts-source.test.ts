// The accounts file while a process runs: it is taken again only where it says something else, and what cannot be used is not taken.

import { expect, test } from 'vitest';
import { accountsSource } from '../../src/cli/accounts-source.ts';
import { ConfigError } from '../../src/config/config.ts';

const path = '/run/accounts.json';
const env = { SYNC_ACCOUNTS_FILE: path };
const entry = (number: number, changes: object = {}) => ({
  accountSid: `AC${String(number).repeat(32)}`,
  authToken: 'a-token',
  schema: `twilio_${number}`,
  ...changes,
});

/** A source over files that a test changes. */
function sourceOf(...accounts: object[]) {
  const files = new Map<string, string>();
  const write = (...entries: object[]) => files.set(path, JSON.stringify({ accounts: entries }));
  write(...accounts);
  let reads = 0;
  const source = accountsSource(env, (name) => {
    reads += 1;
    const text = files.get(name);
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  });
  return { source, files, write, reads: () => reads };
}

test('a file that is as it was is not taken again', () => {
  const { source, files, write } = sourceOf(entry(1), entry(2));
  expect(source.first.accounts.map(({ schema }) => schema)).toEqual(['twilio_1', 'twilio_2']);
  expect(source.reread()).toBe(null);
  files.set(path, `${files.get(path)}\n`);
  expect(source.reread()).toBe(null);
  write(entry(1), entry(3));
  expect(source.reread()?.accounts.map(({ schema }) => schema)).toEqual(['twilio_1', 'twilio_3']);
  expect(source.reread()).toBe(null);
  const [before] = source.first.accounts;
  write(entry(1, { start: '30d' }), entry(3));
  expect(source.reread()?.accounts[0]?.version).not.toBe(before?.version);
});

test('one that cannot be used is an error each time it changes, and the one after it is taken', () => {
  const { source, files, write } = sourceOf(entry(1));
  files.delete(path);
  expect(() => source.reread()).toThrow(ConfigError);
  expect(() => source.reread()).toThrow(/SYNC_ACCOUNTS_FILE/);
  files.set(path, '{"accounts": [');
  expect(() => source.reread()).toThrow(/is not JSON/);
  write(entry(1));
  expect(source.reread()).toBe(null);
  write(entry(1), entry(2));
  expect(source.reread()?.accounts).toHaveLength(2);
});

test('an entry that is wrong for want of a file is taken when the file is there', () => {
  const { authToken: _, ...withoutToken } = entry(2);
  const { source, files } = sourceOf(entry(1), { ...withoutToken, authTokenFile: '/run/token' });
  expect(source.first.refused).toHaveLength(1);
  expect(source.reread()).toBe(null);
  files.set('/run/token', 'a-token');
  expect(source.reread()).toMatchObject({ accounts: [{ schema: 'twilio_1' }, { schema: 'twilio_2' }], refused: [] });
});

test('without one account that can be worked for, nothing begins', () => {
  expect(() => sourceOf(entry(1, { start: 'soon' }))).toThrow(/accounts\[0\].*start/);
});
