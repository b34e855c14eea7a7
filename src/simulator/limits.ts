// The account's limits: concurrent requests, and requests in any period of one second. A request above either limit is not
// processed and not counted, and gets 429.

import type { Switches } from './switches.ts';

/** The counts of one account. */
export class Limits {
  #admitted: number[] = [];

  /** Whether a request is accepted; `inFlight` does not include it. */
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

/** The `Retry-After` header of a 429, by the switches; undefined for none. */
export function retryAfter({ retryAfter: form, retryAfterSeconds }: Switches, nowMs: number): string | undefined {
  if (form === 'none') return undefined;
  if (form === 'seconds') return String(retryAfterSeconds);
  return new Date(nowMs + retryAfterSeconds * 1000).toUTCString();
}
