// Which host names the HTTP server answers under. A web page of somebody else can make its own name lead to this machine ("DNS
// rebinding") and read the answers. The browser still sends that name in the Host header, so it can be refused.

import { isIP } from 'node:net';

/**
 * Whether a Host header is allowed: an address, a name without a dot (this machine's, a container's), or one of `allowed`, where `*`
 * allows any. A request without the header does not come from a browser, and is allowed.
 */
export function isAllowedHost(header: string | undefined, allowed: readonly string[]): boolean {
  if (header === undefined || allowed.includes('*')) return true;
  const name = header
    .replace(/:\d*$/, '')
    .replace(/^\[(.+)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
  if (isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost')) return true;
  return allowed.some((each) => each.toLowerCase() === name);
}
