// Which accounts this process works for: as many as are its share. Whoever waits for a place gets one in the order of coming, tries the
// lease, and leaves again if another process holds it; so all are tried, one after the other, as long as the share is not full.
// Where the share shrinks, accounts are given back, those first that were taken last.

import type { Place } from './account.ts';

export interface Places {
  /** Waits for a place. @throws the signal's reason. */
  enter(account: string, signal: AbortSignal): Promise<Place>;
  /** From now on, this process works for so many accounts at most. */
  setShare(share: number): void;
  /** How many places are taken. */
  taken(): number;
  /** This process has its share. */
  isFull(): boolean;
}

export interface PlacesOptions {
  /** An account that could not be taken is tried again after so long. */
  pauseMs: () => number;
  now?: () => number;
  later?: (ms: number, work: () => void) => () => void;
}

/** The account is another process's from now on. */
export class GivenBack extends Error {
  override readonly name = 'GivenBack';
  constructor() {
    super('another process works for the account from now on');
  }
}

interface Waiter {
  account: string;
  admit: () => void;
}

/** Makes them, with a share of none. */
export function createPlaces({ pauseMs, now = () => performance.now(), later = runLater }: PlacesOptions): Places {
  let share = 0;
  /** The taken places, the last taken last. */
  const taken = new Map<string, AbortController>();
  const waiting = new Set<Waiter>();
  const triedAtMs = new Map<string, number>();
  let endLater = () => {};

  const serve = () => {
    endLater();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiter of waiting) {
      if (taken.size >= share) return;
      const waitMs = (triedAtMs.get(waiter.account) ?? Number.NEGATIVE_INFINITY) + pauseMs() - now();
      if (waitMs > 0) nextMs = Math.min(nextMs, waitMs);
      else {
        waiting.delete(waiter);
        waiter.admit();
      }
    }
    endLater = nextMs === Number.POSITIVE_INFINITY ? () => {} : later(nextMs, serve);
  };

  const take = (account: string): Place => {
    const controller = new AbortController();
    taken.set(account, controller);
    return {
      signal: controller.signal,
      waitMs: 0,
      leave() {
        if (taken.get(account) !== controller) return;
        taken.delete(account);
        triedAtMs.set(account, now());
        serve();
      },
    };
  };

  return {
    async enter(account, signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<Place>();
      const waiter = { account, admit: () => resolve(take(account)) };
      const onAbort = () => {
        waiting.delete(waiter);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.add(waiter);
      serve();
      return await promise.finally(() => signal.removeEventListener('abort', onAbort));
    },
    setShare(next) {
      share = next;
      const kept = [...taken.values()].filter(({ signal }) => !signal.aborted);
      for (const controller of kept.slice(share)) controller.abort(new GivenBack());
      serve();
    },
    taken: () => taken.size,
    isFull: () => share > 0 && taken.size >= share,
  };
}

function runLater(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
