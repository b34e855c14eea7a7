// Which names the HTTP server may be asked under. A page of somebody else in a person's browser can have its own name lead
// to this machine ("DNS rebinding") and read what is answered; the browser then still says the name in the Host header.

import { isIP } from 'node:net';

/**
 * Whether the Host header is one that may be asked: an address, a name without a dot (this machine's own, a container's), or
 * one of `allowed`, of which `*` is any. No header at all is no browser.
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
