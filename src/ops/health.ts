// How the worker is: whether it still gets on, for `/livez`, and whether it does its work, for `/readyz`. It beats whenever
// it has done a piece of work or has seen that there is none; silence for longer than the limit means that it hangs,
// though the process may well answer requests.

import type { Readiness } from './http.ts';

export interface Health {
  beat(): void;
  /** Milliseconds since the last beat. */
  silentMs(): number;
  /** Undefined while all is well, else what is wrong. */
  trouble(): string | undefined;
  ready(reason?: string): void;
  notReady(reason: string): void;
  readiness(): Readiness;
}

/** Begins with a beat, and not ready. `limitMs`: the longest silence that is normal; `now`: milliseconds of a clock that only goes forward. */
export function createHealth(limitMs: number, now: () => number = () => performance.now()): Health {
  let beatAt = now();
  let state: Readiness = { ready: false, reason: 'starting' };
  const silentMs = () => now() - beatAt;
  return {
    beat() {
      beatAt = now();
    },
    silentMs,
    trouble() {
      return silentMs() > limitMs ? `the worker has done nothing for ${Math.round(silentMs() / 1000)} s` : undefined;
    },
    ready(reason) {
      state = { ready: true, ...(reason !== undefined && { reason }) };
    },
    notReady(reason) {
      state = { ready: false, reason };
    },
    readiness: () => state,
  };
}
