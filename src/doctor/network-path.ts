// The network path to the API, step by step as a request takes it: a connection (through the proxy's tunnel if there is
// one), then the TLS handshake. Facts out, or the error of a step; no credentials of the API are sent. The client's own
// errors do not serve here: they hold neither the status of a proxy nor who issued a certificate.

import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { Client } from 'undici';

/** Where requests go; `proxy` is host and port, without its password. */
export interface NetworkPath {
  host: string;
  port: number;
  /** By TLS. */
  secure: boolean;
  proxy: string | null;
}

/** The server's certificate, as Node's TLS judged it. */
export interface Certificate {
  /** Node's code for what is wrong with it; null for nothing. */
  trouble: string | null;
  issuer: string;
  expiresAtMs: number;
  protocol: string;
}

/** The path to an origin; `proxy` is the URL of the proxy, or null. */
export function pathTo(origin: string, proxy: string | null): NetworkPath {
  const { host, port, secure } = endOf(new URL(origin));
  const by = proxy === null ? null : endOf(new URL(proxy));
  return { host, port, secure, proxy: by === null ? null : `${by.host}:${by.port}` };
}

function endOf({ hostname, port, protocol }: URL): { host: string; port: number; secure: boolean } {
  const secure = protocol === 'https:';
  return { host: hostname, port: Number(port || (secure ? 443 : 80)), secure };
}

/** A connection, or the status that the proxy refuses it with. Over http:// no tunnel is asked for. The caller destroys it. */
export async function openConnection(
  path: NetworkPath,
  proxy: string | null,
  signal: AbortSignal,
): Promise<Socket | number> {
  if (proxy !== null && path.secure) return await openTunnel(`${path.host}:${path.port}`, new URL(proxy), signal);
  const { host, port } = proxy === null ? path : endOf(new URL(proxy));
  return await ready(connect({ host: unbracketed(host), port }), 'connect', signal);
}

async function openTunnel(target: string, proxy: URL, signal: AbortSignal): Promise<Socket | number> {
  const headers: Record<string, string> = { host: target };
  if (proxy.username !== '') {
    const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
    headers['proxy-authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  }
  const client = new Client(proxy.origin, { allowH2: false });
  const { statusCode, socket } = await client.connect({ path: target, headers, signal });
  socket.on('error', () => {});
  if (statusCode === 200) return socket as Socket;
  socket.destroy();
  return statusCode;
}

/** The handshake on a connection. A certificate that is not valid is a fact, not an error. */
export async function shakeHands(socket: Socket, path: NetworkPath, signal: AbortSignal): Promise<Certificate> {
  const host = unbracketed(path.host);
  // An address is not sent as a server name.
  const name = isIP(host) === 0 ? { servername: host } : {};
  const secured = connectSecure({ socket, host, ...name, rejectUnauthorized: false });
  await ready(secured, 'secureConnect', signal);
  const { issuer, valid_to: validTo } = secured.getPeerCertificate();
  const facts = {
    trouble: secured.authorized ? null : codeIn(secured.authorizationError),
    issuer: [issuer?.O, issuer?.CN].flat().filter(Boolean).join(', ') || 'an unnamed issuer',
    expiresAtMs: Date.parse(validTo),
    protocol: secured.getProtocol() ?? 'TLS',
  };
  secured.destroy();
  return facts;
}

/** Node gives a code, or an error that has one. */
function codeIn(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** The socket, once it has had this event. It is destroyed if an error or the signal comes first. */
async function ready<Stream extends Socket>(socket: Stream, event: string, signal: AbortSignal): Promise<Stream> {
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.on('error', () => {});
  }
}

const unbracketed = (host: string) => host.replace(/^\[(.+)\]$/, '$1');
