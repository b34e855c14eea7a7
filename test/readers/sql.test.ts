// What is sent for a reader, and who is refused to be one, by what is known of the role. What it does is in reader.pg.test.ts.

import { describe, expect, test } from 'vitest';
import { ReaderRefused, type RoleFacts, refuse, refuseName, warningsOf } from '../../src/readers/grant.ts';
import { type ReaderPlan, readerScript, readerStatements } from '../../src/readers/sql.ts';

const plan: ReaderPlan = {
  role: 'bi',
  schema: 'twilio',
  anonymous: null,
  exists: false,
  verifier: 'SCRAM-SHA-256$…',
  database: 'conversations',
  owners: ['owner'],
  connectClosed: false,
  settings: [],
  makesIn: [],
};

const facts: RoleFacts = {
  me: 'worker',
  database: 'conversations',
  owners: ['owner'],
  ownsOurs: false,
  connectClosed: false,
  exists: true,
  superuser: false,
  writesLease: false,
  attributes: [],
  memberOf: [],
  settings: [],
  makesIn: [],
  secured: [],
};

describe('statements', () => {
  test('a new role gets a password and limits; one that exists keeps both', () => {
    const fresh = readerStatements(plan).join('\n');
    expect(fresh).toMatch(/^create role "bi" login password 'SCRAM-SHA-256\$…'\n/);
    expect(fresh).toContain('statement_timeout');
    const again = readerStatements({ ...plan, exists: true, verifier: null }).join('\n');
    expect(again).toMatch(/^alter role "bi" login\n/);
    expect(again).toContain('default_transaction_read_only = on');
    expect(again).not.toMatch(/password|timeout/);
    expect(readerStatements({ ...plan, exists: true })[0]).toBe(`alter role "bi" login password 'SCRAM-SHA-256$…'`);
  });

  test('zone and search path are pinned, but for what is set already', () => {
    const pinned = (settings: string[]) =>
      readerStatements({ ...plan, settings }).filter((each) => /timezone|search_path/.test(each));
    const here = 'alter role "bi" in database "conversations" set';
    expect(pinned([])).toEqual([`${here} timezone = 'UTC'`, `${here} search_path = "twilio", public`]);
    expect(pinned(['timezone'])).toEqual([`${here} search_path = "twilio", public`]);
  });

  test('a role that can make tables is not given REFERENCES', () => {
    expect(readerStatements(plan).join('\n')).toContain('grant select, references on all tables');
    expect(readerStatements({ ...plan, makesIn: ['schema public'] }).join('\n')).not.toContain('references');
  });

  test('every name is quoted', () => {
    const strange = { ...plan, role: 'a"; drop', database: 'd"b', owners: ['o"w'], connectClosed: true };
    for (const statement of readerStatements(strange)) expect(statement.split('"').length % 2).toBe(1);
    const all = readerStatements(strange).join('\n');
    expect(all).toContain('create role "a""; drop" login');
    expect(all).toContain('grant connect on database "d""b" to "a""; drop"');
    expect(all).toContain('for role "o""w" in schema');
  });

  test('what it had is taken before anything is given', () => {
    const statements = readerStatements(plan);
    const last = (begin: string) => statements.findLastIndex((each) => each.startsWith(begin));
    expect(last('revoke')).toBeLessThan(statements.findIndex((each) => each.startsWith('grant')));
  });

  test('as a script: one transaction', () => {
    const lines = readerScript(plan).split('\n');
    expect(lines[0]).toMatch(/^-- /);
    expect([lines[1], lines.at(-1)]).toEqual(['begin;', 'commit;']);
    expect(lines.slice(2, -1)).toEqual(readerStatements(plan).map((each) => `${each};`));
  });
});

test.each([
  ['', /must not be empty/],
  ['a\0b', /must not be empty/],
  ['x'.repeat(64), /at most 63 bytes; this one has 64/],
  ['ü'.repeat(32), /at most 63 bytes; this one has 64/],
  ['pg_reader', /reserved by Postgres/],
  ['public', /reserved by Postgres/],
  ['none', /reserved by Postgres/],
])('no role is called %j', (name, why) => {
  expect(() => refuseName(name)).toThrow(ReaderRefused);
  expect(() => refuseName(name)).toThrow(why);
});

test.each(['bi', 'x'.repeat(63), 'Weekly "Reports", 2026', "o'clock", 'Public', 'PG_reader', 'größe', '-'])(
  'a role may be called %j',
  (name) => {
    expect(() => refuseName(name)).not.toThrow();
  },
);

test.each<[Partial<RoleFacts>, RegExp]>([
  [{ me: 'bi' }, /"bi" is the user that this program connects as: use another name/],
  [{ superuser: true }, /superuser/],
  [{ ownsOurs: true }, /owns/],
  [{ writesLease: true }, /may write twilio_sync\.lease/],
])('refused: %j', (found, why) => {
  expect(() => refuse('bi', { ...facts, ...found })).toThrow(why);
  expect(() => refuse('bi', facts)).not.toThrow();
});

test('what goes beyond reading is said', () => {
  expect(warningsOf('bi', facts)).toEqual([]);
  expect(warningsOf('bi', { ...facts, attributes: ['BYPASSRLS'], memberOf: ['staff'] })).toEqual([
    '"bi" has BYPASSRLS, which a reader does not need',
    '"bi" is a member of "staff", and has its rights too',
  ]);
  expect(warningsOf('bi', { ...facts, makesIn: ['schema public'] })).toEqual([
    expect.stringMatching(/^"bi" may create tables in schema public, so it does not see keys/),
  ]);
});
