// Proxy settings in, undici's dispatcher out: kept-alive HTTP/1.1 connections, as many as there are requests at once,
// straight to the API or through a proxy. Private CAs need nothing here: undici connects by tls.connect with Node's
// default certificates, and Node adds those of NODE_EXTRA_CA_CERTS to them at its start; a test holds that.

import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';

/** As curl and its like read them from the environment; here they come from the configuration. */
export interface ProxySettings {
  /** For an https base URL. */
  httpsProxy?: string | undefined;
  /** For an http base URL. */
  httpProxy?: string | undefined;
  /** Hosts, domains and `host:port`, by commas or spaces, that are reached without a proxy; `*` is all. */
  noProxy?: string | undefined;
}

/**
 * Opens the dispatcher; the caller destroys it. `timeoutMs` bounds connecting and a proxy's answer to CONNECT, so that
 * no hung connection outlives the attempts that wait for it. Throws RangeError, without its text, for a proxy that is no URL.
 */
export function openDispatcher(origin: string, timeoutMs: number, proxy: ProxySettings = {}): Dispatcher {
  // HTTP/2 would put every request on one connection, and one lost packet would hold up all of them.
  const connections = { allowH2: false, connectTimeout: timeoutMs };
  const secure = origin.startsWith('https:');
  const uri = secure ? proxy.httpsProxy : proxy.httpProxy;
  if (!uri) return new Agent(connections);
  const setting = secure ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  if (!/^(https?|socks5?):$/.test(URL.parse(uri)?.protocol ?? ''))
    throw new RangeError(`${setting} takes a proxy's URL`);
  return new EnvHttpProxyAgent({
    ...connections,
    // Empty rather than absent: undici would look into process.env, and use HTTP_PROXY for https as well.
    httpProxy: secure ? '' : uri,
    httpsProxy: secure ? uri : '',
    noProxy: proxy.noProxy ?? '',
    clientFactory: (url, options) => new Pool(url, { ...options, headersTimeout: timeoutMs }),
  });
}
