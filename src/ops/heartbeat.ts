// Whether the worker still gets on. It beats whenever it has done a piece of work or has seen that there is none; silence
// for longer than the limit means that it hangs, though the process may well answer requests.

export interface Heartbeat {
  beat(): void;
  /** Undefined while all is well, else what is wrong. */
  trouble(): string | undefined;
}

/** Begins with a beat. `limitMs`: the longest silence that is normal; `now`: milliseconds of a clock that only goes forward. */
export function createHeartbeat(limitMs: number, now: () => number = () => performance.now()): Heartbeat {
  let beatAt = now();
  return {
    beat() {
      beatAt = now();
    },
    trouble() {
      const silentMs = now() - beatAt;
      return silentMs > limitMs ? `the worker has done nothing for ${Math.round(silentMs / 1000)} s` : undefined;
    },
  };
}
