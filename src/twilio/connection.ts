// One kept-alive connection to the API that is not kept for ever. Past its age, or after repeated 5xx, its next request
// asks for its end (`Connection: close`), and the request after that looks the name up anew. A name that has moved is
// found that way, and a load balancer can hand the connection to another server.

import { Client, type Dispatcher } from 'undici';

export interface Renewal {
  /** The age of a connection in milliseconds, asked once for each, so that not all of them end together. */
  maxAgeMs: () => number;
  /** So many answers of 500 and above in a row, and the connection is given up. */
  maxFailures: number;
}

const minute = 60_000;

export const renewal: Renewal = { maxAgeMs: () => (2 + 2 * Math.random()) * minute, maxFailures: 2 };

/** undici's client of one connection, which it replaces as the limits say. */
export class RenewedClient extends Client {
  readonly #limits: Renewal;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #failures = 0;

  constructor(origin: URL, options: Client.Options, limits: Renewal) {
    super(origin, options);
    this.#limits = limits;
    this.on('connect', () => {
      this.#endsAtMs = performance.now() + limits.maxAgeMs();
    });
    this.on('disconnect', () => {
      this.#endsAtMs = Number.POSITIVE_INFINITY;
      this.#failures = 0;
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { onResponseStart } = handler;
    handler.onResponseStart = (controller, status, ...rest) => {
      this.#failures = status >= 500 ? this.#failures + 1 : 0;
      onResponseStart?.call(handler, controller, status, ...rest);
    };
    const over = performance.now() >= this.#endsAtMs || this.#failures >= this.#limits.maxFailures;
    return super.dispatch(over ? { ...options, reset: true } : options, handler);
  }
}
