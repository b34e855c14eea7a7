// What is said of a reader: where it connects, and what of its password. Arguments that cannot be right are refused first.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeGranted, grantReaderCommand, urlOf } from '../../src/cli/commands/grant-reader.ts';
import { type Connection, connectionOf, parametersOfUrl } from '../../src/config/connection-string.ts';
import { certificate } from '../twilio/test-certificate.ts';

const connectionTo = (url: string): Connection =>
  connectionOf(
    parametersOfUrl(url) ?? {},
    () => certificate,
    () => {},
  );

test.each([
  ['postgres://u:secret@db.example:5433/calls', 'postgresql://bi@db.example:5433/calls'],
  ['postgres://u:secret@[::1]/calls', 'postgresql://bi@[::1]:5432/calls'],
  ['postgres://u:secret@/calls?host=/run/pg', 'postgresql://bi@:5432/calls?host=%2Frun%2Fpg'],
  ['postgres://u:secret@h/a%20b?sslmode=require', 'postgresql://bi@h:5432/a%20b?sslmode=require'],
  ['postgres://u:secret@h/c?sslmode=no-verify', 'postgresql://bi@h:5432/c?sslmode=require'],
  ['postgres://u:secret@h/c?sslmode=verify-full', 'postgresql://bi@h:5432/c?sslmode=verify-full'],
  ['postgres://u:secret@h/c?sslmode=verify-ca&sslrootcert=/x', 'postgresql://bi@h:5432/c?sslmode=verify-ca'],
])('beside %s a reader connects to %s', (own, readers) => {
  expect(urlOf('bi', connectionTo(own))).toBe(readers);
});

test('a role of any name survives the URL and the shell', () => {
  const name = `o'clock "B&I" @ 5/ü`;
  const url = urlOf(name, connectionTo('postgres://u@h/c'));
  expect(url).not.toMatch(/['" ]/);
  expect(parametersOfUrl(url)?.user).toBe(name);
});

test('a password is shown when it is new and nobody knows it', () => {
  const said = (created: boolean, passwordSet: boolean, password: string | null) =>
    describeGranted({
      role: 'bi',
      schema: 'twilio',
      granted: { created, passwordSet, warnings: ['it is odd'] },
      password,
      connection: connectionTo('postgres://u@h/c'),
    });
  expect(said(true, true, 'generated')[1]).toContain('generated');
  expect(said(false, true, 'generated')[1]).toContain('generated');
  expect(said(false, false, 'generated').join()).not.toContain('generated');
  expect(said(false, false, 'generated')[1]).toContain('--new-password');
  expect(said(true, true, null)[1]).toContain('in the file');
  expect(said(true, true, null).at(-1)).toBe('Warning: it is odd.');
});

test('passwords that cannot be used are refused before anything is asked, and not quoted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'password-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = async (text: string) => {
    const path = join(folder, 'password');
    await writeFile(path, text);
    return path;
  };
  const options = { newPassword: false, print: false };
  const given = (passwordFile: string) => grantReaderCommand('bi', { ...options, passwordFile });
  for (const text of ['', '\n', 'two\nlines', 'tab\there', 'Straße'])
    await expect(async () => given(await file(text))).rejects.toThrow(/printable ASCII/);
  await expect(async () => given(await file('Straße'))).rejects.not.toThrow(/Straße/);
  for (const text of ['good', 'with spaces, too\r\n', 'ends\n']) expect(given(await file(text))).toBeTypeOf('function');
  expect(() => given(join(folder, 'absent'))).toThrow(/cannot be read \(ENOENT\)/);
  expect(() => grantReaderCommand('bi', { ...options, passwordFile: 'x', newPassword: true })).toThrow(/use either/);
  expect(() => grantReaderCommand('pg_bi', options)).toThrow(/reserved by Postgres/);
});
