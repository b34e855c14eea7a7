// Which proxy leads to an origin, by the settings that curl and its like share. Pure. The requests and what is said of
// their way both ask here.

/** As curl and its like read them from the environment; here they come from the configuration. */
export interface ProxySettings {
  /** For an https base URL. */
  httpsProxy?: string | undefined;
  /** For an http base URL. */
  httpProxy?: string | undefined;
  /** Hosts, domains and `host:port`, by commas or spaces, that are reached without a proxy; `*` is all. */
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

/** `example.com` and `.example.com` are the domain and what is below it, `*.example.com` only what is below. */
function matches(entry: string, host: string, port: string): boolean {
  // Of several colons none begins a port: an IPv6 address, which has to be in brackets to go with one.
  const [, name = entry, itsPort] = /^(\[.+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (itsPort !== undefined && Number(itsPort) !== Number(port)) return false;
  if (name === '*') return true;
  const domain = bare(name.replace(/^\*?\./, ''));
  return host.endsWith(`.${domain}`) || (host === domain && !name.startsWith('*'));
}

/** In lower case, without an IPv6 address's brackets and the dot that ends a full name. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[(.+)\]$/, '$1')
    .replace(/(?<=.)\.$/, '');
}
