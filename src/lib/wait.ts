// A sleep that an AbortSignal ends. It resolves when the time is over, rejects with the signal's reason when that comes
// first, and leaves neither a timer nor a listener behind either way.

/** Waits; `ms` from 0 to 2^31-1 milliseconds, fractions rounded up. Rejects with `signal.reason` on abort, at once if aborted already. */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, Math.ceil(ms));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
