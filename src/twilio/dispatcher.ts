// Proxy settings in, undici's dispatcher out: kept-alive HTTP/1.1 connections, as many as there are concurrent requests,
// straight to the API or through a proxy. No connection is kept for ever: past its age, or after repeated 5xx, its next
// request asks for its end (`Connection: close`), and the one after that looks the name up anew. So a name that has moved
// is found, and a load balancer can choose another server. NODE_EXTRA_CA_CERTS needs nothing here: a test holds that.

import { Agent, Client, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { type ProxySettings, proxyOf } from './proxy.ts';

export interface Renewal {
  /** The age of a connection in milliseconds, asked once for each, so that not all of them end together. */
  maxAgeMs: () => number;
  /** The connection ends after so many answers of 500 and above in a row. */
  maxFailures: number;
}

const minute = 60_000;

export const renewal: Renewal = { maxAgeMs: () => (2 + 2 * Math.random()) * minute, maxFailures: 2 };

/** undici's client of one connection, which it replaces when a limit is reached. */
class RenewedClient extends Client {
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

/** Node's limit is 16 KiB, which the cookies of a gateway can exceed. */
const maxHeaderSize = 65_536;

/**
 * Opens the dispatcher; the caller destroys it. `timeoutMs` limits connecting and a proxy's answer to CONNECT, so that
 * no hung connection outlives the attempts that wait for it. Throws RangeError for a proxy that is not a URL, without quoting it.
 */
export function openDispatcher(
  origin: string,
  timeoutMs: number,
  proxy: ProxySettings = {},
  limits = renewal,
): Dispatcher {
  const client = (to: URL, options: object) =>
    new RenewedClient(to, { ...options, maxHeaderSize } satisfies Client.Options, limits);
  const factory = (to: string | URL, options: object) => new Pool(to, { ...options, factory: client });
  // HTTP/2 would put every request on one connection, and one lost packet would hold up all of them.
  const connections = { allowH2: false, connectTimeout: timeoutMs, factory };
  const uri = proxyOf(origin, proxy);
  if (uri === null) return new Agent(connections);
  const clientFactory = (url: URL, options: object) =>
    new Pool(url, { ...options, headersTimeout: timeoutMs, maxHeaderSize });
  return new ProxyAgent({ ...connections, uri, clientFactory });
}
