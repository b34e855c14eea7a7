// What is costly to find out, for many who ask often: read once at a time, kept for a while, the longer the more it took,
// so that reading never takes more than a twentieth of the time, however much there is. Whoever asks waits a moment at most.

import { describeError } from '../worker/log.ts';

export interface Known<Value> {
  /** The last that could be read; null before the first. */
  value: Value | null;
  /** How old it is. */
  ageMs: number;
  /** Why it could not be read anew; null where it could, or is still fresh. */
  trouble: string | null;
}

export interface CachedOptions<Value> {
  read: () => Promise<Value>;
  /** It is read anew when this old, or later where reading takes long. */
  freshMs: number;
  /** The longest that anybody waits for a reading. */
  waitMs: number;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
}

const timesItsCost = 20;

/** Makes a way to ask that never throws. */
export function createCached<Value>({ read, freshMs, waitMs, now = () => performance.now() }: CachedOptions<Value>) {
  let value: Value | null = null;
  let readAtMs = now();
  let trouble: string | null = null;
  let nextAtMs = Number.NEGATIVE_INFINITY;
  let beganAtMs = 0;
  let reading: Promise<void> | undefined;
  const readAnew = async () => {
    beganAtMs = now();
    try {
      value = await read();
      readAtMs = now();
      trouble = null;
    } catch (error) {
      trouble = describeError(error);
    }
    nextAtMs = now() + Math.max(freshMs, (now() - beganAtMs) * timesItsCost);
    reading = undefined;
  };
  return async (): Promise<Known<Value>> => {
    if (reading === undefined && now() >= nextAtMs) reading = readAnew();
    if (reading !== undefined) await atMost(reading, waitMs - (now() - beganAtMs));
    const late = reading === undefined ? null : `no answer in ${Math.round((now() - beganAtMs) / 1000)} s`;
    return { value, ageMs: now() - readAtMs, trouble: trouble ?? late };
  };
}

async function atMost(end: Promise<void>, ms: number): Promise<void> {
  if (ms <= 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = setTimeout(resolve, ms);
  await Promise.race([end, promise]);
  clearTimeout(late);
}
