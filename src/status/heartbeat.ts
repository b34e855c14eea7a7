// Whether the worker still makes progress, for `/livez`. It beats whenever it has done a piece of work or has seen that
// there is none; silence for longer than the limit means that it hangs, though the process may well answer requests.

export interface Heartbeat {
  beat(): void;
  /** Milliseconds since the last beat. */
  silentMs(): number;
  /** What is wrong; undefined for nothing. */
  trouble(): string | undefined;
  /** Beats as long as the work goes on: for work that takes longer than the longest silence, and has limits of its own. */
  during<Result>(work: () => Promise<Result>, everyMs?: number): Promise<Result>;
}

/** Begins with a beat. `limitMs`: the longest silence that is normal; `now`: milliseconds of a clock that only goes forward. */
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
