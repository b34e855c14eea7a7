// `sync`: catches up once and exits, or does only what is requested: one range, single conversations, or a dry run. Shows progress
// while it works, and the result in one line and in the exit status.

import { type AppConfig, openProgram, scopeOf } from '../../app.ts';
import { openConfigured } from '../../database.ts';
import type { Database } from '../../postgres/database.ts';
import type { RefetchResult } from '../../postgres/due.ts';
import { refuseOtherTables } from '../../postgres/migrate.ts';
import { allowRetention } from '../../postgres/retention.ts';
import { refuseWrongScope } from '../../postgres/scope.ts';
import { LeaseHeld } from '../../postgres/while-leased.ts';
import { findUndone } from '../../status/judge.ts';
import { areLoading } from '../../status/results.ts';
import { type Facts, readFacts } from '../../status/snapshot.ts';
import type { Context } from '../../sync/context.ts';
import type { TimeRange } from '../../sync/model.ts';
import { preview, syncAll, syncRange } from '../../sync/once.ts';
import type { Log } from '../../worker/log.ts';
import { exitStatus } from '../exit-status.ts';
import { createProgress, say } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { type Invocation, leased } from './leased.ts';
import { refetch } from './refetch.ts';

export interface SyncOptions {
  reconcile: boolean;
  range: TimeRange | null;
  ids: string[];
  dryRun: boolean;
  allowMassDelete: boolean;
  /** How long to wait for another worker's lease: nothing any more, once that was in vain for one of several accounts. */
  patience: { ms: number };
}

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
  // A dry run must not migrate: an older release that uses these tables would stop.
  if (options.dryRun) await database.run(refuseOtherTables);
  await opened.prepare((doing) => log.info(doing));
  await refuseWrongScope(database, scopeOf(config));
  const invocation: Invocation = { config, database, log, terminal, signal };
  if (options.dryRun) return await dryRun(invocation, options);
  if (options.ids.length > 0) return await syncSingle(invocation, options.ids);

  const { allowMassDelete } = options;
  const allowed = allowMassDelete && (await allowRetention(database));
  const progress = createProgress(terminal.progress, terminal.interactive);
  try {
    return await leased(
      invocation,
      { command: 'sync', waitMs: allowed ? 0 : options.patience.ms, allowMassDelete },
      async (context, held) => {
        context.watcher.stored = (counts) => progress.show(counts);
        if (options.range) await syncRange(context, options.range, held);
        else await syncAll(context, options.reconcile, held);
        progress.end();
        terminal.write(`${say(context.counts)}.`);
        for (const each of context.counts.incomplete) terminal.write(`Incomplete: ${each}.`);
        return await statusOf(database, context, options.range === null, terminal);
      },
    );
  } catch (error) {
    if (error instanceof LeaseHeld) options.patience.ms = 0;
    // A worker that runs carries out what is allowed. What a reconcile would find it does not know.
    if (!(allowed && !options.reconcile && options.range === null && error instanceof LeaseHeld)) throw error;
    terminal.write('Told the running worker: its next pass erases what SYNC_RETENTION no longer keeps.');
    return exitStatus.inSync;
  } finally {
    progress.end();
  }
}

async function statusOf(database: Database, context: Context, whole: boolean, terminal: Terminal): Promise<number> {
  if (context.counts.incomplete.length > 0) return exitStatus.incomplete;
  const facts = await database.run(({ sql }) => readFacts(sql));
  const undone = whole ? findUndone(facts) : null;
  if (undone !== null) terminal.write(`Incomplete: ${undone.reason}.`);
  else if (whole && context.results !== null && areLoading(facts.results))
    terminal.write('Incomplete: operator results are not loaded to the end.');
  else return quarantineStatus(facts, terminal);
  return exitStatus.incomplete;
}

function quarantineStatus({ quarantine }: Facts, terminal: Terminal): number {
  if (quarantine === 0) return exitStatus.inSync;
  terminal.write(`${quarantine} in quarantine: see twilio_sync.quarantine.`);
  return exitStatus.quarantine;
}

const messages: Partial<Record<RefetchResult['state'], string>> = {
  unknown: 'no such conversation at the API',
  forgotten: 'not stored, because it was erased with conversation-sync forget',
};

async function syncSingle(invocation: Invocation, ids: string[]): Promise<number> {
  let status: number = exitStatus.inSync;
  const orOld = invocation.config.sync.keep.retentionSeconds === null ? '' : ', or older than SYNC_RETENTION';
  for (const { id, state, error } of await refetch(invocation, 'sync', ids)) {
    const said = messages[state] ?? error ?? state;
    invocation.terminal.write(`${id}: ${said}${state === 'unknown' ? orOld : ''}`);
    if (state === 'unknown' || state === 'forgotten') status = exitStatus.incomplete;
    else if (state === 'failed' && status === exitStatus.inSync) status = exitStatus.quarantine;
  }
  return status;
}

async function dryRun(
  { config, database, log, terminal, signal }: Invocation,
  { range, reconcile }: SyncOptions,
): Promise<number> {
  await using program = await openProgram({ config, database, epoch: null, log });
  const found = await preview(program.context, range ?? (reconcile ? 'reconcile' : null), signal);
  const requests = Object.values(program.client.counters().requests.list).reduce((sum, count) => sum + count, 0);
  terminal.write(`Listed ${found.listed} conversations with ${requests} requests.`);
  terminal.write(
    `A sync would fetch ${found.wouldFetch} details, one request each: about ${requests + found.wouldFetch} requests in all.`,
  );
  if (found.results !== null)
    terminal.write(
      `It would also read operator results with their content, 1,000 a request: about ${Math.ceil(found.results / 1000) + 1} requests for the ${found.results} that stored conversations name. SYNC_OPERATOR_RESULTS=links keeps only their ids.`,
    );
  for (const each of found.incomplete) terminal.write(`Incomplete: ${each}.`);
  return found.incomplete.length > 0 ? exitStatus.incomplete : exitStatus.inSync;
}
