// Implements the store of sync/context.ts on one database, under one lease. Reads need no lease. Each write is a transaction that
// begins by checking the lease, which also hands out its time stamp.

import type { FilterConfig } from '../config/config.ts';
import type { Store } from '../sync/context.ts';
import { type Mask, noMask } from '../sync/mask.ts';
import { type Change, type EndedSweep, type Loaded, Unstorable } from '../sync/model.ts';
import { readDifferences } from './compare.ts';
import type { Database, Queries } from './database.ts';
import { clearAttempt, dropDue, recordAttempt } from './due.ts';
import { eraseDeleted } from './erase.ts';
import { holdLease } from './lease.ts';
import { AlreadyStored, findSuperseded, load, Superseded } from './load.ts';
import {
  countQuarantined,
  readDue,
  readHealthy,
  readKnown,
  readLost,
  readMissing,
  readNextLagging,
  readOpenRanges,
  readSample,
} from './lookup.ts';
import { maskStored } from './mask-stored.ts';
import { fillMetrics } from './metrics.ts';
import { notifyOfChanges } from './notify.ts';
import { pack } from './pack.ts';
import { planReread } from './reread.ts';
import { endRetention, eraseOld, startRetention } from './retention.ts';
import { startHistoryAt } from './scope.ts';
import { endSweeps, failWindow, planWindows, readWindows } from './windows.ts';

export interface StoreOptions {
  database: Database;
  filters: FilterConfig;
  /** The scope's generation: see scope.ts. */
  generation: number;
  /** The epoch of the lease; null refuses all writes. */
  epoch: number | null;
  /** Which personal data is stored; by default all. */
  mask?: Mask;
  /** Operator results are kept with their content. */
  results?: boolean;
  /** Each stored change is notified. */
  notify?: boolean;
}

export function createStore(options: StoreOptions): Store {
  const { database, filters, generation, epoch, mask = noMask, results = false, notify = false } = options;
  /** A transaction under the lease. The rows of a batch are looked up by their keys. */
  const leased = async <Result>(work: (queries: Queries, begun: bigint, held: number) => Promise<Result>) => {
    if (epoch === null) throw new Error('nothing may be written without the lease');
    return await database.transaction((queries, begun) => work(queries, begun, epoch), { byKeys: true });
  };
  const write = <Result>(work: (queries: Queries, stamp: bigint, held: number) => Promise<Result>) =>
    leased(async (queries, begun, held) => work(queries, await holdLease(queries, held, begun), held));
  /** Alters stored rows. */
  const rewrite = (work: (queries: Queries, stamp: bigint, mask: Mask) => Promise<boolean>) =>
    write(async (queries, stamp) => {
      const isMore = await work(queries, stamp, mask);
      if (notify) await notifyOfChanges(queries, stamp);
      return isMore;
    });
  return {
    windows: (latest) => database.run((queries) => readWindows(queries, latest)),
    plan: (sweep, ranges) => write((queries) => planWindows(queries, sweep, ranges)),
    startHistoryAt: (start) => write((queries) => startHistoryAt(queries, start)),
    fail: (window, error) => write((queries) => failWindow(queries, window, error)),
    async endSweeps(now, brake) {
      // If the answer to COMMIT is lost, the work is repeated and does not find again what it has ended.
      const ended = new Map<string, EndedSweep>();
      await write((queries) => endSweeps(queries, now, brake, ended));
      return [...ended.values()];
    },
    openRanges: (within) => database.run((queries) => readOpenRanges(queries, within)),
    known: (ids) => database.run((queries) => readKnown(queries, ids, mask.policy)),
    findLost: (after) => database.run((queries) => readLost(queries, after)),
    findMissing: (range, open, listed) =>
      database.run((queries) => readMissing(queries, range, open, listed, filters, generation)),
    findDue: (now, limit) => database.run((queries) => readDue(queries, now, limit)),
    nextLagging: (until) => database.run((queries) => readNextLagging(queries, until)),
    sample: (count) => database.run((queries) => readSample(queries, count)),
    compare: (rows) => database.run((queries) => readDifferences(queries, rows, mask)),
    anyHealthyExcept: (ids, now, limit) => database.run((queries) => readHealthy(queries, ids, now, limit)),
    countQuarantined: (except) => database.run((queries) => countQuarantined(queries, except)),
    recordAttempt: (id, memory) => write((queries) => recordAttempt(queries, id, memory)),
    clearAttempt: (id) => write((queries) => clearAttempt(queries, id)),
    maskStored: () => rewrite(maskStored),
    fillMetrics: () => rewrite(fillMetrics),
    pack,
    startRetention: (seconds, edge, allow) => write((queries) => startRetention(queries, seconds, edge, allow)),
    eraseOld: (edge) => write((queries, stamp) => eraseOld(queries, edge, stamp)),
    endRetention: (edge, now) => write((queries, stamp) => endRetention(queries, edge, now, stamp)),
    eraseDeleted: () => write(eraseDeleted),
    planReread: (now, every) => write((queries) => planReread(queries, now, every, generation)),
    async load(changes, checkpoint, now) {
      const attempt = (left: typeof changes, assumeNew: boolean): Promise<Loaded> =>
        leased(async (queries, begun, held) => {
          const batch = { changes: left, checkpoint, now, generation, epoch: held, results, mask, assumeNew };
          const stamp = holdLease(queries, held, begun);
          const loaded = await load(queries, stamp, batch);
          if (notify && loaded.changed + loaded.deleted > 0) await notifyOfChanges(queries, await stamp);
          return loaded;
        });
      for (let left = changes, assumeNew = true; ; ) {
        try {
          return await attempt(left, assumeNew);
        } catch (error) {
          if (error instanceof Superseded) {
            left = await write((queries, _stamp, held) => withoutSuperseded(queries, left, held));
          } else if (assumeNew && isStoredAlready(error)) {
            assumeNew = false;
          } else throw error;
        }
      }
    },
  };
}

/** Something that was taken for new is stored, perhaps by this load itself if the answer to its COMMIT was lost. */
function isStoredAlready(error: unknown): boolean {
  return error instanceof AlreadyStored || (error instanceof Unstorable && error.code === duplicateKey);
}

const duplicateKey = '23505';

/** The changes of a batch that may be written. Forgotten conversations lose their due rows. */
async function withoutSuperseded(queries: Queries, changes: Change[], epoch: number): Promise<Change[]> {
  const { forgotten, late } = await findSuperseded(queries, changes, epoch);
  await dropDue(queries, [...forgotten]);
  return changes.filter(({ id }) => !forgotten.has(id) && !late.has(id));
}
