// Which proxy leads to an origin, by the settings that curl and its like share. Pure. The requests and what is said of
// their way both ask here. undici's EnvHttpProxyAgent reads the same settings, but knows no CIDR in NO_PROXY, sends
// https:// by HTTP_PROXY where HTTPS_PROXY is empty, and does not tell which way it goes.

import { BlockList, isIP } from 'node:net';

/** As curl and its like read them from the environment; here they come from the configuration. */
export interface ProxySettings {
  /** For an https base URL. */
  httpsProxy?: string | undefined;
  /** For an http base URL. */
  httpProxy?: string | undefined;
  /** Hosts, domains, `host:port` and networks (`10.0.0.0/8`), by commas or spaces, that are reached without a proxy; `*` is all. */
  noProxy?: string | undefined;
}

/** The proxy's URL, or null where requests go straight. Throws RangeError, without its text, for a proxy that is no URL. */
export function proxyOf(origin: string, { httpsProxy, httpProxy, noProxy = '' }: ProxySettings): string | null {
  const secure = origin.startsWith('https:');
  const uri = secure ? httpsProxy : httpProxy;
  if (!uri) return null;
  if (!/^(https?|socks5?):$/.test(URL.parse(uri)?.protocol ?? ''))
    throw new RangeError(`${secure ? 'HTTPS_PROXY' : 'HTTP_PROXY'} takes a proxy's URL`);
  const { hostname, port } = new URL(origin);
  const host = bare(hostname);
  const entries = noProxy.split(/[,\s]+/).filter((entry) => entry !== '');
  return entries.some((entry) => matches(entry, host, port || (secure ? '443' : '80'))) ? null : uri;
}

/** A network holds addresses alone: no name is looked up for it. `example.com` and `.example.com` are the domain and what is below it, `*.example.com` only what is below. */
function matches(entry: string, host: string, port: string): boolean {
  const [, network, bits] = /^([^/]+)\/(\d+)$/.exec(entry) ?? [];
  if (network !== undefined) return holds(bare(network), Number(bits), host);
  // Of several colons none begins a port: an IPv6 address, which has to be in brackets to go with one.
  const [, name = entry, itsPort] = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (itsPort !== undefined && Number(itsPort) !== Number(port)) return false;
  if (name === '*') return true;
  const domain = bare(name.replace(/^\*?\./, ''));
  return host.endsWith(`.${domain}`) || (host === domain && !name.startsWith('*'));
}

function holds(network: string, bits: number, host: string): boolean {
  const version = isIP(network);
  if (version === 0 || bits > (version === 4 ? 32 : 128) || isIP(host) !== version) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(host, family);
}

/** In lower case, without an IPv6 address's brackets and the dot that ends a full name. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[(.+)\]$/, '$1')
    .replace(/(?<=.)\.$/, '');
}
