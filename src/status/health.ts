// How the worker is: whether it still gets on, for `/livez`, and what it is at, for `/readyz`. It beats whenever it has
// done a piece of work or has seen that there is none; silence for longer than the limit means that it hangs, though the
// process may well answer requests. Nothing here asks anybody.

export interface Health {
  beat(): void;
  /** Milliseconds since the last beat. */
  silentMs(): number;
  /** Undefined while all is well, else what is wrong. */
  trouble(): string | undefined;
  readonly work: Work;
}

/** What the worker is at. Whoever does it says so. */
export interface Work {
  doing: 'starting' | 'standing by' | 'working';
  /** Who holds the lease instead. */
  heldBy: string | undefined;
  /** Why it is out of sync, as long as that stands. */
  failing: string | undefined;
  /** It is migrating the database, or waits for another process that does: in words. */
  migrating: string | undefined;
  /** How old the last complete tick may become. */
  tickLimitMs: number;
}

/** Begins with a beat. `limitMs`: the longest silence that is normal; `now`: milliseconds of a clock that only goes forward. */
export function createHealth(limitMs: number, now: () => number = () => performance.now()): Health {
  let beatAt = now();
  const silentMs = () => now() - beatAt;
  return {
    beat() {
      beatAt = now();
    },
    silentMs,
    trouble() {
      return silentMs() > limitMs ? `the worker has done nothing for ${Math.round(silentMs() / 1000)} s` : undefined;
    },
    work: {
      doing: 'starting',
      heldBy: undefined,
      failing: undefined,
      migrating: undefined,
      tickLimitMs: Number.POSITIVE_INFINITY,
    },
  };
}

/** Beats as long as the work goes on: for work that takes longer than the longest silence, and has limits of its own. */
export async function beatDuring<Result>(
  health: Health,
  work: () => Promise<Result>,
  everyMs = 5_000,
): Promise<Result> {
  const beating = setInterval(() => health.beat(), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(beating);
  }
}
