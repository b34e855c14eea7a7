// The configuration: what is read, what is refused and in which words, and that nothing prints a secret.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/config.ts';
import { type Environment, findServiceLinks } from '../../src/config/environment.ts';
import { findSecrets } from '../../src/config/secrets.ts';
import { type Part, settings, settingsHelp } from '../../src/config/settings.ts';
import { certificate, privateKey } from '../twilio/test-certificate.ts';

const sid = `AC${'0a'.repeat(16)}`;
const enough = { TWILIO_ACCOUNT_SID: sid, TWILIO_AUTH_TOKEN: 'token' };

const key = createPrivateKey(privateKey);
const hashKey = 'a key with spaces, of 32 letters.';
const files: Record<string, string | Buffer> = {
  '/run/secret': 's3cret\n',
  '/run/empty': '\n',
  '/run/lines': 'a\n\n',
  '/run/ca': certificate,
  '/run/hash-key': `${hashKey}\n`,
  '/run/key': privateKey,
  '/run/encrypted-key': key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' }),
  '/run/other-key': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }),
  '/run/der': key.export({ type: 'pkcs8', format: 'der' }),
};
const clientKey = (sslcert: string, sslkey: string) => ({ PGHOST: 'h', PGSSLCERT: sslcert, PGSSLKEY: sslkey });

function readFile(path: string): string {
  const text = files[path];
  if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
  return text.toString();
}

const read = (env: Environment) => readConfig(env, readFile);

function problems(env: Environment, parts?: Part[]): string[] {
  try {
    readConfig(env, readFile, parts);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.message);
  }
}

describe('what is read', () => {
  test('two settings are enough; the rest has the documented defaults', () => {
    expect(read(enough)).toEqual({
      api: {
        accountSid: sid,
        username: sid,
        password: 'token',
        edge: undefined,
        region: undefined,
        url: undefined,
        createdFilter: 'auto',
        maxConcurrency: 32,
        proxy: { https: undefined, http: undefined, none: undefined },
      },
      accounts: { file: undefined },
      database: { kind: 'embedded', schema: 'twilio', folder: 'data/postgres' },
      filters: {
        status: undefined,
        channels: undefined,
        channelId: undefined,
        conversationConfigurationId: undefined,
        intelligenceConfigurationIds: undefined,
        operatorIds: undefined,
      },
      sync: {
        start: Date.UTC(2025, 0, 1) / 1000,
        lookbackSeconds: 3 * 86_400,
        refreshSeconds: [3600, 86_400],
        operatorResults: true,
        keep: { retentionSeconds: null, eraseDeleted: false, rereadSeconds: null },
        notify: false,
        mask: { omit: [], hash: [], key: '' },
        schedules: { new: '* * * * *', lookback: '*/15 * * * *', reconcile: '0 3 * * *' },
      },
      http: { host: '127.0.0.1', port: 8080, allowedHosts: [] },
      webhook: { port: undefined, host: '127.0.0.1', url: undefined, authToken: 'token', sharedKey: undefined },
      logLevel: 'info',
    });
  });

  test('an empty variable counts as unset', () => {
    const empty = Object.fromEntries([...settings.keys()].map((name) => [name, '']));
    expect(read({ ...empty, ...enough })).toEqual(read(enough));
  });

  test('an API key goes before the auth token', () => {
    const { api } = read({ ...enough, TWILIO_API_KEY: 'SK1', TWILIO_API_SECRET: 'secret' });
    expect([api.username, api.password]).toEqual(['SK1', 'secret']);
  });

  test('a secret comes from a file, less the line break at its end', () => {
    const { api } = read({ TWILIO_ACCOUNT_SID: sid, TWILIO_AUTH_TOKEN_FILE: '/run/secret' });
    expect(api.password).toBe('s3cret');
  });

  test.each([
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2024-02-29T01:00:00.9+01:00', Date.UTC(2024, 1, 29)],
  ])('SYNC_START %s', (text, ms) => {
    expect(read({ ...enough, SYNC_START: text }).sync.start).toBe(ms / 1000);
  });

  test.each([
    ['400d', 400],
    ['60w', 420],
  ])('SYNC_START %s, back from now', (text, days) => {
    expect(read({ ...enough, SYNC_START: text }).sync.start).toEqual({ secondsBack: days * 86_400 });
  });

  test.each([
    ['30s', 30],
    ['90m', 5400],
    ['1h', 3600],
    ['2w', 1_209_600],
  ])('a duration of %s', (text, seconds) => {
    expect(read({ ...enough, SYNC_LOOKBACK: text }).sync.lookbackSeconds).toBe(seconds);
  });

  test('lists have commas, and spaces if one likes; repeated values count once', () => {
    const { filters, sync } = read({
      ...enough,
      SYNC_CHANNELS: 'VOICE, SMS,VOICE',
      SYNC_OPERATOR_IDS: 'a,b',
      SYNC_REFRESH: '2d,1h',
    });
    expect(filters.channels).toEqual(['VOICE', 'SMS']);
    expect(filters.operatorIds).toEqual(['a', 'b']);
    expect(sync.refreshSeconds).toEqual([3600, 172_800]);
  });

  test('what is kept', () => {
    const { keep } = read({ ...enough, SYNC_DELETED: 'erase', SYNC_REREAD: '30d', SYNC_RETENTION: '52w' }).sync;
    expect(keep).toEqual({ retentionSeconds: 31_449_600, eraseDeleted: true, rereadSeconds: 2_592_000 });
  });

  test('a base URL loses the slash at its end; proxies are also read in lower case', () => {
    const { api } = read({
      ...enough,
      TWILIO_INTELLIGENCE_URL: 'http://localhost:4010/',
      HTTPS_PROXY: 'http://upper:1',
      https_proxy: 'lower:3128',
      no_proxy: 'localhost',
    });
    expect(api.url).toBe('http://localhost:4010');
    expect(api.proxy).toEqual({ https: 'http://lower:3128', http: undefined, none: 'localhost' });
  });

  test.each(['http://user:p%40ss%23%25%2F@proxy:3128', 'https://proxy/', 'http://[::1]:3128', 'http://user@proxy'])(
    'a proxy as %s',
    (url) => {
      expect(read({ ...enough, HTTPS_PROXY: url }).api.proxy.https).toBe(url);
    },
  );

  test('cron expressions of six fields have seconds', () => {
    expect(read({ ...enough, SYNC_SCHEDULE: '*/5 * * * * *' }).sync.schedules.new).toBe('*/5 * * * * *');
  });
});

describe('what is refused', () => {
  test('every problem at once', () => {
    expect(problems({ SYNC_START: 'yesterday', HTTP_PORT: '65536', LOG_LEVEL: 'loud' })).toEqual([
      'SYNC_START takes a date such as 2025-01-01 (UTC), or a time such as 2025-01-01T00:00:00Z, or a duration back from now such as 400d, not "yesterday"',
      'HTTP_PORT takes a whole number from 0 to 65535, not "65536"',
      'LOG_LEVEL takes trace, debug, info, warn, error, fatal or silent, not "loud"',
      'TWILIO_ACCOUNT_SID is required: AC and 32 hexadecimal digits',
      'TWILIO_API_KEY and TWILIO_API_SECRET are required, or TWILIO_AUTH_TOKEN',
    ]);
  });

  test.each([
    [{ TWILIO_API_KEY: 'SK1' }, 'TWILIO_API_KEY is set but TWILIO_API_SECRET is not'],
    [{ TWILIO_API_SECRET: 'x' }, 'TWILIO_API_SECRET is set but TWILIO_API_KEY is not'],
    [{ TWILIO_API_KEY: 'a:b', TWILIO_API_SECRET: 'x' }, 'TWILIO_API_KEY takes the SID of an API key, SK…'],
    [
      { TWILIO_AUTH_TOKEN_FILE: '/run/secret' },
      'TWILIO_AUTH_TOKEN and TWILIO_AUTH_TOKEN_FILE are both set: set only one',
    ],
    [{ DATABASE_URL_FILE: '/none' }, 'DATABASE_URL_FILE names /none, which cannot be read (ENOENT)'],
    [{ DATABASE_URL_FILE: '/run/empty' }, 'DATABASE_URL_FILE names /run/empty, which is empty'],
    [{ NODE_EXTRA_CA_CERTS: '/none' }, 'NODE_EXTRA_CA_CERTS names /none, which cannot be read (ENOENT)'],
    [{ http_proxy: 'u:p@ss@h:80' }, 'HTTP_PROXY takes an http:// or https:// URL, '],
    [{ SYNC_STATUS: 'OPEN' }, 'SYNC_STATUS takes ACTIVE, INACTIVE or CLOSED, not "OPEN"'],
    [{ TWILIO_CREATED_FILTER: 'x' }, 'TWILIO_CREATED_FILTER takes auto, createdAtBefore or createdBefore, not "x"'],
    [{ SYNC_LOOKBAK: '3d' }, 'SYNC_LOOKBAK is not a setting; did you mean SYNC_LOOKBACK?'],
    [{ TWILIO_CREATED_BEFORE: 'x' }, 'TWILIO_CREATED_BEFORE is not a setting'],
    [{ SYNC_START_FILE: '/run/secret' }, 'SYNC_START_FILE is not a setting; did you mean SYNC_START?'],
  ])('%o', (env, message) => {
    expect(problems({ ...enough, ...env })).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ['SYNC_START', ['2025-02-30', '2025', '1735689600', 'now', '0d', '30 days', '-400d', '400D']],
    ['SYNC_LOOKBACK', ['0d', '3', '1h30m', '-1h', '1.5h', '999999999w']],
    ['SYNC_REFRESH', ['1h,', ',', '1h;1d']],
    ['SYNC_RETENTION', ['0d', 'keep', '400']],
    ['SYNC_DELETED', ['delete', 'ERASE']],
    ['SYNC_REREAD', ['0d', 'never', '30']],
    ['SYNC_SCHEDULE', ['often', '61 * * * *', '* * * *', '0 0 30 2 *']],
    ['SYNC_CHANNELS', ['voice', 'VOICE,,SMS', ',']],
    ['SYNC_CHANNEL_ID', ['a,b', 'a b']],
    ['HTTP_ALLOWED_HOSTS', ['a.example:80', 'https://a.example', 'a.example,', '*.example']],
    ['SYNC_MAX_CONCURRENCY', ['0', '1001', '3.5', '1e2', ' 3']],
    ['TWILIO_ACCOUNT_SID', ['AC1', `SK${'0'.repeat(32)}`]],
    ['TWILIO_EDGE', ['dublin.evil', 'a/b', 'x@y', '-', 'a b']],
    ['TWILIO_REGION', ['evil.example/', 'a.b', 'x@y', '-', 'a b']],
    [
      'TWILIO_INTELLIGENCE_URL',
      ['ftp://x', 'localhost:4010', 'nonsense', 'http://u:p@x', 'http://x?a=1', 'http://x/#a'],
    ],
  ])('%s %o', (name, values) => {
    for (const value of values) {
      expect([value, problems({ ...enough, [name]: value })]).toEqual([
        value,
        [expect.stringContaining(`${name} takes `)],
      ]);
    }
  });

  test.each([
    'u:p@zq@h',
    'u:p#zq@h',
    'u:p@zq#%@h',
    'u:p%@h',
    'u:p%zz@h',
    'u:p/zq@h',
    'u:8/zq@h',
    'u:p?zq@h',
    'u%:p@h:1',
  ])('HTTPS_PROXY=http://%s, whose special characters are not in percent form', (given) => {
    const found = problems({ ...enough, HTTPS_PROXY: `http://${given}` });
    expect(found).toEqual([expect.stringContaining('HTTPS_PROXY takes an http:// or https:// URL, ')]);
    expect(found.join()).not.toMatch(/zq|u:/);
  });

  test('what copying did to a value is named, for each setting, and its text is not', () => {
    const set = {
      TWILIO_API_KEY: '"SKhush"',
      TWILIO_API_SECRET: "'hush'",
      TWILIO_INTELLIGENCE_URL: 'https://hush\r',
      DATABASE_URL: '"postgres://u:hush@h/d"',
      HTTPS_PROXY: '\ufeffhttp://hush',
      SYNC_START: '2025-01-01 ',
      PGHOST: "'hush'",
      HTTP_HOST: '127.0.0.1\r',
    };
    const found = problems({ ...set, TWILIO_ACCOUNT_SID: `"${sid}"` });
    const of = (name: string) => found.filter((message) => message.startsWith(`${name} `)).join();
    for (const name of ['TWILIO_ACCOUNT_SID', 'TWILIO_API_KEY', 'TWILIO_API_SECRET', 'DATABASE_URL', 'PGHOST'])
      expect(of(name)).toMatch(/has quotes around it/);
    for (const name of ['TWILIO_INTELLIGENCE_URL', 'HTTP_HOST']) expect(of(name)).toMatch(/has a carriage return/);
    expect(of('HTTPS_PROXY')).toMatch(/begins with a byte-order mark/);
    expect(of('SYNC_START')).toMatch(/has a space at its beginning or end/);
    expect(found).toHaveLength(Object.keys(set).length + 1);
    expect(found.join()).not.toMatch(/hush/);
  });

  test('the same of files, whose last line break does not count', () => {
    const bytes = {
      mark: '\ufeffs3cret',
      wide: Buffer.from('\ufeffs3cret', 'utf16le').toString(),
      windows: 's3cret\r\n',
    };
    const from = (path: string) => bytes[path as keyof typeof bytes];
    const problemsOf = (path: string) => {
      try {
        return readConfig({ TWILIO_ACCOUNT_SID: sid, TWILIO_AUTH_TOKEN_FILE: path }, from, ['api']).api.password;
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    expect(problemsOf('mark')).toMatch(
      /^TWILIO_AUTH_TOKEN takes .*what TWILIO_AUTH_TOKEN_FILE names begins with a byte/,
    );
    expect(problemsOf('wide')).toMatch(/is UTF-16/);
    expect(problemsOf('windows')).toBe('s3cret');
  });

  test('a password may have quotes and spaces', () => {
    const { database } = readConfig({ PGHOST: 'h', PGUSER: 'u', PGPASSWORD: '"p w" ' }, readFile, ['database']);
    expect(database).toMatchObject({ connection: { password: '"p w" ' } });
    expect(problems({ PGHOST: 'h', PGPASSWORD: 'p\r' }, ['database'])).toEqual([
      expect.stringContaining('has a carriage return'),
    ]);
  });

  test('what Kubernetes sets for a Service called http is not read', () => {
    const env = { ...enough, HTTP_PORT: 'tcp://10.0.0.1:80' };
    expect(read(env).http.port).toBe(8080);
    expect(findServiceLinks(env, ['http'])).toEqual(['HTTP_PORT']);
    expect(findServiceLinks(env, ['api'])).toEqual([]);
    expect(findServiceLinks({ HTTP_PORT: '80' }, ['http'])).toEqual([]);
  });

  test('variables that Kubernetes sets for a service called sync are none of ours', () => {
    const env = { SYNC_SERVICE_HOST: '10.0.0.1', SYNC_PORT: 'tcp://10.0.0.1:80', SYNC_PORT_80_TCP_ADDR: '10.0.0.1' };
    expect(problems({ ...enough, ...env })).toEqual([]);
  });
});

describe('the database', () => {
  const connect = (env: Environment) => {
    const { database } = readConfig(env, readFile, ['database']);
    if (database.kind === 'embedded') throw new Error('embedded');
    return database.connection;
  };

  test('a URL, its parts in percent form, with TLS where the server offers it', () => {
    expect(connect({ DATABASE_URL: 'postgresql://a%40b:p%2Fw@[::1]:6432/my%20db' })).toEqual({
      schema: 'twilio',
      host: '::1',
      port: 6432,
      user: 'a@b',
      password: 'p/w',
      database: 'my db',
      ssl: false,
      optionalTls: { options: { rejectUnauthorized: false }, first: 'tls' },
      sslnegotiation: 'postgres',
      application_name: 'conversation-sync',
    });
  });

  test('the PG* variables alone, and under what the URL does not say', () => {
    const env = { PGHOST: 'db', PGUSER: 'me', PGPASSWORD: 'pw', PGPORT: '6432', PGSSLMODE: 'require' };
    expect(connect(env)).toMatchObject({ host: 'db', port: 6432, user: 'me', password: 'pw', database: 'me' });
    const both = connect({ ...env, PGDATABASE: 'theirs', DATABASE_URL: 'postgres://you@elsewhere/mine' });
    expect(both).toMatchObject({ host: 'elsewhere', port: 6432, user: 'you', password: 'pw', database: 'mine' });
    expect(both.ssl).toEqual({ rejectUnauthorized: false });
  });

  test('a socket, by host in the query', () => {
    const connection = connect({ DATABASE_URL: 'postgres://me:pw@/db?host=/var/run/postgresql&sslmode=require' });
    expect(connection).toMatchObject({ host: '/var/run/postgresql', ssl: false });
    expect(connection).not.toHaveProperty('optionalTls');
  });

  test.each([
    ['disable', '', false],
    ['no-verify', '', { rejectUnauthorized: false }],
    ['require', '', { rejectUnauthorized: false }],
    ['require', '/run/ca', { ca: certificate, checkServerIdentity: expect.any(Function) }],
    ['verify-ca', '/run/ca', { ca: certificate, checkServerIdentity: expect.any(Function) }],
    ['verify-full', '/run/ca', { ca: certificate }],
    ['verify-full', 'system', {}],
    ['verify-full', '', {}],
  ])('sslmode=%s with root certificate "%s", as libpq means it', (mode, root, ssl) => {
    const url = `postgres://me:pw@db/db?sslmode=${mode}&sslrootcert=${root}&pgbouncer=true`;
    expect(connect({ DATABASE_URL: url }).ssl).toEqual(ssl);
  });

  test.each([
    [{ DATABASE_URL: 'mysql://u:hidden@h/d' }, /^DATABASE_URL takes postgres:/],
    [{ DATABASE_URL: 'postgres://u:hid%den@h/d' }, /^DATABASE_URL takes postgres:/],
    [{ DATABASE_URL: 'postgres://u:hidden@a:1,b:2/d' }, /^DATABASE_URL takes one host: the one that accepts writes/],
    [{ DATABASE_URL: 'postgres://u:hidden@a,b/d' }, /^DATABASE_URL takes one host/],
    [
      { DATABASE_URL: 'jdbc:postgresql://h/d?user=u&password=hidden' },
      /^DATABASE_URL does not take a jdbc: URL: write/,
    ],
    [{ DATABASE_URL: 'host=h user=u password=hidden' }, /^DATABASE_URL does not take a list of key=value: write/],
    [
      { DATABASE_URL: 'postgres://u:hidden@h/d?sslrootcert=system&sslmode=require' },
      /^DATABASE_URL: sslmode require is too weak/,
    ],
    [
      { DATABASE_URL: 'postgres://u:hidden@h/d?ssl_min_protocol_version=SSLv3' },
      /^DATABASE_URL: ssl_min_protocol_version takes TLSv1,/,
    ],
    [{ DATABASE_URL: 'postgres://u:hidden@h/d?sslcert=/run/ca' }, /^DATABASE_URL: sslcert needs sslkey too$/],
    [
      { PGHOST: 'h', PGSSLCERT: '/run/ca', PGSSLKEY: '/none' },
      /^PGSSLKEY names \/none, which cannot be read \(ENOENT\)$/,
    ],
    [{ PGHOST: 'h', PGSSLROOTCERT: '/run/secret' }, /^PGSSLROOTCERT names \/run\/secret, which is not PEM/],
    [
      clientKey('/run/key', '/run/ca'),
      /^PGSSLCERT names .*a private key, not a certificate: is it swapped.*\nPGSSLKEY .*swapped/,
    ],
    [clientKey('/run/ca', '/run/ca'), /^PGSSLKEY names \/run\/ca, which holds no private key: is it swapped/],
    [clientKey('/run/ca', '/run/other-key'), /^PGSSLKEY names .*not the key of sslcert's certificate$/],
    [clientKey('/run/ca', '/run/encrypted-key'), /^PGSSLKEY names .*is encrypted: give its password as sslpassword/],
    [
      { ...clientKey('/run/ca', '/run/encrypted-key'), DATABASE_URL: 'postgres://h/d?sslpassword=hidden' },
      /^PGSSLKEY names .*cannot be decrypted with sslpassword$/,
    ],
    [clientKey('/run/ca', '/run/der'), /^PGSSLKEY names \/run\/der, which is not PEM/],
    [{ DATABASE_URL: 'postgres://u:hidden@h/d?sslmode=maybe' }, /^DATABASE_URL: sslmode takes disable, .*"maybe"/],
    [{ DATABASE_URL: 'postgres://u:hidden@h/d?sslmode=verify-ca' }, /^DATABASE_URL: sslmode verify-ca needs/],
    [{ PGHOST: 'h', PGSSLROOTCERT: '/none', PGSSLMODE: 'require' }, /^PGSSLROOTCERT names \/none, .*ENOENT/],
    [{ PGHOST: 'h', PGPORT: 'five' }, /^PGPORT takes a whole number from 1 to 65535, not "five"/],
    [{ PGSERVICE: 'x' }, /^PGSERVICE is not supported/],
    [{ CONVERSATION_SYNC_REQUIRE_DATABASE: '1' }, /^DATABASE_URL .* required: the container image does not/],
  ])('%o is refused', (env, message) => {
    const found = problems(env, ['database']);
    expect([found.join('\n')]).toEqual([expect.stringMatching(message)]);
    expect(found.join()).not.toMatch(/hid/);
  });

  test('an encrypted key, with its password', () => {
    const env = { ...clientKey('/run/ca', '/run/encrypted-key'), PGSSLMODE: 'require' };
    const { ssl } = connect({ ...env, DATABASE_URL: 'postgres://h/d?sslpassword=open' });
    expect(ssl).toMatchObject({ cert: certificate, passphrase: 'open' });
  });

  test.each([
    ['gssencmode=disable&channel_binding=require&target_session_attrs=any&keepalives_idle=30&sslsni=1&ssl=true', []],
    ['pgbouncer=true', ['DATABASE_URL: pgbouncer is not a supported parameter']],
    ['SSLMODE=require', ['DATABASE_URL: SSLMODE is not a supported parameter; did you mean sslmode?']],
    ['ssl=1', ['DATABASE_URL: ssl turns TLS on only as ssl=true; sslmode=require is better']],
    [
      'service=hidden&passfile=hidden',
      [expect.stringContaining('service is not'), expect.stringContaining('passfile is not')],
    ],
  ])('a URL with ?%s is used, and what means nothing is noted', (query, notes) => {
    const { database } = readConfig({ DATABASE_URL: `postgres://u:hidden@h/d?${query}` }, readFile, ['database']);
    expect(database).toMatchObject({ kind: 'server', notes });
  });

  test('is all that a command on the database alone needs', () => {
    expect(readConfig({ TWILIO_API_KEY: 'SK1' }, readFile, ['database', 'logLevel'])).toEqual({
      database: { kind: 'embedded', schema: 'twilio', folder: 'data/postgres' },
      logLevel: 'info',
    });
  });
});

describe('webhooks', () => {
  const withKey = { TWILIO_ACCOUNT_SID: sid, TWILIO_API_KEY: 'SK1', TWILIO_API_SECRET: 'secret' };
  const open = { WEBHOOK_PORT: '9000', WEBHOOK_URL: 'https://example.com/hook' };

  test('signatures are checked with the auth token, also where requests are made with an API key', () => {
    expect(read({ ...withKey, ...open, TWILIO_AUTH_TOKEN: 'token' }).webhook).toMatchObject({
      port: 9000,
      url: 'https://example.com/hook',
      authToken: 'token',
    });
    const both = { TWILIO_AUTH_TOKEN: 'token', WEBHOOK_AUTH_TOKEN: 'another' };
    expect(read({ ...withKey, ...open, ...both }).webhook.authToken).toBe('another');
    expect(read({ ...withKey, ...open, WEBHOOK_SHARED_KEY: 'shared' }).webhook).toMatchObject({
      authToken: undefined,
      sharedKey: 'shared',
    });
  });

  test('the URL stays as it is entered, to the letter', () => {
    const url = "https://EXAMPLE.com:443/a%2fb/it's?q=a%20b&r=%27";
    expect(read({ ...withKey, ...open, WEBHOOK_URL: url, WEBHOOK_AUTH_TOKEN: 't' }).webhook.url).toBe(url);
  });

  test('a port without a key, or without the URL, is refused', () => {
    expect(problems({ ...withKey, ...open })).toEqual([
      'WEBHOOK_PORT is set but nothing to check signatures with: WEBHOOK_AUTH_TOKEN, TWILIO_AUTH_TOKEN or WEBHOOK_SHARED_KEY is required',
    ]);
    expect(problems({ ...withKey, WEBHOOK_PORT: '9000', WEBHOOK_AUTH_TOKEN: 't' })).toEqual([
      'WEBHOOK_PORT is set but WEBHOOK_URL is not: signatures are checked against it',
    ]);
    expect(problems({ ...withKey, WEBHOOK_URL: 'https://example.com/hook' })).toEqual([]);
  });

  test.each([
    'example.com/hook',
    'ftp://example.com',
    'https://u:p@example.com/',
    'https://example.com/#a',
    'https://exa mple.com',
  ])('WEBHOOK_URL=%s is refused', (url) => {
    expect(problems({ ...withKey, ...open, WEBHOOK_URL: url, WEBHOOK_AUTH_TOKEN: 't' })).toEqual([
      expect.stringMatching(/^WEBHOOK_URL takes an http:\/\/ or https:\/\/ URL/),
    ]);
  });

  test.each(['WEBHOOK_AUTH_TOKEN', 'TWILIO_AUTH_TOKEN'])('%s in a file is read anew', (name) => {
    const texts = ['first\n'];
    const from = () => {
      const text = texts.at(-1);
      if (text === undefined) throw new Error('gone');
      return text;
    };
    const { webhook } = readConfig({ ...open, [`${name}_FILE`]: '/run/token' }, from, ['webhook']);
    expect(webhook.authToken).toBe('first');
    texts.push('second');
    expect(webhook.current?.()?.authToken).toBe('second');
    texts.length = 0;
    expect(webhook.current?.()).toBeUndefined();
    expect(read({ ...withKey, ...open, WEBHOOK_AUTH_TOKEN: 't' }).webhook.current).toBeUndefined();
  });
});

describe('personal data', () => {
  test('what is not stored, and what is hashed', () => {
    const env = { ...enough, SYNC_OMIT: 'texts, extra', SYNC_HASH: 'addresses,names', SYNC_HASH_KEY: hashKey };
    expect(read(env).sync.mask).toEqual({ omit: ['texts', 'extra'], hash: ['addresses', 'names'], key: hashKey });
    const inFile = { ...enough, SYNC_HASH: 'names', SYNC_HASH_KEY_FILE: '/run/hash-key' };
    expect(read(inFile).sync.mask).toMatchObject({ key: hashKey });
    expect(inspect(read(env))).not.toContain(hashKey);
  });

  test.each([
    [
      { SYNC_OMIT: 'texts,name' },
      'SYNC_OMIT takes one or more of texts, names, addresses, results, extra, with commas',
    ],
    [{ SYNC_HASH: 'texts', SYNC_HASH_KEY: hashKey }, 'SYNC_HASH takes one or more of names, addresses, with commas'],
    [{ SYNC_HASH: 'names' }, 'SYNC_HASH is set but SYNC_HASH_KEY is not: at least 32 characters'],
    [{ SYNC_HASH: 'names', SYNC_HASH_KEY: 'short' }, 'SYNC_HASH_KEY takes at least 32 characters'],
    [
      { SYNC_OMIT: 'texts,names', SYNC_HASH: 'names,addresses', SYNC_HASH_KEY: hashKey },
      'SYNC_HASH and SYNC_OMIT both name names: use one of them',
    ],
  ])('%j is refused', (env, message) => {
    expect(() => read({ ...enough, ...env })).toThrow(message);
  });
});

describe('what is shown', () => {
  test('no secret, neither as JSON nor as a console prints it, nor in a message', () => {
    const secrets = {
      TWILIO_API_SECRET: 'hush-1',
      DATABASE_URL: 'postgres://u:hush-2@h/d',
      WEBHOOK_AUTH_TOKEN: 'hush-4',
      WEBHOOK_SHARED_KEY: 'hush-5',
    };
    const config = read({ ...enough, TWILIO_API_KEY: 'SK1', ...secrets, HTTPS_PROXY: 'http://u:hush-3@proxy' });
    expect(JSON.stringify(config) + inspect(config, { depth: 9 })).not.toContain('hush');
    expect(JSON.stringify(config)).toContain('[secret]');
    const bad = {
      TWILIO_AUTH_TOKEN: 'hush hush',
      DATABASE_URL: 'hush',
      HTTPS_PROXY: 'hush://x',
      HTTP_PROXY: 'http://u:p@hush#%@proxy:80',
      PGPASSWORD_FILE: '/x',
    };
    expect(problems({ ...bad, TWILIO_ACCOUNT_SID: 'hush', TWILIO_INTELLIGENCE_URL: 'hush' }).join()).not.toMatch(
      'hush',
    );
  });

  test('what the log blanks is every secret that is set, used or not, also within a URL', () => {
    const found = findSecrets(
      {
        TWILIO_API_KEY: 'SK-key',
        TWILIO_API_SECRET_FILE: '/run/secret',
        TWILIO_AUTH_TOKEN: 'beside-a-key',
        DATABASE_URL: 'postgres://u:data%23base@h/d',
        PGPASSWORD_FILE: '/none',
        HTTPS_PROXY: 'http://u:upper@proxy',
        http_proxy: 'u:low%40er@proxy:3128',
        NO_PROXY: 'u:none@proxy',
      },
      readFile,
    );
    expect(found.sort()).toEqual(
      [
        ...['SK-key', 's3cret', 'beside-a-key', 'postgres://u:data%23base@h/d', 'data%23base', 'data#base'],
        ...['upper', 'upper', 'low%40er', 'low@er'],
      ].sort(),
    );
  });

  test('every setting is in the help, with its default', () => {
    const lines = settingsHelp().split('\n');
    for (const [name, row] of settings) {
      const line = lines.find((each) => each.startsWith(`  ${name} `));
      expect(line).toContain(row.help.replaceAll('`', ''));
      if (row.default) expect(line).toContain(`default ${row.default}`);
    }
    expect(settingsHelp(['http'])).not.toContain('SYNC_');
  });
});
