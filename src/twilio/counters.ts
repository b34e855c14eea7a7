// Attempts and retries in, running totals out, for metrics. Totals only grow. No decision depends on them.

import type { Governor } from './governor.ts';
import { type Attempt, type Endpoint, endpoints, type Retry } from './request.ts';

/** `429` is counted apart from the other 4xx; `none` is an attempt without an answer. */
export type StatusClass = '2xx' | '3xx' | '4xx' | '429' | '5xx' | 'none';

export interface ClientCounters {
  /** Attempts, repeated ones included. */
  requests: Record<Endpoint, Record<StatusClass, number>>;
  retries: number;
  /** Of bodies, as received from the network. */
  bytes: number;
  /** How many requests may be in flight now, and how many are in flight. */
  limit: number;
  inFlight: number;
  /** The pace in use, in requests a second; undefined while no such limit is known. */
  perSecond: number | undefined;
}

export interface Counters {
  onAttempt(attempt: Attempt): void;
  onRetry(retry: Retry): void;
  /** A snapshot; later attempts do not change it. */
  read(): ClientCounters;
}

export function createCounters(governor: Governor): Counters {
  const none = () => ({ '2xx': 0, '3xx': 0, '4xx': 0, '429': 0, '5xx': 0, none: 0 });
  const requests = Object.fromEntries(endpoints.map((endpoint) => [endpoint, none()])) as ClientCounters['requests'];
  let retries = 0;
  let bytes = 0;
  return {
    onAttempt(attempt) {
      requests[attempt.endpoint][classOf(attempt.status)]++;
      bytes += attempt.bytes;
    },
    onRetry() {
      retries++;
    },
    read: () => ({
      requests: structuredClone(requests),
      retries,
      bytes,
      limit: governor.limit,
      inFlight: governor.inFlight,
      perSecond: governor.perSecond,
    }),
  };
}

function classOf(status: number | undefined): StatusClass {
  if (status === undefined) return 'none';
  if (status === 429) return '429';
  if (status < 300) return '2xx';
  if (status < 400) return '3xx';
  return status < 500 ? '4xx' : '5xx';
}
