// A time limit for one check, even if it waits for something that no signal stops, such as the system's resolver.

export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/** The result of the work, or its error. After the limit the error is TimedOut, and the work's signal is aborted. @throws only the reason of the given signal. */
export async function withTimeout<Result>(
  limitMs: number,
  given: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | Error> {
  given.throwIfAborted();
  const timeout = new AbortController();
  const signal = AbortSignal.any([given, timeout.signal]);
  const timer = setTimeout(() => timeout.abort(new TimedOut(`no answer within ${limitMs / 1000} s`)), limitMs);
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(signal), aborted.promise]);
  } catch (error) {
    given.throwIfAborted();
    return error instanceof Error ? error : new Error('a value was thrown that is not an error');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
