// A time limit for one check, whatever it waits for: also for what no signal reaches, such as the system's resolver.

/** No answer in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** What the work gives, or the error it ends with. Past the limit that is NoAnswer, and the work's signal is aborted. @throws only the given signal's reason. */
export async function within<Result>(
  limitMs: number,
  given: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result | Error> {
  given.throwIfAborted();
  const late = new AbortController();
  const signal = AbortSignal.any([given, late.signal]);
  const timer = setTimeout(() => late.abort(new NoAnswer(`no answer within ${limitMs / 1000} s`)), limitMs);
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(signal), aborted.promise]);
  } catch (error) {
    given.throwIfAborted();
    return error instanceof Error ? error : new Error('something thrown that is no error');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
