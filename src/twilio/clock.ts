// The API's time, taken from the Date headers of its answers and continued by a monotonic clock between them. This machine's
// own clock may be wrong by an hour, or jump. A single answer may be wrong too, from a cache or a server whose clock is
// off: three have to agree first, and a single one that is far off later changes nothing.

export interface ApiClock {
  /** Takes the Date and Age headers of an answer. An answer without a Date, or from a cache, does not change the clock. */
  see(date: string | undefined, age?: string): void;
  /** Seconds since the epoch, with a fraction; undefined until three answers agree. It is late by up to a second plus the answer's latency. */
  now(): number | undefined;
  state(): ClockState;
}

export interface ClockState {
  /** The time is known and the last answer agrees with it. */
  settled: boolean;
  /** Times that not enough answers agree on, in seconds since the epoch, converted to the present moment. */
  disputed: number[];
  /** An answer came from a cache. */
  cached: boolean;
}

const agreeSeconds = 60;
const enoughAtFirst = 3;
/** The monotonic clock stops while a machine is suspended, and then all answers disagree. So many in a row are right. */
const enoughToMove = 10;

/** `monotonicMs` gives milliseconds from any fixed point, and never jumps. */
export function createApiClock(monotonicMs: () => number): ApiClock {
  // The API's time minus the monotonic time: the accepted value, and those seen but not accepted.
  let accepted: number | undefined;
  let disputed: number[] = [];
  let cached = false;
  const elapsed = () => monotonicMs() / 1000;
  return {
    see(date, age) {
      const seen = Date.parse(date ?? '') / 1000 - elapsed();
      if (Number.isNaN(seen)) return;
      if (Number(age) > 0) {
        cached = true;
        return;
      }
      if (accepted !== undefined && Math.abs(seen - accepted) <= agreeSeconds) {
        accepted = seen;
        disputed = [];
        return;
      }
      if (accepted !== undefined && spread([...disputed, seen]) > agreeSeconds) disputed = [];
      disputed = [...disputed, seen].slice(-enoughToMove);
      const agreed = agreement(disputed, accepted === undefined ? enoughAtFirst : enoughToMove);
      if (agreed === undefined) return;
      accepted = agreed;
      disputed = [];
    },
    now: () => (accepted === undefined ? undefined : accepted + elapsed()),
    state: () => ({
      settled: accepted !== undefined && disputed.length === 0,
      disputed: disputed.map((offset) => offset + elapsed()),
      cached,
    }),
  };
}

/** The middle one of `count` offsets that lie within a minute. */
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
