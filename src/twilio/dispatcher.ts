// Proxy settings in, undici's dispatcher out: kept-alive HTTP/1.1 connections, as many as there are requests at once,
// straight to the API or through a proxy. Private CAs need nothing here: undici connects by tls.connect with Node's
// default certificates, and Node adds those of NODE_EXTRA_CA_CERTS to them at its start; a test holds that.

import { Agent, type Client, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { RenewedClient, renewal } from './connection.ts';
import { type ProxySettings, proxyOf } from './proxy.ts';

/** Node's limit is 16 KiB, which the cookies of a gateway can exceed. */
const maxHeaderSize = 65_536;

/**
 * Opens the dispatcher; the caller destroys it. `timeoutMs` bounds connecting and a proxy's answer to CONNECT, so that
 * no hung connection outlives the attempts that wait for it. Throws RangeError, without its text, for a proxy that is no URL.
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
