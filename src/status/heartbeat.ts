// Whether the worker still makes progress, for `/livez`. It beats after each piece of work, and whenever there is none to do.
// Silence for longer than the limit means that it hangs, even if the process still answers requests.

export interface Heartbeat {
  beat(): void;
  /** Milliseconds since the last beat. */
  silentMs(): number;
  /** What is wrong; undefined if nothing is. */
  trouble(): string | undefined;
  /** Beats as long as the work goes on. For work that may take longer than the limit, and has limits of its own. */
  during<Result>(work: () => Promise<Result>, everyMs?: number): Promise<Result>;
}

/** Begins with a beat. `limitMs`: the longest normal silence. `now`: milliseconds of a monotonic clock. */
export function createHeartbeat(limitMs: number, now: () => number = () => performance.now()): Heartbeat {
  let beatAt = now();
  const beat = () => {
    beatAt = now();
  };
  const silentMs = () => now() - beatAt;
  return {
    beat,
    silentMs,
    trouble() {
      return silentMs() > limitMs ? `the worker has done nothing for ${Math.round(silentMs() / 1000)} s` : undefined;
    },
    async during(work, everyMs = 5_000) {
      const beating = setInterval(beat, everyMs);
      try {
        return await work();
      } finally {
        clearInterval(beating);
      }
    },
  };
}
