// `sync`: catches up once and exits, or does only what is asked for: a stretch of time, single conversations, a preview.

import { type AppConfig, holderName, openConfigured, openProgram, scopeOf } from '../app.ts';
import { exitStatus } from '../exit-status.ts';
import { wait } from '../lib/wait.ts';
import { describeError, type Log } from '../ops/log.ts';
import { createProgress, say } from '../ops/progress.ts';
import { askFor, findStanding, findUnanswered, takeBack } from '../store/asked.ts';
import type { Database } from '../store/database.ts';
import { beginRun, endRun } from '../store/runs.ts';
import { refuseWrongScope } from '../store/scope.ts';
import { readStatus } from '../store/status.ts';
import { LeaseHeld, whileLeased } from '../store/tenure.ts';
import type { Context } from '../sync/context.ts';
import { preview, syncAll, syncIds, syncStretch } from '../sync/once.ts';
import type { Stretch } from '../sync/ports.ts';

export interface SyncOptions {
  reconcile: boolean;
  stretch: Stretch | null;
  ids: string[];
  dryRun: boolean;
  allowMassDelete: boolean;
}

/** Where a command writes: lines for people, and a stream for progress. */
export interface Terminal {
  write(line: string): void;
  progress: NodeJS.WritableStream;
  interactive: boolean;
}

const leaseWaitMs = 30_000;
const askedWaitMs = 60_000;

/** Syncs. @returns the exit status. @throws what ended it. */
export async function sync(
  config: AppConfig,
  options: SyncOptions,
  log: Log,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await using opened = await openConfigured(config.database);
  const { database } = opened;
  await opened.prepare();
  await refuseWrongScope(database, scopeOf(config));
  if (options.dryRun) return await dryRun(config, options, database, log, terminal, signal);
  if (options.ids.length > 0) return await syncAsked(config, options.ids, database, log, terminal, signal);

  const progress = createProgress(terminal.progress, terminal.interactive);
  try {
    return await leased(config, options, database, log, signal, terminal, async (context, held) => {
      context.watcher.stored = (counts) => progress.show(counts);
      if (options.stretch) await syncStretch(context, options.stretch, held);
      else await syncAll(context, options.reconcile, held);
      progress.end();
      terminal.write(`${say(context.counts)}.`);
      for (const each of context.counts.incomplete) terminal.write(`Incomplete: ${each}.`);
      return await standing(database, context, terminal);
    });
  } finally {
    progress.end();
  }
}

/** Does the work under the lease, and notes the run. */
async function leased(
  config: AppConfig,
  options: SyncOptions,
  database: Database,
  log: Log,
  signal: AbortSignal,
  terminal: Terminal,
  work: (context: Context, signal: AbortSignal) => Promise<number>,
  giveUpAfterMs = leaseWaitMs,
): Promise<number> {
  const onWaiting = (heldBy: string) => terminal.write(`Waiting for another worker (${heldBy}) …`);
  const tenure = { holder: holderName('sync'), signal, giveUpAfterMs, ...(giveUpAfterMs > 0 && { onWaiting }) };
  return await whileLeased(database, tenure, async (epoch, held) => {
    const { allowMassDelete } = options;
    await using program = await openProgram({ config, database, epoch, log, allowMassDelete });
    const { context } = program;
    const run = await beginRun(database, 'sync');
    try {
      const status = await work(context, held);
      const outcome = context.counts.incomplete.length === 0 ? 'ok' : 'incomplete';
      await endRun(database, run, outcome, context.counts, context.counts.incomplete.join('; ') || null);
      return status;
    } catch (error) {
      await endRun(database, run, 'failed', context.counts, describeError(error)).catch(() => {});
      throw error;
    }
  });
}

async function standing(database: Database, context: Context, terminal: Terminal): Promise<number> {
  if (context.counts.incomplete.length > 0) return exitStatus.incomplete;
  const { quarantine } = await readStatus(database);
  if (quarantine === 0) return exitStatus.inStep;
  terminal.write(`${quarantine} in quarantine: see twilio_sync.quarantine.`);
  return exitStatus.quarantine;
}

/** Single conversations: recorded, then carried out by a running worker where there is one, else here. */
async function syncAsked(
  config: AppConfig,
  ids: string[],
  database: Database,
  log: Log,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await askFor(database, ids);
  const options: SyncOptions = { reconcile: false, stretch: null, ids, dryRun: false, allowMassDelete: false };
  const carryOut = async (context: Context, held: AbortSignal) => {
    await syncIds(context, ids, held);
    return exitStatus.inStep;
  };
  try {
    await leased(config, options, database, log, signal, terminal, carryOut, 0);
  } catch (error) {
    if (!(error instanceof LeaseHeld)) {
      await takeBack(database, ids);
      throw error;
    }
    terminal.write('Asked the running worker for it.');
    await answered(database, ids, signal);
  }
  let status: number = exitStatus.inStep;
  for (const { id, standing: found, error } of await findStanding(database, ids)) {
    terminal.write(`${id}: ${found === 'unknown' ? 'no such conversation at the API' : (error ?? found)}`);
    if (found === 'unknown') status = exitStatus.incomplete;
    else if (found === 'failed' && status === exitStatus.inStep) status = exitStatus.quarantine;
  }
  return status;
}

async function answered(database: Database, ids: string[], signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 500) {
    const left = await findUnanswered(database, ids);
    if (left.length === 0) return;
    if (waitedMs >= askedWaitMs) {
      throw new Error(
        `the running worker has not come to it in ${askedWaitMs / 1000} s; it will: ${left.length} are recorded as due`,
      );
    }
    await wait(500, signal);
  }
}

async function dryRun(
  config: AppConfig,
  { stretch, reconcile }: SyncOptions,
  database: Database,
  log: Log,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await using program = await openProgram({ config, database, epoch: 0, log });
  const found = await preview(program.context, stretch ?? (reconcile ? 'reconcile' : null), signal);
  const requests = Object.values(program.client.counters().requests.list).reduce((sum, count) => sum + count, 0);
  terminal.write(`Listed ${found.listed} conversations with ${requests} requests.`);
  terminal.write(
    `A sync would fetch ${found.wouldFetch} details, one request each: about ${requests + found.wouldFetch} requests in all.`,
  );
  return exitStatus.inStep;
}
