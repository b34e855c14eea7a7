// What the HTTP endpoints and the status page show: the state of this process and of the database at one moment.

import type { Answer, ProcessState, Status } from '../status/judge.ts';
import type { Counts, Facts, Records } from '../status/snapshot.ts';
import type { ClientCounters } from '../twilio/counters.ts';

export interface View {
  status: Status;
  /** The last that could be read of the database; null before the first time. */
  facts: Facts | null;
  /** The database has just answered. */
  databaseUp: boolean;
  readiness: Answer;
}

export interface PageView extends View {
  process: ProcessState;
  /** Null where they could not be read yet. */
  records: Records | null;
  counts: Counts | null;
  countedSecondsAgo: number;
  /** This process's requests; null where it holds no lease. */
  requests: ClientCounters | null;
  /** How long this process has been running. */
  upSeconds: number;
  version: string;
  /** With an accounts file: the account's schema. */
  schema?: string;
  /** Names the page's script and style by what they contain; a page that had others is loaded anew. */
  assets: string;
}
