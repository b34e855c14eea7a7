// The log's lines: what they hold, and what never reaches them at any level.

import pg from 'pg';
import { expect, test } from 'vitest';
import { createLog, describeError, type LogOptions } from '../../src/worker/log.ts';

function logTo(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ level: 'info', ...options, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

/** What the driver makes of a failed insert, as the cause of an error of ours. */
function queryError(): Error {
  const cause = Object.assign(new pg.DatabaseError('value too long', 10, 'error'), { code: '22001', detail: 'hush' });
  return Object.assign(new Error('loading failed', { cause }), { parameters: ['hush'] });
}

test('a line has level, time and message, and no name of the machine', () => {
  const { log, records } = logTo();
  log.info({ sweep: 'new' }, 'pass done');
  expect(records()).toEqual([
    { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), sweep: 'new', msg: 'pass done' },
  ]);
});

test('levels below the chosen one are left out, all of them at silent', () => {
  const { log, lines } = logTo({ level: 'warn' });
  log.info('no');
  log.warn('yes');
  const silent = logTo({ level: 'silent' });
  silent.log.fatal('no');
  expect([lines.length, silent.lines.length]).toEqual([1, 0]);
});

test.each(['info', 'trace'] as const)(
  'an error at level %s shows no parameters and nothing a driver hung on it',
  (level) => {
    const { log, lines } = logTo({ level });
    log.error(queryError());
    log.error({ err: queryError() });
    log.error({ error: queryError() }, 'loading failed');
    log.error({ err: Object.assign(new Error('refused'), { headers: { authorization: 'hush' }, body: 'hush' }) }, 'no');
    expect(lines).toHaveLength(4);
    expect(lines.join()).not.toContain('hush');
    expect(lines[0]).toContain('"code":"22001","message":"value too long"');
  },
);

test('stacks only where somebody debugs, and then without messages', () => {
  const [info, debug] = [logTo(), logTo({ level: 'debug' })];
  for (const { log } of [info, debug])
    log.error(new Error('first line\nhush', { cause: new Error('inner') }), 'failed');
  expect(info.lines[0]).not.toContain('stack');
  const { err } = debug.records()[0] as { err: { stack: string } };
  expect(err.stack).toMatch(/^at .*log\.test\.ts/);
  expect(err.stack).not.toContain('hush');
});

test('known secrets are blanked wherever they are, as are fields that hold people’s words', () => {
  const { log, lines } = logTo({ secrets: ['top"secret', undefined, 'abc'] });
  log.info(
    { url: 'postgres://u:top"secret@h', password: 'hush', participant: { text: 'hush' } },
    'with top"secret abc',
  );
  expect(lines.join()).not.toMatch(/top|hush/);
  expect(lines.join()).toContain('with [secret] abc');
});

test('an error in a line for people: all its causes, each once', () => {
  const refused = new AggregateError([new Error('connect ECONNREFUSED ::1:5432')]);
  expect(describeError(new Error('database away', { cause: refused }))).toBe(
    'database away: connect ECONNREFUSED ::1:5432',
  );
  expect(describeError(new Error('same', { cause: new Error('same') }))).toBe('same');
  const named = new Error('no host (ENOTFOUND: getaddrinfo ENOTFOUND x)', {
    cause: new Error('getaddrinfo ENOTFOUND x'),
  });
  expect(describeError(named)).toBe('no host (ENOTFOUND: getaddrinfo ENOTFOUND x)');
  expect(describeError(queryError())).toBe('loading failed: value too long');
  expect(describeError('thrown')).toBe('something thrown that is no error (string)');
});

test('causes in a circle come to an end', () => {
  const error = new Error('round');
  error.cause = error;
  expect(describeError(error)).toBe('round');
});
