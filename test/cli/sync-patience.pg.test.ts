// `sync` for several accounts beside a worker that holds their leases: it waits for one of them, not for each.

import pg from 'pg';
import { expect, test } from 'vitest';
import { sync } from '../../src/cli/commands/sync.ts';
import { readConfig, underSchema } from '../../src/config/config.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { LeaseHeld } from '../../src/postgres/while-leased.ts';
import { createLog } from '../../src/worker/log.ts';
import { openEmptyDatabase } from '../database.ts';

test('once that was in vain, the next account is not waited for', async () => {
  await using opened = await openEmptyDatabase();
  const env = {
    TWILIO_ACCOUNT_SID: `AC${'1'.repeat(32)}`,
    TWILIO_AUTH_TOKEN: 'token',
    // The lease is asked for first: nothing is ever requested.
    TWILIO_INTELLIGENCE_URL: 'http://127.0.0.1:9',
    DATABASE_URL: opened.url,
  };
  const config = readConfig(env, () => '', ['api', 'database', 'filters', 'sync']);
  const lines: string[] = [];
  const terminal = {
    write: (line: string) => void lines.push(line),
    progress: process.stderr,
    interactive: false,
    ask: async () => null,
  };
  const options = {
    reconcile: false,
    range: null,
    ids: [],
    dryRun: false,
    allowMassDelete: false,
    patience: { ms: 1 },
  };
  const log = createLog({ level: 'silent' });
  const load = new pg.Client(opened.connection);
  await load.connect();
  for (const schema of ['twilio_acme', 'twilio_bolt']) {
    const database = underSchema(config.database, schema);
    if (database.kind !== 'server') throw new Error('there is a server');
    await migrate(database.connection);
    const other = openDatabase(database.connection);
    await takeLease(other, 'another worker');
    await other.close();
    // As a load does: the lease lasts as long as that, however slow the machine is.
    await load.query(`begin; select from ${schema}_sync.lease for update`);
    const signal = new AbortController().signal;
    await expect(sync({ ...config, database }, options, log, terminal, signal)).rejects.toThrow(LeaseHeld);
  }
  await load.end();
  expect(options.patience.ms).toBe(0);
  expect(lines).toEqual(['Waiting for another worker (another worker) …']);
});
