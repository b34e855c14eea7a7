// A clock that stands still until told to go on, and a wait that goes by it.

export interface VirtualTime {
  monotonicMs: () => number;
  wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Goes on by so much, ringing every wait on its way at its own time. */
  advance(ms: number): Promise<void>;
  /** Waits under way. */
  waiting(): number;
}

export function createVirtualTime(): VirtualTime {
  let nowMs = 0;
  const waits = new Set<{ atMs: number; ring: () => void }>();
  return {
    monotonicMs: () => nowMs,
    wait(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const entry = { atMs: nowMs + ms, ring: resolve };
        waits.add(entry);
        signal?.addEventListener('abort', () => waits.delete(entry) && reject(signal.reason), { once: true });
      });
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (;;) {
        const [next] = [...waits].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        nowMs = Math.max(nowMs, next.atMs);
        waits.delete(next);
        next.ring();
        await settle();
      }
      nowMs = untilMs;
    },
    waiting: () => waits.size,
  };
}

/** Lets every promise that can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
