// stub
import type { wait as realWait } from '../lib/wait.ts';

export type Ending = { kind: 'good' } | { kind: 'refused'; retryAfterMs?: number | undefined } | { kind: 'failed' };
export interface GovernorOptions {
  maxConcurrency: number;
  monotonicMs: () => number;
  wait: typeof realWait;
}
export interface Governor {
  /** Waits for leave to send; the function given back is to be called once, when the answer is in. */
  enter(signal: AbortSignal, again: boolean): Promise<(ending: Ending) => void>;
  readonly limit: number;
  readonly inFlight: number;
  readonly perSecond: number | undefined;
}
export function createGovernor(options: GovernorOptions): Governor {
  let inFlight = 0;
  const queue: (() => void)[] = [];
  return {
    async enter(signal) {
      while (inFlight >= options.maxConcurrency) await new Promise<void>((resolve) => queue.push(resolve));
      signal.throwIfAborted();
      inFlight++;
      return () => {
        inFlight--;
        queue.shift()?.();
      };
    },
    get limit() {
      return options.maxConcurrency;
    },
    get perSecond() {
      return undefined;
    },
    get inFlight() {
      return inFlight;
    },
  };
}
