// The API's clock, told from the Date headers of its answers and carried on by a monotonic clock between them: this
// machine's own may be wrong by an hour, or jump, and no request would ever notice.

export interface ApiClock {
  /** Takes a Date header; absent or unreadable ones leave the clock as it is. */
  see(date: string | undefined): void;
  /** Seconds since the epoch, with a fraction; undefined before the first Date. It lags by up to a second and the answer's way here. */
  now(): number | undefined;
}

/** Makes the clock; `monotonicMs` gives milliseconds from any fixed point, and never jumps. */
export function createApiClock(monotonicMs: () => number): ApiClock {
  let seen: { atMs: number; seconds: number } | undefined;
  return {
    see(date) {
      const ms = Date.parse(date ?? '');
      if (!Number.isNaN(ms)) seen = { atMs: monotonicMs(), seconds: ms / 1000 };
    },
    now() {
      return seen && seen.seconds + (monotonicMs() - seen.atMs) / 1000;
    },
  };
}
