// The queue in front of the API. A request asks for permission to be sent and reports how it ended; the limiter decides,
// and this file does the waiting, with queues and one timer. First come, first served, but retries go first, and then urgent ones.

import { allowed, answered, asked, createLimiter, type Ending, sent } from './limiter/limiter.ts';

export interface GovernorOptions {
  maxConcurrency: number;
  monotonicMs: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Reports how a request ended; called once. */
export type Finish = (ending: Ending) => void;

export interface Governor {
  /**
   * Waits until the request may be sent. Retries go before requests that were not sent yet, and urgent ones before others, but each
   * second place is for the others, so that they go on too. Rejects with the signal's reason.
   */
  enter(signal: AbortSignal, isRetry: boolean, isUrgent?: boolean): Promise<Finish>;
  /** How many may be in flight now. */
  readonly limit: number;
  readonly inFlight: number;
  /** The pace in use; undefined while none is known. */
  readonly perSecond: number | undefined;
  /** Rejects all who wait, now and later, with the reason, and leaves no timer. */
  close(reason: Error): void;
}

interface Waiter {
  admit: (finish: Finish) => void;
  refuse: (error: Error) => void;
}

/** The governor of one server. At most `maxConcurrency` requests, 1 or more, are in flight. */
export function createGovernor({ maxConcurrency, monotonicMs, wait }: GovernorOptions): Governor {
  if (!(maxConcurrency >= 1)) throw new RangeError(`maxConcurrency must be 1 or more, not ${maxConcurrency}`);
  const limiter = createLimiter(Math.floor(maxConcurrency));
  const retries = new Set<Waiter>();
  const urgent = new Set<Waiter>();
  const others = new Set<Waiter>();
  let wasUrgent = false;
  let timer: { atMs: number; off: AbortController } | undefined;
  let closed: Error | undefined;

  const send = (): Finish => {
    const ticket = sent(limiter, monotonicMs());
    let finished = false;
    return (ending) => {
      if (finished) return;
      finished = true;
      answered(limiter, ticket, ending, monotonicMs());
      pump();
    };
  };

  const nextQueue = () => {
    if (retries.size > 0) return retries;
    return urgent.size > 0 && (others.size === 0 || !wasUrgent) ? urgent : others;
  };

  /** Admits all that may go, then sets the timer for the next, or waits for the next answer. */
  const pump = () => {
    for (;;) {
      const queue = nextQueue();
      const [waiter] = queue;
      if (waiter === undefined) return clearTimer();
      const ms = asked(limiter, monotonicMs());
      if (ms > 0) return setTimer(ms);
      queue.delete(waiter);
      if (queue !== retries) wasUrgent = queue === urgent;
      waiter.admit(send());
    }
  };

  const setTimer = (ms: number) => {
    if (ms === Number.POSITIVE_INFINITY) return;
    const atMs = monotonicMs() + ms;
    if (timer !== undefined && timer.atMs <= atMs) return;
    clearTimer();
    const set = { atMs, off: new AbortController() };
    timer = set;
    const ring = () => {
      if (timer !== set) return;
      timer = undefined;
      pump();
    };
    wait(ms, set.off.signal).then(ring, ring);
  };

  /** A timer that nobody needs would keep the process alive. */
  const clearTimer = () => {
    timer?.off.abort();
    timer = undefined;
  };

  return {
    enter(signal, isRetry, isUrgent = false) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (closed) return Promise.reject(closed);
      if (retries.size + urgent.size + others.size === 0 && asked(limiter, monotonicMs()) === 0)
        return Promise.resolve(send());
      const queue = isRetry ? retries : isUrgent ? urgent : others;
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          queue.delete(waiter);
          reject(signal.reason);
          pump();
        };
        const waiter: Waiter = {
          admit(finish) {
            signal.removeEventListener('abort', onAbort);
            resolve(finish);
          },
          refuse(error) {
            signal.removeEventListener('abort', onAbort);
            reject(error);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        queue.add(waiter);
        pump();
      });
    },
    close(reason) {
      closed = reason;
      const waiting = [...retries, ...urgent, ...others];
      retries.clear();
      urgent.clear();
      others.clear();
      clearTimer();
      for (const waiter of waiting) waiter.refuse(reason);
    },
    get limit() {
      return allowed(limiter);
    },
    get inFlight() {
      return limiter.inFlight;
    },
    get perSecond() {
      return limiter.pace.perSecond;
    },
  };
}
