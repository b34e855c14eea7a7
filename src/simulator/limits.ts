// The account's limits: how many requests at once, and how many in any stretch of a second. A request over either is
// not processed; it gets 429, and does not count.

import type { Switches } from './switches.ts';

/** Keeps count for one account. */
export class Limits {
  #admitted: number[] = [];

  /** Whether a request may go on; `inFlight` are those before it. */
  admit(inFlight: number, nowMs: number, { maxConcurrency, maxPerSecond }: Switches): boolean {
    if (maxConcurrency !== null && inFlight >= maxConcurrency) return false;
    if (maxPerSecond === null) return true;
    const recent = this.#admitted.findIndex((at) => at > nowMs - 1000);
    this.#admitted = recent === -1 ? [] : this.#admitted.slice(recent);
    if (this.#admitted.length >= maxPerSecond) return false;
    this.#admitted.push(nowMs);
    return true;
  }
}

/** The `Retry-After` header of a 429, as the switches have it; undefined where it has none. */
export function retryAfter({ retryAfter: form, retryAfterSeconds }: Switches, nowMs: number): string | undefined {
  if (form === 'none') return undefined;
  if (form === 'seconds') return String(retryAfterSeconds);
  return new Date(nowMs + retryAfterSeconds * 1000).toUTCString();
}
