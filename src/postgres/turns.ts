// Who gets one of the pool's connections next. The accounts take turns, and none holds more than a few: one whose statements wait for
// a lock leaves the others enough. A turn ends, since every statement and every wait for a connection has a limit.

export interface Turns {
  /** Waits for the turn of this account. Ends it when the returned function is called. */
  take(account: string): Promise<() => void>;
  /** From now on, so many accounts share the connections. */
  share(accounts: number): void;
}

/** Beyond these they would only wait for Postgres' cores, and three replicas have to fit into the 100 that it allows by default. */
export const mostConnections = 20;

/** What an account uses at most: for a load, the rows of the next one, the lease, and what webhooks announced. */
const mostOfOne = 4;

/**
 * How many connections so many accounts share. One account has another for its status. Many keep few more busy than a few do: a tick
 * takes some short statements, a renewed lease five every 5 s.
 */
export function connectionsFor(accounts: number): number {
  return accounts === 1 ? mostOfOne + 1 : Math.min(mostConnections, 10 + Math.floor(accounts / 10));
}

export function createTurns(): Turns {
  let size = connectionsFor(1);
  let most = size;
  let inUse = 0;
  const used = new Map<string, number>();
  /** Those who wait, by account. The account that was served last is the last. */
  const waiting = new Map<string, (() => void)[]>();

  const give = (account: string) => {
    inUse += 1;
    used.set(account, (used.get(account) ?? 0) + 1);
  };
  const giveBack = (account: string) => {
    inUse -= 1;
    const left = (used.get(account) ?? 1) - 1;
    if (left === 0) used.delete(account);
    else used.set(account, left);
    serve();
  };
  const serve = () => {
    for (const [account, queue] of waiting) {
      if (inUse >= size) return;
      if ((used.get(account) ?? 0) >= most) continue;
      const [admit, ...rest] = queue;
      waiting.delete(account);
      if (rest.length > 0) waiting.set(account, rest);
      give(account);
      admit?.();
    }
  };
  return {
    async take(account) {
      if (inUse < size && (used.get(account) ?? 0) < most && !waiting.has(account)) give(account);
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        const queue = waiting.get(account);
        if (queue === undefined) waiting.set(account, [resolve]);
        else queue.push(resolve);
        await promise;
      }
      let ended = false;
      return () => {
        if (!ended) giveBack(account);
        ended = true;
      };
    },
    share(accounts) {
      size = connectionsFor(accounts);
      most = accounts === 1 ? size : mostOfOne;
      serve();
    },
  };
}
