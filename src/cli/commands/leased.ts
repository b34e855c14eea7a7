// What the commands that write have in common: the lease, waited for a while, the program under it, and a note of the run.
// The work gets a signal that also ends with the lease; what it throws is noted with the run, and thrown on.

import { type AppConfig, holderName, openProgram } from '../../app.ts';
import type { Database } from '../../postgres/database.ts';
import { whileLeased } from '../../postgres/tenure.ts';
import type { Context } from '../../sync/context.ts';
import type { Log } from '../../worker/log.ts';
import { recordRun } from '../../worker/record.ts';
import type { Terminal } from '../terminal.ts';

export interface Surroundings {
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

/** Does the work under the lease. @returns what the work does. @throws LeaseHeld, WrongScope, and what the work throws. */
export async function leased(
  { config, database, log, terminal, signal }: Surroundings,
  { command, waitMs, allowMassDelete = false }: LeasedOptions,
  work: (context: Context, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  let said = waitMs === 0;
  const onWaiting = (heldBy: string) => {
    if (!said) terminal.write(`Waiting for another worker (${heldBy}) …`);
    said = true;
  };
  const tenure = { holder: holderName(command), signal, giveUpAfterMs: waitMs, onWaiting };
  return await whileLeased(database, tenure, async (epoch, held) => {
    await using program = await openProgram({ config, database, epoch, log, allowMassDelete });
    const { context } = program;
    return await recordRun({ database, command, counts: () => context.counts }, () => work(context, held));
  });
}
