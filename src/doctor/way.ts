// The way to the API, asked step by step as a request would go: the name, a connection (through the proxy's tunnel where
// there is one), the TLS handshake. Facts out, or the error that a step ended with; nothing of ours is sent.

import { lookup } from 'node:dns/promises';
import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecure, type TLSSocket } from 'node:tls';
import type { Certificate, Way } from './judge-api.ts';

/** Every address of the name; it needs none of its own. */
export async function resolveName(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/** The way to an origin, by the proxy's URL or straight. */
export function wayTo(origin: string, proxy: string | null): Omit<Way, 'named'> {
  const { host, port, secure } = endOf(new URL(origin));
  const by = proxy === null ? null : endOf(new URL(proxy));
  return { host, port, secure, proxy: by === null ? null : `${by.host}:${by.port}` };
}

function endOf({ hostname, port, protocol }: URL): { host: string; port: number; secure: boolean } {
  const secure = protocol === 'https:';
  return { host: hostname, port: Number(port || (secure ? 443 : 80)), secure };
}

/** A connection, or the status that a proxy refuses it with. Over http:// a proxy is not asked for a tunnel. The caller destroys it. */
export function openConnection(
  way: Omit<Way, 'named'>,
  proxy: string | null,
  signal: AbortSignal,
): Promise<Socket | number> {
  if (proxy !== null && way.secure) return openTunnel(way, new URL(proxy), signal);
  const { host, port } = proxy === null ? way : endOf(new URL(proxy));
  return new Promise((resolve, reject) => {
    const socket = connect({ host: unbracketed(host), port }, () => resolve(socket));
    endWith(signal, socket, reject);
  });
}

function openTunnel(way: Omit<Way, 'named'>, proxy: URL, signal: AbortSignal): Promise<Socket | number> {
  const { host, port, secure } = endOf(proxy);
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const target = `${way.host}:${way.port}`;
  const headers: Record<string, string> = { host: target };
  if (proxy.username !== '') headers['proxy-authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return new Promise((resolve, reject) => {
    const options = { host: unbracketed(host), port, method: 'CONNECT', path: target, headers, agent: false, signal };
    const request = (secure ? requestSecure : requestPlain)(options);
    request.once('connect', ({ statusCode = 0 }, socket) => {
      socket.on('error', () => {});
      if (statusCode !== 200) socket.destroy();
      resolve(statusCode === 200 ? (socket as Socket) : statusCode);
    });
    request.once('response', ({ statusCode = 0 }) => {
      request.destroy();
      resolve(statusCode);
    });
    request.on('error', reject);
    request.end();
  });
}

/** The handshake on a connection, whatever is wrong with the certificate: what is, is a fact to be told. */
export function shakeHands(socket: Socket, way: Pick<Way, 'host'>, signal: AbortSignal): Promise<Certificate> {
  const host = unbracketed(way.host);
  return new Promise((resolve, reject) => {
    // An address is no name to ask for.
    const name = isIP(host) === 0 ? { servername: host } : {};
    const secured: TLSSocket = connectSecure({ socket, host, ...name, rejectUnauthorized: false }, () => {
      const { issuer, valid_to: validTo } = secured.getPeerCertificate();
      const trouble = secured.authorized ? null : troubleOf(secured.authorizationError);
      const who = [issuer?.O, issuer?.CN].flat().filter((each) => each !== undefined);
      const expiresAtMs = Date.parse(validTo);
      resolve({
        trouble,
        issuer: who.join(', ') || 'nobody named',
        expiresAtMs,
        protocol: secured.getProtocol() ?? 'TLS',
      });
      secured.destroy();
    });
    endWith(signal, secured, reject);
  });
}

/** Node gives a code, or an error that has one. */
function troubleOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function endWith(signal: AbortSignal, socket: Socket, reject: (error: Error) => void): void {
  const onAbort = () => socket.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('close', () => {
    signal.removeEventListener('abort', onAbort);
    // Closed before it was of use: a promise that is settled does not mind.
    reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
  });
  socket.on('error', reject);
}

const unbracketed = (host: string) => host.replace(/^\[(.+)\]$/, '$1');
