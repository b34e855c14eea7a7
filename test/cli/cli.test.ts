// Arguments and environment → what is refused, and how; help. Nothing is started: what a command does is tested with the
// real process, in e2e.

import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from '../../src/cli/cli.ts';
import { sayError, statusOf } from '../../src/cli/exit-status.ts';

function world() {
  const written: string[] = [];
  const stream = { write: (line: string) => written.push(line) };
  const terminal = { write: stream.write, progress: process.stderr, interactive: false, ask: async () => null };
  return { written, env: {}, terminal, logStream: stream };
}

/** What is said of a command line that cannot be carried out, and the status the process would end with. */
async function refusal(line: string): Promise<{ status: number; says: string }> {
  try {
    await parse(line.split(' ').filter(Boolean), world());
  } catch (error) {
    if (error instanceof CommanderError) return { status: error.exitCode === 0 ? 0 : 2, says: error.message };
    return { status: statusOf(error), says: sayError(error) };
  }
  throw new Error(`nothing was wrong with: ${line}`);
}

describe('wrong usage is refused before any setting is looked at', () => {
  test.each([
    ['sync extra', 'too many arguments'],
    ['sync --bogus', "unknown option '--bogus'"],
    ['status --max-age 10', "'--max-age <duration>' argument '10' is invalid"],
    ['sync --from 2026-02-01 --to 2026-01-01', '--from must be before --to'],
    ['sync --from 2026-02-01 --to 2026-02-01', '--from must be before --to'],
    ['sync --id a --reconcile', '--id cannot be combined'],
    ['sync --id a --from 2026-01-01', '--id cannot be combined'],
    ['sync --from 2026-01-01 --reconcile', '--reconcile lists everything'],
    ['grant-reader', "missing required argument 'name'"],
    ['grant-reader pg_bi', 'is reserved by Postgres'],
    ['grant-reader bi --new-password --password-file x', 'use either --new-password'],
    ['search-index', "missing required argument 'configuration'"],
    ['simulate --port 70000', "'--port <port>' argument '70000' is invalid"],
    ['demo --conversations many', "'--conversations <count>' argument 'many' is invalid"],
  ])('conversation-sync %s', async (line, says) => {
    const refused = await refusal(line);
    expect(refused.status).toBe(2);
    expect(refused.says).toContain(says);
  });
});

describe('help', () => {
  test.each([
    ['run', ['SYNC_SCHEDULE', 'HTTP_PORT']],
    ['sync', ['--reconcile', '--from', '--to', '--id', '--dry-run', 'SYNC_START', 'DATABASE_URL']],
    ['migrate', ['DATABASE_URL']],
    ['status', ['--json', 'DATABASE_URL']],
    ['doctor', ['--json', '--webhook', 'WEBHOOK_URL', 'DATABASE_URL', 'HTTPS_PROXY']],
    ['grant-reader', ['<name>', '--password-file', '--new-password', '--print', 'DATABASE_URL']],
    ['search-index', ['<configuration>', 'off', '--json', 'DATABASE_URL']],
    ['demo', ['--conversations']],
    ['simulate', ['--port', '--no-traffic', '--push']],
  ])('of %s names what it takes', async (command, names) => {
    const { written, ...rest } = world();
    await expect(parse([command, '--help'], rest)).rejects.toThrow(CommanderError);
    const help = written.join('\n');
    expect(help).toContain(`Usage: conversation-sync ${command}`);
    for (const name of names) expect(help).toContain(name);
  });
});
