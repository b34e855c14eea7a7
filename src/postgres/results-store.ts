// Implements the store of operator results (sync/result-model.ts) on one database, under one lease.

import { type Mask, noMask } from '../sync/mask.ts';
import type { ResultsStore } from '../sync/result-model.ts';
import { compareResults, readResultIds } from './compare-results.ts';
import type { Database, Queries } from './database.ts';
import { holdLease } from './lease.ts';
import { notifyOfChanges } from './notify.ts';
import { updateOperatorViews } from './operator-views.ts';
import { loadResults, putNames } from './results.ts';
import { askForResults, countForResults, readResultsDue } from './results-due.ts';
import {
  type Brake,
  beginWalk,
  endWalk,
  failWalk,
  giveUpHead,
  leaveResults,
  readHead,
  readPendingWalk,
  readWantedWalk,
  refuse,
  restartWalk,
  searchGaps,
  splitWalk,
} from './results-walks.ts';

export interface ResultsStoreOptions {
  database: Database;
  /** The epoch of the lease; null refuses all writes. */
  epoch: number | null;
  /** Whether this many missing results are too many to be checked. */
  brake: Brake;
  /** The API's time, seconds since the epoch. */
  now(): number;
  /** Which personal data is stored; by default all. */
  mask?: Mask;
  /** Each stored change is notified. */
  notify?: boolean;
}

export function createResultsStore(options: ResultsStoreOptions): ResultsStore {
  const { database, epoch, brake, now, mask = noMask, notify = false } = options;
  const write = async <Result>(work: (queries: Queries, stamp: bigint) => Promise<Result>) => {
    if (epoch === null) throw new Error('nothing may be written without the lease');
    return await database.transaction(async (queries, begun) => work(queries, await holdLease(queries, epoch, begun)), {
      byKeys: true,
    });
  };
  return {
    leave: () => write(leaveResults),
    head: () => database.run(readHead),
    giveUpHead: (reason) => write((queries) => giveUpHead(queries, reason)),
    refuse: (reason) => write((queries) => refuse(queries, reason)),
    async beginWalk(again) {
      if ((await database.run((queries) => readWantedWalk(queries, again))) === null) return;
      await write((queries) => beginWalk(queries, again));
    },
    pendingWalk: () => database.run(readPendingWalk),
    restartWalk: (walk) => write((queries) => restartWalk(queries, walk)),
    splitWalk: (walk) => write((queries) => splitWalk(queries, walk)),
    endWalk: (walk) => write((queries) => endWalk(queries, walk, now(), brake)),
    searchGaps: (walk) => write((queries) => searchGaps(queries, walk, now(), brake)),
    failWalk: (walk, error) => write((queries) => failWalk(queries, walk, error)),
    load: (load, at) =>
      write(async (queries, stamp) => {
        const written = await loadResults(queries, stamp, load, at, brake, mask);
        if (notify) await notifyOfChanges(queries, stamp);
        return written;
      }),
    dueAt: (at, conversations, options) =>
      database.run((queries) => readResultsDue(queries, at, conversations, options)),
    compare: (conversationIds, items) =>
      database.run((queries) => compareResults(queries, conversationIds, items, mask)),
    idsOf: (conversationId) => database.run((queries) => readResultIds(queries, conversationId)),
    count: (range) => database.run((queries) => countForResults(queries, range)),
    ask: (range) => write((queries) => askForResults(queries, range)),
    putNames: (table, all) => write((queries, stamp) => putNames(queries, stamp, table, all)),
    async updateViews() {
      const outcomes = await updateOperatorViews(database.run, write, true);
      return outcomes.filter((outcome) => 'error' in outcome);
    },
  };
}
