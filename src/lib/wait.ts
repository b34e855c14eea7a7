// A sleep that an AbortSignal ends, with the signal's own reason. It leaves neither a timer nor a listener behind.

import { setTimeout } from 'node:timers/promises';

/** Waits; `ms` from 0 to 2^31-1 milliseconds, fractions rounded up. Rejects with `signal.reason` on abort, at once if already aborted. */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(Math.ceil(ms), undefined, { signal });
  } catch (error) {
    // Node rejects with an AbortError of its own.
    signal?.throwIfAborted();
    throw error;
  }
}
