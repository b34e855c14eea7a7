// Which proxy leads to an origin, by the settings that curl and others share. Pure. Requests and `doctor` both use it.
// undici's EnvHttpProxyAgent does not serve: it does not understand networks in NO_PROXY, sends https:// requests through
// HTTP_PROXY if HTTPS_PROXY is empty, and does not tell which proxy it uses.

import { BlockList, isIP } from 'node:net';

export interface ProxySettings {
  /** For an https base URL. */
  httpsProxy?: string | undefined;
  /** For an http base URL. */
  httpProxy?: string | undefined;
  /** Hosts, domains, `host:port` and networks (`10.0.0.0/8`), separated by commas or spaces, that are reached without a proxy; `*` is all. */
  noProxy?: string | undefined;
}

/** The proxy's URL, or null if there is none. Throws RangeError for a proxy that is not a URL, without quoting it. */
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

/** A network matches addresses only: names are not looked up. `example.com` and `.example.com` match the domain and its subdomains, `*.example.com` only subdomains. */
function matches(entry: string, host: string, port: string): boolean {
  const [, network, bits] = /^([^/]+)\/(\d+)$/.exec(entry) ?? [];
  if (network !== undefined) return holds(bare(network), Number(bits), host);
  // Several colons are an IPv6 address, which needs brackets to have a port.
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

/** In lower case, without the brackets of an IPv6 address and the dot at the end of a full name. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[(.+)\]$/, '$1')
    .replace(/(?<=.)\.$/, '');
}
