// Requests ask for leave to be sent, and say how they ended; in between the limiter decides, and this file waits for
// it: a queue, one timer, the clock. First come, first served, but for requests that were refused: they have waited.

import { allowed, answered, asked, createLimiter, type Ending, sent } from './limiter/limiter.ts';

export interface GovernorOptions {
  maxConcurrency: number;
  monotonicMs: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Says how a request ended; to be called once. */
export type Leave = (ending: Ending) => void;

export interface Governor {
  /** Waits for leave to send; `again` goes before those that have not been sent yet. Rejects with the signal's reason. */
  enter(signal: AbortSignal, again: boolean): Promise<Leave>;
  /** How many may be in flight now. */
  readonly limit: number;
  readonly inFlight: number;
  /** The pace that is kept to; undefined while the server has shown none. */
  readonly perSecond: number | undefined;
  /** Rejects whoever waits, now and later, with the reason, and leaves no timer. */
  close(reason: Error): void;
}

interface Waiter {
  admit: (leave: Leave) => void;
  refuse: (error: Error) => void;
}

/** Makes the governor of one server; `maxConcurrency` from 1 is never passed. Throws RangeError for less. */
export function createGovernor({ maxConcurrency, monotonicMs, wait }: GovernorOptions): Governor {
  if (!(maxConcurrency >= 1)) throw new RangeError(`maxConcurrency is 1 or more, not ${maxConcurrency}`);
  const limiter = createLimiter(Math.floor(maxConcurrency));
  const again = new Set<Waiter>();
  const first = new Set<Waiter>();
  let alarm: { atMs: number; off: AbortController } | undefined;
  let closed: Error | undefined;

  const send = (): Leave => {
    const ticket = sent(limiter, monotonicMs());
    let left = false;
    return (ending) => {
      if (left) return;
      left = true;
      answered(limiter, ticket, ending, monotonicMs());
      pump();
    };
  };

  /** Lets in whoever may, then sets the timer for the next, or leaves it to the next answer. */
  const pump = () => {
    for (;;) {
      const queue = again.size > 0 ? again : first;
      const [waiter] = queue;
      if (waiter === undefined) return endAlarm();
      const ms = asked(limiter, monotonicMs());
      if (ms > 0) return setAlarm(ms);
      queue.delete(waiter);
      waiter.admit(send());
    }
  };

  const setAlarm = (ms: number) => {
    if (ms === Number.POSITIVE_INFINITY) return;
    const atMs = monotonicMs() + ms;
    if (alarm !== undefined && alarm.atMs <= atMs) return;
    endAlarm();
    const set = { atMs, off: new AbortController() };
    alarm = set;
    const ring = () => {
      if (alarm !== set) return;
      alarm = undefined;
      pump();
    };
    wait(ms, set.off.signal).then(ring, ring);
  };

  /** A timer that nobody waits for keeps a process from its end. */
  const endAlarm = () => {
    alarm?.off.abort();
    alarm = undefined;
  };

  return {
    enter(signal, isAgain) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (closed) return Promise.reject(closed);
      if (again.size + first.size === 0 && asked(limiter, monotonicMs()) === 0) return Promise.resolve(send());
      const queue = isAgain ? again : first;
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          queue.delete(waiter);
          reject(signal.reason);
          pump();
        };
        const waiter: Waiter = {
          admit(leave) {
            signal.removeEventListener('abort', onAbort);
            resolve(leave);
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
      const waiting = [...again, ...first];
      again.clear();
      first.clear();
      endAlarm();
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
