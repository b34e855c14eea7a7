// What becomes of what the driver throws: tried again, a conversation's own trouble, or somebody's to see to; and never a
// word of a row.

import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { DatabaseTrouble, translate } from '../../src/postgres/errors.ts';
import { LeaseLost, Unstorable } from '../../src/sync/model.ts';

const secret = 'people said this';

/** As node-postgres makes it of what the server sends. */
function serverError(code: string, fields: Partial<pg.DatabaseError> = {}): pg.DatabaseError {
  const error = new pg.DatabaseError(`something about "${secret}"`, 100, 'error');
  return Object.assign(error, { code, detail: `Key (text)=(${secret})`, hint: secret, ...fields });
}

const systemError = (code: string, fields: object = {}) =>
  Object.assign(new Error(`${code} ${secret}`), { code, ...fields });

function trouble(thrown: unknown): DatabaseTrouble {
  const error = translate(thrown);
  expect(error).toBeInstanceOf(DatabaseTrouble);
  return error as DatabaseTrouble;
}

describe('tried again', () => {
  test.each(['40001', '40P01', '55P03', '25P03', '57P01', '57P02', '57P03', '57P05', '08006', '08P01', '53300'])(
    '%s',
    (code) => {
      expect(trouble(serverError(code))).toMatchObject({ passing: true, code });
    },
  );

  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
  ])('%s', (code) => {
    expect(trouble(systemError(code))).toMatchObject({ passing: true, code });
  });

  test.each([
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'timeout exceeded when trying to connect',
    'Query read timeout',
  ])('%s, which has no code', (message) => {
    expect(trouble(new Error(message))).toMatchObject({ passing: true });
  });
});

describe('for a person to see to', () => {
  test.each<[string, RegExp]>([
    ['28P01', /refuses this user or password; see DATABASE_URL or PGUSER/],
    ['28000', /refuses this user or password/],
    ['3D000', /no such database; see DATABASE_URL or PGDATABASE/],
    ['42501', /lacks rights: to migrate, CREATE on the database/],
    ['42P01', /a table is missing; run: conversation-sync migrate/],
    ['3F000', /run: conversation-sync migrate/],
    ['42703', /run: conversation-sync migrate/],
    ['25006', /read-only/],
    ['53100', /out of disk space/],
    ['57014', /statement_timeout, or somebody, ended a statement/],
    ['25P04', /transaction_timeout ended a transaction/],
    ['XX000', /a statement failed \(XX000\)/],
    ['21000', /a statement failed \(21000\)/],
  ])('%s', (code, message) => {
    const error = trouble(serverError(code));
    expect(error).toMatchObject({ passing: false, code });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^database: [^\n]+$/);
  });

  test.each(['password must be a string', 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'])(
    '%s, which has no code',
    (message) => {
      expect(trouble(new Error(message))).toMatchObject({ passing: false, code: '28000' });
    },
  );

  test('a server without TLS, which has no code either', () => {
    expect(trouble(new Error('The server does not support SSL connections'))).toMatchObject({
      passing: false,
      code: 'ERR_NO_TLS',
    });
  });

  test.each([
    'SELF_SIGNED_CERT_IN_CHAIN',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])('a certificate that is not trusted: %s', (code) => {
    const error = trouble(systemError(code));
    expect(error.passing).toBe(false);
    expect(error.message).toContain('certificate');
    expect(error.message).toContain('sslrootcert');
  });

  const fatal = (code: string, message: string) => Object.assign(serverError(code, { severity: 'FATAL' }), { message });

  test.each([
    ['08P01', 'no such database: sales'],
    ['08P01', 'no such user'],
    ['08P01', 'SASL authentication failed'],
    ['08P01', 'unsupported startup parameter: extra_float_digits'],
    ['08P01', 'unsupported startup parameter in options: search_path'],
    ['XX000', 'Tenant or user not found'],
    ['28000', 'no pg_hba.conf entry for host "10.0.0.5", user "app", database "sales", no encryption'],
    ['22023', 'invalid value for parameter "statement_timeout": "x"'],
  ])('a connection refused with %s, %s, is a setting’s trouble', (code, message) => {
    const error = trouble(fatal(code, message));
    expect(error).toMatchObject({ code, passing: false, misconfigured: true });
    expect(error.message).toContain(`refuses the connection`);
    expect(error.message).toContain(message);
  });

  test.each([
    ['XX000', 'Max client connections reached'],
    ['XX000', 'MaxClientsInSessionMode: max clients reached'],
    ['08P01', 'no more connections allowed (max_client_conn)'],
    ['08P01', 'query_wait_timeout'],
    ['08P01', 'pgbouncer cannot connect to server'],
    ['53300', 'sorry, too many clients already'],
  ])('a connection refused with %s, %s, is tried again', (code, message) => {
    const error = trouble(fatal(code, message));
    expect(error).toMatchObject({ code, passing: true, misconfigured: false });
    expect(error.message).toContain(message);
  });

  test('says where nobody answered', () => {
    const refused = systemError('ECONNREFUSED', { address: '10.0.0.5', port: 5432 });
    expect(trouble(refused).message).toBe(
      'database: the server cannot be reached at 10.0.0.5, port 5432 (ECONNREFUSED)',
    );
    const several = Object.assign(new AggregateError([refused, refused]), { code: 'ECONNREFUSED' });
    expect(trouble(several).message).toContain('at 10.0.0.5, port 5432');
    const unknown = systemError('ENOTFOUND', { hostname: 'db.example' });
    expect(trouble(unknown).message).toContain('there is no host db.example');
    const socket = systemError('ENOENT', { address: '/run/postgresql/.s.PGSQL.5432' });
    expect(trouble(socket).message).toContain('at /run/postgresql/.s.PGSQL.5432');
  });
});

describe('the data’s own', () => {
  test.each(['22P02', '22021', '22P05', '22003', '22008', '23505', '23502', '23514', '54000', '54001', 'P0001'])(
    '%s',
    (code) => {
      const error = translate(serverError(code, { schema: 'twilio', table: 'communications', column: 'text' }));
      expect(error).toBeInstanceOf(Unstorable);
      expect((error as Error).message).toBe(`Postgres refuses the data in twilio.communications.text (${code})`);
    },
  );
});

describe('raised by what users have added', () => {
  const where = [
    `SQL statement "insert into audit.log values ('${secret}')"`,
    'PL/pgSQL function audit.helper(text) line 2 at RAISE',
    `SQL statement "select audit.helper('${secret}')"`,
    'PL/pgSQL function audit."no secrets"() line 4 at PERFORM',
  ].join('\n');
  const at = 'in twilio.communications';

  test.each(['P0001', 'P0004', '22012', '23514', '42501', '42P01', '42883', 'XX000', '0A000', '2F002'])(
    '%s',
    (code) => {
      const error = translate(serverError(code, { where }), at);
      expect(error).toBeInstanceOf(Unstorable);
      expect(error).toMatchObject({
        code,
        message: `Postgres refuses the data in twilio.communications: audit.no secrets() (${code})`,
      });
      expect(translate(error)).toBe(error);
    },
  );

  test.each([
    ['40001', true],
    ['40P01', true],
    ['55P03', true],
    ['57P01', true],
    ['57014', false],
    ['53100', false],
    ['53200', false],
    ['08006', true],
    ['25006', false],
  ])('%s says nothing of the data', (code, passing) => {
    const error = translate(serverError(code, { where }), at);
    expect(error).toBeInstanceOf(DatabaseTrouble);
    expect(error).toMatchObject({ code, passing });
  });

  test.each([
    ['PL/pgSQL function no_secrets() line 1 at RAISE', 'no_secrets()'],
    ['SQL function "no_secrets" statement 1', 'no_secrets()'],
    ['PL/Python function "no_secrets"', 'no_secrets()'],
    ['compilation of PL/pgSQL function "no_secrets" near line 2', 'no_secrets()'],
    ['PL/pgSQL function audit.größe(text,integer) line 1 at RAISE', 'audit.größe()'],
  ])('%s', (context, name) => {
    expect(translate(serverError('P0001', { where: context }), at)).toMatchObject({
      message: `Postgres refuses the data in twilio.communications: ${name} (P0001)`,
    });
  });

  test('what their function violates is named as well', () => {
    const fields = { where, schema: 'audit', table: 'log', constraint: 'log_pkey' };
    expect(translate(serverError('23505', fields), at)).toMatchObject({
      message: 'Postgres refuses the data in audit.log.log_pkey: audit.no secrets() (23505)',
    });
  });

  test('where nothing of people is written, it is trouble', () => {
    expect(trouble(serverError('42P01', { where })).passing).toBe(false);
  });
});

test('no message quotes a row, whatever the code', () => {
  const classes = ['00', '08', '21', '22', '23', '25', '28', '40', '42', '53', '54', '57', 'P0', 'XX'];
  const where = `PL/pgSQL function f() line 1 at RAISE\nunnamed portal with parameters: $1 = '\n${secret}'`;
  for (const code of classes.flatMap((each) => [`${each}000`, `${each}P01`, `${each}P02`, `${each}501`])) {
    for (const thrown of [translate(serverError(code)), translate(serverError(code, { where }), 'in twilio.x')]) {
      const error = thrown as Error;
      expect(error.message).not.toContain(secret);
      expect(error.message).not.toContain('\n');
      expect(error.cause).toBeUndefined();
    }
  }
});

test('what is not the database’s passes through as it is', () => {
  for (const error of [
    new LeaseLost(),
    new Unstorable('x'),
    new TypeError('x'),
    new DOMException('x', 'AbortError'),
    'text',
    null,
    undefined,
  ]) {
    expect(translate(error)).toBe(error);
  }
});
