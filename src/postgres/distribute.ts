// Distributes the account's tables, in one transaction: all of them or none. Writers wait meanwhile, and readers too.

import type pg from 'pg';
import { dropAnonymous, makeAnonymous, readAnonymousFacts } from '../readers/anonymous.ts';
import { type Ask, type CitusFacts, findRefusals, planDistribution, readCitus } from './citus.ts';
import { retrying } from './database.ts';
import { type ChangeOptions, changeSchema } from './migrate.ts';
import { verbatim } from './schemas.ts';

/** Citus is missing, or something in the database stands in the way; the message says what to do. Exit status 2. */
export class CannotDistribute extends Error {
  override readonly name = 'CannotDistribute';
}

/** Copying the largest table may take hours. */
const atMostMs = 86_400_000;

/**
 * Distributes the tables that are local. A worker may be running: each of its transactions that write begins with the lease, which is
 * locked here before anything else. @returns the names of the tables. @throws CannotDistribute, the signal's reason, the driver's error.
 */
export async function distributeTables(connection: pg.ClientConfig, options: ChangeOptions = {}): Promise<string[]> {
  const limits = { ...options.limits, migrationMs: atMostMs };
  const { signal = new AbortController().signal } = options;
  // A reader that has one table and waits for another may meet this transaction, which has the other: Postgres then ends one of them.
  return await retrying(() => changeSchema(connection, { ...options, limits }, distribute), signal);

  async function distribute(client: pg.Client): Promise<string[]> {
    await client.query('lock table twilio_sync.lease in access exclusive mode');
    const { facts, statements } = await readPlan(async <Row extends pg.QueryResultRow>(text: string) => {
      return (await client.query<Row>(text)).rows;
    });
    const local = facts.tables.filter(({ kind }) => kind === 'local').map(({ name }) => name);
    if (local.length > 0) {
      options.onProgress?.(`distributing ${local.length} tables`);
      // Before anything is copied.
      await client.query(verbatim(`lock table ${local.join(', ')} in access exclusive mode`));
    }
    for (const statement of statements) await client.query(verbatim(statement));
    return local;
  }
}

/** What there is, and the statements that are left to do; names are final. @throws CannotDistribute. */
export async function readPlan(ask: Ask): Promise<{ facts: CitusFacts; statements: string[] }> {
  const facts = await readCitus(ask);
  const refusals = findRefusals(facts);
  if (refusals.length > 0) throw new CannotDistribute(refusals.join('\n'));
  const statements = planDistribution(facts);
  if (statements.length === 0) return { facts, statements };
  const anonymous = await readAnonymousFacts(ask);
  const anew = { ...anonymous, isDistributed: true };
  return {
    facts,
    statements: [...statements, ...(anonymous.exists ? [...dropAnonymous(anew), ...makeAnonymous(anew)] : [])],
  };
}
