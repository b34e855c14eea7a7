// The accounts file: what is read of it, what is refused and in which words, and that no message holds a secret.

import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { credentials, entryNames } from '../../src/config/account-entry.ts';
import { accountParts, copiesOf, readAccounts } from '../../src/config/accounts.ts';
import { ConfigError } from '../../src/config/config.ts';
import type { Environment } from '../../src/config/environment.ts';
import { rememberSecrets } from '../../src/config/secrets.ts';
import { settings } from '../../src/config/settings.ts';
import { documentOf } from '../readme.ts';

const sidOf = (digit: number) => `AC${String(digit).repeat(32)}`;
const acme = { accountSid: sidOf(1), apiKey: 'SK1', apiSecret: 'acme-secret', schema: 'twilio_acme' };
const bolt = { accountSid: sidOf(2), authToken: 'bolt-token', schema: 'twilio_bolt' };
const path = '/etc/accounts.json';

function filesOf(accounts: unknown, others: Record<string, string> = {}) {
  const text = typeof accounts === 'string' ? accounts : JSON.stringify({ accounts });
  const files: Record<string, string> = { [path]: text, ...others };
  const readFile = (name: string) => {
    const found = files[name];
    if (found === undefined) throw Object.assign(new Error(`no such file: ${name}`), { code: 'ENOENT' });
    return found;
  };
  return { files, readFile };
}

function read(accounts: unknown, env: Environment = {}, others: Record<string, string> = {}) {
  return readAccounts({ SYNC_ACCOUNTS_FILE: path, ...env }, filesOf(accounts, others).readFile);
}

/** What is said of the entries that are refused. */
const refusals = (accounts: unknown, env: Environment = {}) =>
  read(accounts, env).refused.flatMap(({ problems }) => problems.map(({ message }) => message));

/** What is said where nothing can be read. */
function failure(accounts: unknown, env: Environment = {}): string {
  try {
    read(accounts, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing';
}

describe('what is read', () => {
  test('an entry is what the environment would be, in JSON', () => {
    const entry = {
      ...acme,
      url: 'https://api.example/v3/',
      maxConcurrency: 4,
      start: '2026-01-01',
      schedule: '*/2 * * * *',
      refresh: ['1d', '2h'],
      retention: '90d',
      filters: { status: 'CLOSED', channels: ['VOICE', 'SMS'], operatorIds: 'a,b' },
      webhookSharedKey: 'shared',
    };
    const { accounts, refused } = read([entry, bolt]);
    expect(refused).toEqual([]);
    expect(accounts).toMatchObject([
      {
        sid: acme.accountSid,
        schema: 'twilio_acme',
        api: { username: 'SK1', password: 'acme-secret', url: 'https://api.example/v3', maxConcurrency: 4 },
        sync: {
          start: Date.UTC(2026, 0, 1) / 1000,
          refreshSeconds: [7200, 86_400],
          keep: { retentionSeconds: 90 * 86_400 },
          schedules: { new: '*/2 * * * *', lookback: '*/15 * * * *' },
        },
        filters: { status: 'CLOSED', channels: ['VOICE', 'SMS'], operatorIds: ['a', 'b'] },
        webhook: { sharedKey: 'shared', authToken: undefined },
      },
      {
        sid: bolt.accountSid,
        schema: 'twilio_bolt',
        api: { username: bolt.accountSid, password: 'bolt-token', url: undefined, maxConcurrency: 32 },
        webhook: { authToken: 'bolt-token' },
      },
    ]);
    expect(inspect(accounts, { depth: 9 })).not.toMatch(/acme-secret|bolt-token/);
  });

  test('each setting of an account has a name in the file, and each proof of who somebody is is refused beside it', () => {
    const ofProcess = new Set(['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS']);
    const wanted = [...settings]
      .filter(([name, { part }]) => ['api', 'filters', 'sync'].includes(part) && !ofProcess.has(name))
      .map(([name]) => name);
    const named = new Set<string>(Object.values(entryNames));
    expect(wanted.filter((name) => !named.has(name))).toEqual([]);
    const secrets = [...named].filter((name) => settings.get(name as never)?.secret);
    expect(['SYNC_HASH_KEY', 'TWILIO_ACCOUNT_SID', ...secrets].sort()).toEqual(
      [...credentials, 'SYNC_HASH_KEY', 'SYNC_HASH_KEY'].sort(),
    );
  });

  test('the environment gives the defaults, and null is as if it did not', () => {
    const env = { SYNC_START: '100d', SYNC_CHANNELS: 'VOICE', SYNC_RETENTION: '1w', SYNC_HASH_KEY: 'k'.repeat(32) };
    const { accounts } = read(
      [
        { ...acme, start: '2d', filters: { channels: null } },
        { ...bolt, retention: null, hash: ['names'] },
      ],
      env,
    );
    expect(accounts).toMatchObject([
      {
        filters: { channels: undefined },
        sync: { start: { secondsBack: 172_800 }, keep: { retentionSeconds: 604_800 } },
      },
      {
        filters: { channels: ['VOICE'] },
        sync: { start: { secondsBack: 8_640_000 }, keep: { retentionSeconds: null }, mask: { key: 'k'.repeat(32) } },
      },
    ]);
  });

  test('a secret of an entry, in either form, takes the place of the environment’s in either form', () => {
    const env = { SYNC_HASH: 'names', SYNC_HASH_KEY_FILE: '/run/common' };
    const files = { '/run/common': 'c'.repeat(32), '/run/acme': 'a'.repeat(32) };
    const { accounts } = read(
      [
        { ...acme, hashKeyFile: '/run/acme' },
        { ...bolt, hashKey: 'b'.repeat(32) },
        { ...bolt, accountSid: sidOf(3), schema: 's' },
      ],
      env,
      files,
    );
    expect(accounts.map(({ sync }) => sync.mask.key[0])).toEqual(['a', 'b', 'c']);
  });

  test('a single account, or the first, has a default for its schema', () => {
    const { schema: _, ...bare } = acme;
    expect(read([bare]).accounts[0]?.schema).toBe('twilio');
    expect(read([bare, bolt], { SYNC_SCHEMA: 'copy' }).accounts.map(({ schema }) => schema)).toEqual([
      'copy',
      'twilio_bolt',
    ]);
  });

  test('secrets in files are read again', () => {
    const { apiSecret: _, ...entry } = acme;
    const { files, readFile } = filesOf([{ ...entry, apiSecretFile: '/run/acme' }], { '/run/acme': 'before\n' });
    const [account] = readAccounts({ SYNC_ACCOUNTS_FILE: path }, readFile).accounts;
    expect(account?.api.password).toBe('before');
    files['/run/acme'] = 'after';
    expect(account?.api.current?.()).toMatchObject({ username: 'SK1', password: 'after' });
    delete files['/run/acme'];
    expect(account?.api.current?.()).toBeUndefined();
  });

  test('only what a command needs is read', () => {
    const { apiSecret: _, ...entry } = acme;
    const { readFile } = filesOf([{ ...entry, apiSecretFile: '/not/for/this/user', schedule: 'never' }]);
    expect(readAccounts({ SYNC_ACCOUNTS_FILE: path }, readFile, []).accounts).toMatchObject([
      { schema: 'twilio_acme' },
    ]);
    const { refused } = readAccounts({ SYNC_ACCOUNTS_FILE: path }, readFile, ['sync']);
    expect(refused.map(({ problems }) => problems.map(({ setting }) => setting))).toEqual([['schedule']]);
  });

  test('a version is another when the entry changes, in a secret too, and only then', () => {
    const versionOf = (...entries: object[]) => read(entries).accounts.map(({ version }) => version);
    const [first] = versionOf(acme);
    expect(versionOf(bolt, Object.fromEntries(Object.entries(acme).reverse()))[1]).toBe(first);
    expect(versionOf({ ...acme, apiSecret: 'another' })[0]).not.toBe(first);
    expect(versionOf({ ...acme, start: '400d' })[0]).not.toBe(first);
  });
});

describe('what is refused of an entry costs no other', () => {
  test.each<[string, object, string]>([
    ['no account', { accountSid: null }, 'accounts[1] (twilio_acme): accountSid is required'],
    ['a SID that is none', { accountSid: 'AC12' }, 'accounts[1] (twilio_acme): accountSid takes AC and 32'],
    ['a value', { start: 'soon' }, `accounts[1] (${sidOf(1)}, twilio_acme): start takes a date`],
    [
      'a value of a filter',
      { filters: { status: 'NEW' } },
      'filters.status takes ACTIVE, INACTIVE or CLOSED, not "NEW"',
    ],
    ['filters that are none', { filters: ['VOICE'] }, 'filters takes an object, not this list'],
    ['a name', { apiSecrt: 'x' }, 'apiSecrt is not known; did you mean apiSecret?'],
    ['a name of the environment', { SYNC_START: '1d' }, 'SYNC_START is not known; did you mean start?'],
    ['a filter beside the filters', { channels: ['SMS'] }, 'channels is not known; did you mean filters.channels?'],
    ['a setting among the filters', { filters: { start: '1d' } }, 'filters.start is not known; did you mean start?'],
    ['a name of the process', { httpPort: 80 }, 'httpPort is not known'],
    ['a form', { notify: true }, 'notify takes on or off, not true'],
    ['a list', { start: ['1d'] }, 'start takes a date'],
    ['a list of other things', { filters: { channels: ['SMS', 5] } }, 'filters.channels takes one or more of VOICE'],
    [
      'an item that is two',
      { filters: { operatorIds: ['a,b'] } },
      'filters.operatorIds takes ids, with commas, not this list',
    ],
    ['an empty list', { filters: { channels: [] } }, 'not an empty value'],
    ['an empty text', { start: '' }, 'not an empty value'],
    ['half a key', { apiSecret: null }, 'apiKey is set but apiSecret is not'],
    ['no key', { apiKey: null, apiSecret: null }, 'apiKey and apiSecret are required, or authToken'],
    ['a secret twice', { apiSecretFile: '/run/acme' }, 'apiSecret and apiSecretFile are both set: set only one'],
    ['a file', { apiSecret: null, apiSecretFile: '/gone' }, 'apiSecretFile names /gone, which cannot be read (ENOENT)'],
    ['two that exclude each other', { omit: ['names'], hash: ['names'] }, 'hash and omit both name names'],
    ['a hash without a key', { hash: ['names'] }, 'hash is set but hashKey is not'],
    ['no schema', { schema: null }, 'schema is required: only the first account has a default'],
    ['the schema of all', { schema: 'twilio_all' }, 'schema takes a name of at most 48 bytes'],
    ['a schema of bookkeeping', { schema: 'a_sync' }, 'schema takes a name of at most 48 bytes'],
    ['a schema for the anonymous', { schema: 'a_anonymous' }, 'schema takes a name of at most 48 bytes'],
    ['a long schema', { schema: 'ü'.repeat(25) }, 'schema takes a name of at most 48 bytes'],
  ])('%s', (_, change, says) => {
    const entries = [bolt, { ...acme, ...change }];
    expect(refusals(entries).join('\n')).toContain(says);
    expect(refusals(entries).filter((message) => !message.startsWith('accounts[1]'))).toEqual([]);
    expect(read(entries).accounts.map(({ sid }) => sid)).toEqual([bolt.accountSid]);
  });

  test('something that is no entry', () => {
    expect(refusals([bolt, 'acme'])[0]).toBe('accounts[1]: it takes an object');
  });

  test('every problem of an entry is said at once, and what the environment gave keeps its name', () => {
    const [said] = read([{ ...acme, start: 'soon', lookback: 'long', omit: ['names'] }], {
      SYNC_HASH: 'names',
    }).refused;
    expect(said).toMatchObject({ sid: acme.accountSid, schema: 'twilio_acme' });
    expect(said?.problems.map(({ setting }) => setting)).toEqual(['start', 'lookback', 'SYNC_HASH', 'hashKey']);
    expect(said?.problems[2]?.message).toContain('SYNC_HASH and omit both name names');
  });

  test('two with one schema, and one account twice: none of them can be meant', () => {
    const other = { ...acme, accountSid: sidOf(3) };
    expect(refusals([acme, bolt, other])).toEqual([
      `accounts[0] (${sidOf(1)}, twilio_acme): schema is also that of accounts[2]`,
      `accounts[2] (${sidOf(3)}, twilio_acme): schema is also that of accounts[0]`,
    ]);
    // Also beside one that is wrong for another reason.
    const again = { ...bolt, schema: 'elsewhere', start: 'soon' };
    expect(read([bolt, acme, again]).accounts.map(({ sid }) => sid)).toEqual([acme.accountSid]);
    const same = read([
      { ...acme, schema: null },
      { ...bolt, schema: 'twilio' },
    ]);
    expect(same.refused).toHaveLength(2);
  });

  test('the tables of an entry that is wrong are still known, but not whose they are where two say so', () => {
    const [wrong, other] = [
      { ...bolt, start: 'soon' },
      { ...acme, accountSid: sidOf(3) },
    ];
    const bolts = { sid: bolt.accountSid, schema: bolt.schema };
    expect(copiesOf(read([acme, wrong]))).toEqual([{ sid: acme.accountSid, schema: acme.schema }, bolts]);
    expect(copiesOf(read([acme, wrong, other]))).toEqual([bolts]);
  });

  test('webhooks without a key are the account’s own affair', () => {
    const env = { WEBHOOK_PORT: '9000', WEBHOOK_URL: 'https://hooks.example/twilio' };
    expect(read([acme, bolt], env).accounts.map(({ webhook }) => webhook.authToken)).toEqual([undefined, 'bolt-token']);
  });
});

describe('what is refused for all', () => {
  test.each<[string, unknown, Environment, string]>([
    ['a file that is not there', [], { SYNC_ACCOUNTS_FILE: '/gone' }, '/gone, which cannot be read (ENOENT)'],
    ['no JSON', '{"accounts": [\n{"apiSecret": "acme-secret" "a"}]}', {}, 'is not JSON in line 2'],
    ['JSON of another kind', '[]', {}, 'is no accounts file: it takes {"accounts":'],
    ['null', 'null', {}, 'is no accounts file'],
    ['more than accounts', '{"accounts": [], "acounts": []}', {}, 'and nothing beside that'],
    ['no account', [], {}, 'has no account in it'],
    [
      'an account beside the file',
      [acme],
      { TWILIO_ACCOUNT_SID: sidOf(1) },
      'TWILIO_ACCOUNT_SID and SYNC_ACCOUNTS_FILE',
    ],
    ['its key', [acme], { TWILIO_API_SECRET_FILE: '/x' }, 'TWILIO_API_SECRET_FILE and SYNC_ACCOUNTS_FILE are both set'],
    ['a webhook’s key', [acme], { WEBHOOK_SHARED_KEY: 'x' }, 'WEBHOOK_SHARED_KEY and SYNC_ACCOUNTS_FILE are both set'],
    ['a default', [{ ...acme, start: '1d' }], { SYNC_START: 'soon' }, 'SYNC_START takes a date'],
    ['a misspelt default', [acme], { SYNC_STRAT: '1d' }, 'did you mean SYNC_START?'],
  ])('%s', (_, accounts, env, says) => {
    const said = failure(accounts, env);
    expect(said).toContain(says);
    expect(said).not.toContain('acme-secret');
  });
});

test('no message holds a secret', () => {
  const secret = 'a secret';
  const names = Object.keys(entryNames).filter((name) => settings.get(entryNames[name as never])?.secret);
  const wrong = Object.fromEntries(names.map((name) => [name, secret]));
  const said = refusals([{ ...acme, ...wrong, hashKey: 'a secret', url: 'https://user:a secret@host' }]);
  expect(said.length).toBeGreaterThan(names.length - 2);
  expect(said.join('\n')).not.toContain(secret);
});

test('the log learns of every secret in the file and in the files it names, also of those of before', () => {
  const { files, readFile } = filesOf([acme, { ...bolt, authToken: null, authTokenFile: '/run/bolt' }], {
    '/run/bolt': 'bolt-before\n',
  });
  const env = { SYNC_ACCOUNTS_FILE: path, PGPASSWORD: 'database' };
  const remembered = rememberSecrets(env, readFile);
  readAccounts(env, remembered.readFile, accountParts);
  files['/run/bolt'] = 'bolt-after';
  files[path] = JSON.stringify({
    accounts: [
      { ...acme, apiSecret: 'acme-after' },
      { ...bolt, start: 7 },
    ],
  });
  const { accounts } = readAccounts(env, remembered.readFile);
  remembered.readFile('/run/bolt');
  expect(accounts).toHaveLength(1);
  const all = [...remembered.secrets];
  for (const secret of ['database', 'acme-secret', 'acme-after', 'bolt-token', 'bolt-before', 'bolt-after'])
    expect(all).toContain(secret);
  expect(all.join('\n')).not.toContain('accounts');
});

test('the example in the documents is an accounts file', () => {
  const { readFile } = filesOf(documentOf('docs/deploy.md').block('Many accounts', 'json'), {
    '/run/secrets/acme': 's',
    '/run/secrets/bolt': 't',
  });
  const { accounts, refused } = readAccounts({ SYNC_ACCOUNTS_FILE: path }, readFile, ['api', 'filters', 'sync']);
  expect(refused).toEqual([]);
  expect(accounts).toMatchObject([{ filters: { channels: ['VOICE', 'SMS'] } }, { schema: 'twilio_bolt' }]);
});
