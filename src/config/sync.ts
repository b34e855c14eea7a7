// What is synced, when, and what of it is kept: the settings together.

import type { Keep } from '../sync/keep.ts';
import type { MaskSettings } from '../sync/mask.ts';
import type { HistoryStart } from '../sync/model.ts';
import type { Given, Problem } from './environment.ts';
import { maskOf } from './mask.ts';
import type { Values } from './settings.ts';

export interface SyncConfig {
  /** How far back history goes, by createdAt. */
  start: HistoryStart;
  lookbackSeconds: number;
  /** Shortest first. */
  refreshSeconds: number[];
  /** Operator results are kept with their content. */
  operatorResults: boolean;
  /** What is kept, and for how long. */
  keep: Keep;
  /** Each stored change is notified. */
  notify: boolean;
  /** Which personal data is not stored, or hashed. */
  mask: MaskSettings;
  /** Cron expressions, UTC. */
  schedules: { new: string; lookback: string; reconcile: string };
}

export function syncOf({ values }: Given, problems: Problem[]): SyncConfig {
  return {
    start: values.SYNC_START,
    lookbackSeconds: values.SYNC_LOOKBACK,
    refreshSeconds: values.SYNC_REFRESH,
    operatorResults: values.SYNC_OPERATOR_RESULTS === 'on',
    keep: keepOf(values),
    notify: values.SYNC_NOTIFY === 'on',
    mask: maskOf(values, problems),
    schedules: { new: values.SYNC_SCHEDULE, lookback: values.LOOKBACK_SCHEDULE, reconcile: values.RECONCILE_SCHEDULE },
  };
}

function keepOf(values: Values): Keep {
  return {
    retentionSeconds: values.SYNC_RETENTION ?? null,
    eraseDeleted: values.SYNC_DELETED === 'erase',
    rereadSeconds: values.SYNC_REREAD ?? null,
  };
}
