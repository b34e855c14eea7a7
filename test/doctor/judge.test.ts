// Facts → findings, where no server at hand shows them: certificates about to expire, full servers, standbys.

import { describe, expect, test } from 'vitest';
import { judgeClock, judgeConnection, judgeTls, type NamedPath } from '../../src/doctor/judge-api.ts';
import {
  judgeConnected,
  judgeDisk,
  judgeEmbedded,
  judgeEncoding,
  judgeEncryption,
  judgeMigrations,
  judgeRights,
  judgeRoom,
  judgeVersion,
  judgeWrites,
} from '../../src/doctor/judge-database.ts';
import type { Certificate } from '../../src/doctor/network-path.ts';
import { translate } from '../../src/postgres/errors.ts';
import type { RightsFacts, RoomFacts, ServerFacts } from '../../src/postgres/examine.ts';

const path: NamedPath = { host: 'intelligence.twilio.com', port: 443, secure: true, proxy: null, named: null };
const now = Date.parse('2026-06-01T00:00:00Z');
const certificate: Certificate = {
  trouble: null,
  issuer: 'DigiCert',
  expiresAtMs: now + 90 * 86_400_000,
  protocol: 'TLSv1.3',
};
const server: ServerFacts = {
  version: 180_001,
  versionText: '18.1',
  encoding: 'UTF8',
  standby: false,
  readOnly: false,
  now: 0,
};
const rights: RightsFacts = {
  user: 'worker',
  database: 'calls',
  mayCreate: false,
  schemas: ['twilio', 'twilio_sync'],
  migrated: true,
  lacking: [],
  unreadable: false,
  secured: [],
  securedForOthers: [],
  foreign: 0,
};
const room: RoomFacts = {
  max: 100,
  reserved: 3,
  used: 10,
  userLimit: -1,
  userUsed: 5,
  databaseLimit: -1,
  databaseUsed: 5,
};

const anyServer = { rejectUnauthorized: false };

test.each<[string, object, string | null, object]>([
  ['/run/postgresql', { ssl: false }, null, { mark: 'ok' }],
  ['localhost', { ssl: false }, null, { mark: 'ok' }],
  ['10.0.0.5', { ssl: false }, null, { mark: 'warn', found: expect.stringContaining('in clear') }],
  ['db', { ssl: anyServer }, 'TLSv1.3', { mark: 'ok', found: expect.stringContaining('is not verified') }],
  [
    'db',
    { ssl: false, optionalTls: { first: 'tls', options: anyServer } },
    'TLSv1.3',
    { mark: 'ok', found: expect.stringContaining('is not verified') },
  ],
  [
    'db',
    { ssl: { ca: 'x', checkServerIdentity: () => undefined } },
    'TLSv1.3',
    { mark: 'ok', found: expect.stringContaining('its name is not') },
  ],
  ['db', { ssl: { ca: 'x' } }, 'TLSv1.3', { mark: 'ok', found: expect.stringMatching(/certificate and name are/) }],
])('encryption to %s by %o, %s', (host, tls, version, finding) => {
  expect(judgeEncryption({ host, ...tls }, version)).toMatchObject({ check: 'encryption', ...finding });
});

test.each<[Partial<Certificate>, object]>([
  [{}, { mark: 'ok', found: 'TLSv1.3, certificate valid until 2026-08-30, issued by DigiCert' }],
  [{ expiresAtMs: now + 2 * 86_400_000 }, { mark: 'warn', found: expect.stringContaining('expires in 2 days') }],
  [
    { trouble: 'CERT_HAS_EXPIRED', expiresAtMs: now - 1 },
    { mark: 'fail', passing: true, todo: expect.stringContaining('2026-06-01T00:00Z') },
  ],
  [
    { trouble: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    { mark: 'fail', passing: false, found: expect.stringContaining('another host') },
  ],
  [
    { trouble: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', issuer: 'Zscaler' },
    { mark: 'fail', found: expect.stringContaining('issued by Zscaler') },
  ],
  [{ expiresAtMs: Number.NaN }, { mark: 'ok' }],
])('a certificate: %j', (changed, finding) => {
  expect(judgeTls(path, { ...certificate, ...changed }, now)).toMatchObject(finding);
});

test('a certificate of tomorrow', () => {
  const judged = judgeTls(path, { ...certificate, trouble: 'CERT_NOT_YET_VALID' }, now);
  expect(judged.found).toBe('the certificate is not valid yet, issued by DigiCert (CERT_NOT_YET_VALID)');
});

test('a proxy that forbids the host', () => {
  expect(judgeConnection({ ...path, proxy: 'proxy:3128' }, null, 502)).toMatchObject({ mark: 'fail', passing: true });
  const judged = judgeConnection({ ...path, proxy: 'proxy:3128' }, null, 403);
  expect(judged).toMatchObject({ mark: 'fail', passing: false, found: expect.stringContaining('(403)') });
});

test.each([
  [0.4, 'ok', 'are the same'],
  [-20, 'ok', '20 s apart'],
  [31, 'warn', '31 s behind'],
  [-3600, 'warn', '60 min ahead of'],
  [86_400, 'warn', '24 h behind'],
])('a clock %d s ahead of ours', (ahead, mark, says) => {
  expect(judgeClock('clock', "the API's", ahead)).toMatchObject({ mark, found: expect.stringContaining(says) });
});

describe('the connection', () => {
  const failing = (code: string) => {
    const error = translate(Object.assign(new Error('as the driver says'), { code }));
    return judgeConnected('calls at db port 5432 as worker', error instanceof Error ? error : new Error());
  };
  test.each([
    ['28P01', false, 'user and password'],
    ['28000', false, 'pg_hba.conf'],
    ['3D000', false, 'name at the end'],
    ['ECONNREFUSED', true, 'Is the server running'],
    ['ENOTFOUND', true, 'Correct the host'],
    ['ETIMEDOUT', true, 'firewall'],
    ['SELF_SIGNED_CERT_IN_CHAIN', false, 'sslrootcert'],
    ['53300', true, 'All connections are in use'],
    ['57P03', true, 'starting'],
  ])('%s', (code, passing, todo) => {
    expect(failing(code)).toMatchObject({ mark: 'fail', passing, todo: expect.stringContaining(todo) });
  });
});

test('the server', () => {
  expect(judgeVersion(server).mark).toBe('ok');
  expect(judgeVersion({ ...server, version: 139_999, versionText: '13.23' })).toMatchObject({
    mark: 'fail',
    found: 'Postgres 13.23',
  });
  expect(judgeEncoding(server, 'calls').mark).toBe('ok');
  expect(judgeEncoding({ ...server, encoding: 'LATIN1' }, 'my "calls"').todo).toContain(
    'create database "my ""calls""_utf8" encoding',
  );
  expect(judgeWrites(server).mark).toBe('ok');
  expect(judgeWrites({ ...server, standby: true, readOnly: true })).toMatchObject({ mark: 'fail', passing: true });
  expect(judgeWrites({ ...server, readOnly: true })).toMatchObject({ mark: 'fail', passing: false });
});

test('rights, and migrations that need them', () => {
  expect(judgeRights(rights)).toMatchObject({ mark: 'ok', found: 'worker may sync and migrate' });
  expect(judgeRights({ ...rights, foreign: 3 })).toMatchObject({
    mark: 'ok',
    found: 'worker may sync; the owner of the tables migrates',
  });
  const lacking = ['usage on schema twilio', 'a', 'b', 'c', 'd'];
  expect(judgeRights({ ...rights, user: 'Wörker 1', lacking })).toMatchObject({
    mark: 'fail',
    found: 'Wörker 1 lacks usage on schema twilio, a, b and 2 more',
    todo: expect.stringContaining('to "Wörker 1";'),
  });
  const empty = { ...rights, schemas: [] };
  expect(judgeRights(empty).todo).toContain('grant create on database "calls" to "worker";');
  expect(judgeRights({ ...empty, mayCreate: true }).mark).toBe('ok');

  const none = { missing: 0, newer: 0, occupying: [], dependants: [] };
  expect(judgeMigrations(none, rights).mark).toBe('ok');
  expect(judgeMigrations({ ...none, missing: 1 }, rights)).toMatchObject({ mark: 'warn', found: '1 is missing' });
  expect(judgeMigrations({ ...none, missing: 2 }, { ...rights, foreign: 1 })).toMatchObject({
    mark: 'fail',
    passing: false,
  });
  expect(judgeMigrations({ ...none, missing: 2 }, { ...empty, mayCreate: true }).mark).toBe('warn');
  expect(judgeMigrations({ ...none, newer: 2 }, rights)).toMatchObject({ mark: 'fail', passing: false });
  expect(judgeMigrations({ ...none, missing: 9, occupying: ['table twilio.other'] }, rights)).toMatchObject({
    mark: 'fail',
    passing: false,
    found: expect.stringMatching(/did not make: table twilio.other$/),
  });
  expect(judgeMigrations({ ...none, missing: 1, dependants: ['mart.v'] }, rights)).toMatchObject({
    mark: 'warn',
    found: expect.stringContaining('views of yours depend on the tables: mart.v'),
  });
});

test.each<[Partial<RoomFacts>, boolean, object]>([
  [{}, false, { mark: 'ok', found: '87 free (max_connections = 100, 3 of them reserved, 10 used)' }],
  [{ used: 92 }, false, { mark: 'warn', found: expect.stringMatching(/^5 free/) }],
  [{ used: 92 }, true, { mark: 'ok' }],
  [{ used: 99 }, false, { mark: 'warn', found: expect.stringMatching(/^0 free/) }],
  [{ userLimit: 8 }, false, { mark: 'warn', found: '3 free (this user may have 8 and has 5)' }],
  [{ databaseLimit: 6 }, false, { mark: 'warn', found: '1 free (this database may have 6 and has 5)' }],
  [{ userLimit: 50, databaseLimit: 40 }, false, { mark: 'ok', found: expect.stringMatching(/^35 free/) }],
])('room: %j, a worker at it: %j', (changed, workerRuns, finding) => {
  expect(judgeRoom({ ...room, ...changed }, workerRuns)).toMatchObject(finding);
});

test('the embedded one', () => {
  const facts = { folder: '/data', made: false, connection: null, obstacle: null, freeBytes: 5e9 };
  expect(judgeEmbedded(facts)).toMatchObject({
    mark: 'ok',
    found: expect.stringContaining('the first command creates it'),
  });
  expect(judgeEmbedded({ ...facts, made: true }).found).toContain('the next command starts it');
  expect(judgeEmbedded({ ...facts, connection: {} }).found).toContain('running');
  expect(judgeEmbedded({ ...facts, obstacle: 'closed' })).toMatchObject({
    mark: 'fail',
    passing: false,
    todo: 'closed',
  });
  expect(judgeDisk(facts).mark).toBe('ok');
  expect(judgeDisk({ ...facts, freeBytes: 4e8 })).toMatchObject({ mark: 'warn', found: 'only 0.4 GB free at /data' });
});
