// `distribute`: puts the account's tables on one node of a Citus cluster. A running worker waits meanwhile and goes on afterwards.
// Tables that lie there already stay where they are, so it can be run again at any time.

import pg from 'pg';
import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { type CitusFacts, groupsOf, readCitus } from '../../postgres/citus.ts';
import { distributeTables, readPlan } from '../../postgres/distribute.ts';
import { bookkeepingOf } from '../../postgres/schemas.ts';
import { formatWork } from '../../status/format.ts';
import { exitStatus } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface DistributeOptions {
  /** Only print the statements. */
  dryRun: boolean;
  json: boolean;
}

/** @returns the exit status. @throws CannotDistribute, DatabaseTrouble. */
export async function distribute(
  config: DatabaseConfig,
  { dryRun, json }: DistributeOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await using opened = await openConfigured(config, { signal });
  const { database, connection } = opened;
  const { schema } = config;
  const write = (data: unknown, text: string) => terminal.write(json ? JSON.stringify(data, null, 2) : text);
  const read = () => database.run(({ sql }) => readCitus(sql));
  const { facts, statements } = await database.run(({ sql }) => readPlan(sql));
  if (dryRun) {
    write({ statements }, statements.length === 0 ? describe(facts, schema) : scriptOf(statements, schema));
    return exitStatus.inSync;
  }
  const startedAtMs = performance.now();
  const onProgress = (doing: string) => terminal.progress.write(`${doing}\n`);
  await opened.prepare(onProgress);
  const distributed = await distributeTables(connection, { signal, onProgress });
  const seconds = Math.round(performance.now() - startedAtMs) / 1000;
  const now = await read();
  const did = distributed.length === 0 ? [] : [`Distributed ${distributed.length} tables in ${formatWork(seconds)}.`];
  const data = { distributed, group: groupsOf(now.tables)[0] ?? null, node: now.node, seconds };
  write(data, [...did, describe(now, schema)].join('\n'));
  return exitStatus.inSync;
}

function scriptOf(statements: string[], schema: string): string {
  const lock = `lock table ${pg.escapeIdentifier(bookkeepingOf(schema))}.lease in access exclusive mode`;
  return ['begin', lock, ...statements, 'commit'].map((each) => `${each};`).join('\n');
}

function describe({ tables, node }: CitusFacts, schema: string): string {
  if (tables.length === 0)
    return `There are no tables of ${schema} yet. Without --dry-run, they are created and distributed.`;
  return `All ${tables.length} tables of ${schema} lie on ${node ?? 'more than one node'}.`;
}
