// The store as the program knows it (sync/ports.ts), on one database under one lease.
// Reads go as they are; every write is a transaction that begins by checking the lease, and gets its stamp from it.

import type { FilterConfig } from '../config.ts';
import { type EndedSweep, type Store, Unstorable } from '../sync/ports.ts';
import { readDifferences } from './compare.ts';
import type { Database, Queries } from './database.ts';
import { holdLease } from './lease.ts';
import { load, NotNew } from './load.ts';
import {
  countQuarantined,
  readControls,
  readDue,
  readKnown,
  readNextSettling,
  readOpenStretches,
  readSample,
  readUnlisted,
} from './lookup.ts';
import { endSweeps, failWindow, planWindows, readWindows } from './marks.ts';
import { pack } from './pack.ts';

export interface StoreOptions {
  database: Database;
  filters: FilterConfig;
  /** The scope's generation: see scope.ts. */
  generation: number;
  /** What the lease was taken under. */
  epoch: number;
}

/** Makes the store. Reads need no lease; every write checks it first. */
export function createStore({ database, filters, generation, epoch }: StoreOptions): Store {
  const write = <Result>(work: (queries: Queries, stamp: string) => Promise<Result>) =>
    database.transaction(async (queries) => work(queries, await holdLease(queries, epoch)));
  return {
    windows: () => database.run(readWindows),
    plan: (sweep, stretches) => write((queries) => planWindows(queries, sweep, stretches)),
    fail: (window, error) => write((queries) => failWindow(queries, window, error)),
    async endSweeps(now, brake) {
      // What was ended by a COMMIT whose answer was lost is not found again when the work is repeated.
      const ended = new Map<string, EndedSweep>();
      await write((queries) => endSweeps(queries, now, brake, ended));
      return [...ended.values()];
    },
    openStretches: (within) => database.run((queries) => readOpenStretches(queries, within)),
    known: (ids) => database.run((queries) => readKnown(queries, ids)),
    unlisted: (stretch, open, listed) =>
      database.run((queries) => readUnlisted(queries, stretch, open, listed, filters, generation)),
    dueAt: (now, limit) => database.run((queries) => readDue(queries, now, limit)),
    nextSettling: (until) => database.run((queries) => readNextSettling(queries, until)),
    sample: (count) => database.run((queries) => readSample(queries, count)),
    compare: (rows) => database.run((queries) => readDifferences(queries, rows)),
    controls: (not, now, limit) => database.run((queries) => readControls(queries, not, now, limit)),
    quarantined: (not) => database.run((queries) => countQuarantined(queries, not)),
    pack,
    async load(changes, mark, now) {
      const attempt = (trusting: boolean) =>
        database.transaction((queries) =>
          load(queries, holdLease(queries, epoch), { changes, mark, now, generation, trusting }),
        );
      try {
        return await attempt(true);
      } catch (error) {
        // Taken for new, but stored: by this load itself, perhaps, whose answer to COMMIT was lost.
        if (!(error instanceof NotNew || error instanceof Unstorable)) throw error;
        return await attempt(false);
      }
    },
  };
}
