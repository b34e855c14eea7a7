// The store as the program knows it (sync/context.ts), on one database under one lease.
// Reads go as they are; every write is a transaction that begins by checking the lease, and gets its stamp from it.

import type { FilterConfig } from '../config/config.ts';
import type { Store } from '../sync/context.ts';
import { type Change, type EndedSweep, type Loaded, Unstorable } from '../sync/model.ts';
import { readDifferences } from './compare.ts';
import type { Database, Queries } from './database.ts';
import { clearAttempt, dropDue, noteAttempt } from './due.ts';
import { holdLease } from './lease.ts';
import { AlreadyStored, findSuperseded, load, Superseded } from './load.ts';
import {
  countQuarantined,
  readControls,
  readDue,
  readKnown,
  readLost,
  readNextSettling,
  readOpenStretches,
  readSample,
  readUnlisted,
} from './lookup.ts';
import { pack } from './pack.ts';
import { startHistoryAt } from './scope.ts';
import { endSweeps, failWindow, planWindows, readWindows } from './windows.ts';

export interface StoreOptions {
  database: Database;
  filters: FilterConfig;
  /** The scope's generation: see scope.ts. */
  generation: number;
  /** What the lease was taken under; null where nothing may be written: every write is then refused. */
  epoch: number | null;
}

/** Makes the store. Reads need no lease; every write checks it first. */
export function createStore({ database, filters, generation, epoch }: StoreOptions): Store {
  /** A transaction for whoever holds the lease; the batch's rows are looked up by their keys. */
  const leased = async <Result>(work: (queries: Queries, begun: bigint, held: number) => Promise<Result>) => {
    if (epoch === null) throw new Error('nothing may be written without the lease');
    return await database.transaction((queries, begun) => work(queries, begun, epoch), { byKeys: true });
  };
  const write = <Result>(work: (queries: Queries, stamp: bigint, held: number) => Promise<Result>) =>
    leased(async (queries, begun, held) => work(queries, await holdLease(queries, held, begun), held));
  return {
    windows: (latest) => database.run((queries) => readWindows(queries, latest)),
    plan: (sweep, stretches) => write((queries) => planWindows(queries, sweep, stretches)),
    startHistoryAt: (start) => write((queries) => startHistoryAt(queries, start)),
    fail: (window, error) => write((queries) => failWindow(queries, window, error)),
    async endSweeps(now, brake) {
      // What was ended by a COMMIT whose answer was lost is not found again when the work is repeated.
      const ended = new Map<string, EndedSweep>();
      await write((queries) => endSweeps(queries, now, brake, ended));
      return [...ended.values()];
    },
    openStretches: (within) => database.run((queries) => readOpenStretches(queries, within)),
    known: (ids) => database.run((queries) => readKnown(queries, ids)),
    findLost: (children) => database.run((queries) => readLost(queries, children)),
    unlisted: (stretch, open, listed) =>
      database.run((queries) => readUnlisted(queries, stretch, open, listed, filters, generation)),
    dueAt: (now, limit) => database.run((queries) => readDue(queries, now, limit)),
    nextSettling: (until) => database.run((queries) => readNextSettling(queries, until)),
    sample: (count) => database.run((queries) => readSample(queries, count)),
    compare: (rows) => database.run((queries) => readDifferences(queries, rows)),
    controls: (not, now, limit) => database.run((queries) => readControls(queries, not, now, limit)),
    quarantined: (not) => database.run((queries) => countQuarantined(queries, not)),
    noteAttempt: (id, memory) => write((queries) => noteAttempt(queries, id, memory)),
    clearAttempt: (id) => write((queries) => clearAttempt(queries, id)),
    pack,
    async load(changes, mark, now) {
      const attempt = (left: typeof changes, assumeNew: boolean): Promise<Loaded> =>
        leased((queries, begun, held) => {
          const batch = { changes: left, mark, now, generation, epoch: held, assumeNew };
          return load(queries, holdLease(queries, held, begun), batch);
        });
      for (let left = changes, assumeNew = true; ; ) {
        try {
          return await attempt(left, assumeNew);
        } catch (error) {
          if (error instanceof Superseded) {
            left = await write((queries, _stamp, held) => withoutSuperseded(queries, left, held));
          } else if (
            assumeNew &&
            (error instanceof AlreadyStored || (error instanceof Unstorable && error.code === duplicateKey))
          ) {
            // Taken for new, but stored: by this load itself, perhaps, whose answer to COMMIT was lost.
            assumeNew = false;
          } else throw error;
        }
      }
    },
  };
}

const duplicateKey = '23505';

/** What is left of a batch without what is not to be written; nothing stays due for what is kept out. */
async function withoutSuperseded(queries: Queries, changes: Change[], epoch: number): Promise<Change[]> {
  const { forgotten, late } = await findSuperseded(queries, changes, epoch);
  await dropDue(queries, [...forgotten]);
  return changes.filter(({ id }) => !forgotten.has(id) && !late.has(id));
}
