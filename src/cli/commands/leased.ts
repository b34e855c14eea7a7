// What the commands that write have in common: they wait for the lease, run the program under it, and record the run. The work
// gets a signal that is also aborted if the lease is lost. An error is recorded with the run and thrown again.

import { type AppConfig, holderName, openProgram } from '../../app.ts';
import type { Database } from '../../postgres/database.ts';
import { whileLeased } from '../../postgres/while-leased.ts';
import type { Context } from '../../sync/context.ts';
import type { Log } from '../../worker/log.ts';
import { recordRun } from '../../worker/record.ts';
import type { Terminal } from '../terminal.ts';

/** What a command has to work with. */
export interface Invocation {
  config: AppConfig;
  database: Database;
  log: Log;
  terminal: Terminal;
  signal: AbortSignal;
}

export interface LeasedOptions {
  /** The command's name. */
  command: string;
  /** How long to wait for another worker's lease. */
  waitMs: number;
  allowMassDelete?: boolean;
}

/** Does the work under the lease. @returns the work's exit status. @throws LeaseHeld, WrongScope, and what the work throws. */
export async function leased(
  { config, database, log, terminal, signal }: Invocation,
  { command, waitMs, allowMassDelete = false }: LeasedOptions,
  work: (context: Context, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  let announced = waitMs === 0;
  const onWaiting = (heldBy: string) => {
    if (!announced) terminal.write(`Waiting for another worker (${heldBy}) …`);
    announced = true;
  };
  const options = { holder: holderName(command), signal, giveUpAfterMs: waitMs, onWaiting };
  return await whileLeased(database, options, async (epoch, held) => {
    await using program = await openProgram({ config, database, epoch, log, allowMassDelete });
    const { context } = program;
    return await recordRun({ database, command, counts: () => context.counts }, () => work(context, held));
  });
}
