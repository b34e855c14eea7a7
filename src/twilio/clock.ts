// The API's clock, told from the Date headers of its answers and carried on by a monotonic clock between them: this
// machine's own may be wrong by an hour, or jump, and no request would ever notice. One answer alone may be wrong too, from
// a cache or a server whose clock is off: three have to agree first, and one that is far off afterwards moves nothing.

/** Of one API, told from all of its answers. */
export interface ApiClock {
  /** Takes an answer's Date and Age headers. Without a Date, or out of a cache, it leaves the clock as it is. */
  see(date: string | undefined, age?: string): void;
  /** Seconds since the epoch, with a fraction; undefined until three answers agree. It lags by up to a second and the answer's way here. */
  now(): number | undefined;
  /** What is known of the time beside that. */
  state(): ClockState;
}

export interface ClockState {
  /** The time is known, and the last answer agrees with it. */
  settled: boolean;
  /** What the answers say that nothing agrees with yet, as seconds since the epoch for this moment. */
  disputed: number[];
  /** An answer came out of a cache. */
  cached: boolean;
}

const agreeSeconds = 60;
const enough = 3;
/** A suspended machine's monotonic clock stands still, and then all answers disagree with it. So many in a row are right. */
const enoughToMove = 10;

/** Makes the clock; `monotonicMs` gives milliseconds from any fixed point, and never jumps. */
export function createApiClock(monotonicMs: () => number): ApiClock {
  // The API's time less the monotonic one: what is believed, and what was told and is not.
  let believed: number | undefined;
  let disputed: number[] = [];
  let cached = false;
  const elapsed = () => monotonicMs() / 1000;
  return {
    see(date, age) {
      const told = Date.parse(date ?? '') / 1000 - elapsed();
      if (Number.isNaN(told)) return;
      if (Number(age) > 0) {
        cached = true;
        return;
      }
      if (believed !== undefined && Math.abs(told - believed) <= agreeSeconds) {
        believed = told;
        disputed = [];
        return;
      }
      if (believed !== undefined && spread([...disputed, told]) > agreeSeconds) disputed = [];
      disputed = [...disputed, told].slice(-enoughToMove);
      const agreed = agreement(disputed, believed === undefined ? enough : enoughToMove);
      if (agreed === undefined) return;
      believed = agreed;
      disputed = [];
    },
    now: () => (believed === undefined ? undefined : believed + elapsed()),
    state: () => ({
      settled: believed !== undefined && disputed.length === 0,
      disputed: disputed.map((offset) => offset + elapsed()),
      cached,
    }),
  };
}

/** The middle one of so many that lie within a minute. */
function agreement(offsets: number[], count: number): number | undefined {
  const sorted = offsets.toSorted((a, b) => a - b);
  for (let first = 0; first + count <= sorted.length; first += 1) {
    const near = sorted.slice(first, first + count);
    if (spread(near) <= agreeSeconds) return near[Math.floor(count / 2)];
  }
  return undefined;
}

function spread(offsets: number[]): number {
  return Math.max(...offsets) - Math.min(...offsets);
}
