// `operator-views`: makes the views of operators and brings them up to date, where the worker's user may not: it does so itself if it owns
// the schema. With `print`, only the SQL is printed, for an administrator.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { DatabaseTrouble } from '../../postgres/errors.ts';
import { refuseOtherTables } from '../../postgres/migrate.ts';
import {
  mayCreateViews,
  printOperatorViews,
  updateOperatorViews,
  type ViewOutcome,
} from '../../postgres/operator-views.ts';
import { exitStatus } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface OperatorViewsOptions {
  print: boolean;
  json: boolean;
}

/** @returns the exit status: 1 if a view could not be made. @throws DatabaseTrouble, also if this user may not create views. */
export async function operatorViews(
  config: DatabaseConfig,
  { print, json }: OperatorViewsOptions,
  terminal: Terminal,
): Promise<number> {
  await using opened = await openConfigured(config);
  const { database } = opened;
  if (print) {
    await database.run(refuseOtherTables);
    const { script, problems } = await database.run(printOperatorViews);
    terminal.write(script === '' ? '-- The views of operators are up to date.' : script);
    for (const problem of problems) terminal.progress.write(`${problem}\n`);
    return problems.length === 0 ? exitStatus.inSync : exitStatus.incomplete;
  }
  await opened.prepare();
  if (!(await database.run(mayCreateViews))) {
    const way = 'an administrator can run the SQL that this prints: conversation-sync operator-views --print';
    throw new DatabaseTrouble(`this user may not create views in schema ${config.schema}; ${way}`, '42501', false);
  }
  const outcomes = await updateOperatorViews(database.run, database.transaction, false);
  if (json) terminal.write(JSON.stringify({ views: outcomes }, null, 2));
  else {
    for (const outcome of outcomes) terminal.write(describe(outcome, config.schema));
    if (outcomes.length === 0) terminal.write('The views of operators are up to date.');
  }
  return outcomes.some((outcome) => 'error' in outcome) ? exitStatus.incomplete : exitStatus.inSync;
}

function describe(outcome: ViewOutcome, schema: string): string {
  if ('error' in outcome) return `Not made for operator ${outcome.operatorId}: ${outcome.error}`;
  const done = outcome.change === 'made' ? 'Made' : 'Updated';
  return `${done} ${schema}.${outcome.view} and its history, for operator ${outcome.operator ?? outcome.operatorId}.`;
}
