// Whether Twilio has signed a webhook. The signature is over the URL as it was entered at Twilio, with the query that was called;
// the query holds a hash of the body. So a request can be refused before its body is read. Pure; every comparison takes the same
// time for every guess.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { parse, stringify } from 'node:querystring';

export const signatureHeader = 'x-twilio-signature';
/** Names the key and the algorithm where the account's auth token was not used: `key=…,algorithm=HMAC_SHA256`. */
export const settingsHeader = 'x-twilio-webhooks-signature-settings';

export interface Keys {
  /** The account's primary auth token. */
  authToken: string | undefined;
  /** The secret of a shared key. */
  sharedKey: string | undefined;
}

export interface Signed {
  /** The URL as it was entered at Twilio. */
  url: string;
  /** The request's target, as it came: path and query. */
  target: string;
  signature: string | undefined;
  /** The header with the signature's settings; undefined where there is none. */
  settings: string | undefined;
}

/** Why a request is refused. `key`: it is signed with a key that is not configured, or in a way that is not known. */
export type Refusal = 'unsigned' | 'key' | 'signature' | 'body';

/** Checks everything but the body. @returns why the request is refused; null if it is not. */
export function refusalOf({ url, target, signature, settings }: Signed, keys: Keys): Refusal | null {
  if (!signature) return 'unsigned';
  const algorithm = algorithmOf(settings);
  const key = settings === undefined ? keys.authToken : keys.sharedKey;
  if (algorithm === undefined || !key) return 'key';
  const called = calledUrl(url, target);
  if (hashInQuery(called) === null) return 'signature';
  const given = Buffer.from(signature);
  // Without `some`, which would stop at the first that is equal.
  const matches = formsOf(called).filter((form) => isEqual(given, Buffer.from(sign(key, form, algorithm))));
  return matches.length > 0 ? null : 'signature';
}

/** Whether the body is the one whose hash was signed. */
export function isSignedBody(target: string, body: Uint8Array): boolean {
  return isEqual(Buffer.from(hashInQuery(target) ?? ''), Buffer.from(hashOfBody(body)));
}

/** The signature of a URL, as the header has it. */
export function sign(key: string, url: string, algorithm: 'sha1' | 'sha256' = 'sha1'): string {
  return createHmac(algorithm, key).update(url, 'utf8').digest('base64');
}

/** The hash of a body, as the query has it. */
export function hashOfBody(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** A URL with the hash of a body in its query, as Twilio calls it. */
export function urlWithHash(url: string, body: Uint8Array): string {
  const [whole = ''] = url.split('#');
  return `${whole}${whole.includes('?') ? '&' : '?'}bodySHA256=${hashOfBody(body)}`;
}

/** The URL of one of several accounts: its SID is the end of the path, and so is under the signature. */
export function urlOfAccount(url: string, accountSid: string): string {
  const end = url.search(/[?#]|$/);
  return `${url.slice(0, end).replace(/\/$/, '')}/${accountSid}${url.slice(end)}`;
}

/** The account whose URL was called; undefined where it names none. In lower case: signatures tell whether it was entered so. */
export function accountOf(target: string): string | undefined {
  return /^[^?#]*\/(AC[0-9a-f]{32})\/?(?:[?#]|$)/i.exec(target)?.[1]?.toLowerCase();
}

/** The URL that was called: a proxy may have changed host and path of the request, but not its query. */
function calledUrl(url: string, target: string): string {
  const [entered = ''] = url.split(/[?#]/);
  return entered + queryOf(target);
}

function queryOf(target: string): string {
  const at = target.indexOf('?');
  return at === -1 ? '' : target.slice(at);
}

function hashInQuery(target: string): string | null {
  return new URLSearchParams(queryOf(target)).get('bodySHA256');
}

const algorithms = new Map<string, 'sha1' | 'sha256'>([
  ['HMAC_SHA1', 'sha1'],
  ['HMAC_SHA256', 'sha256'],
]);

function algorithmOf(settings: string | undefined): 'sha1' | 'sha256' | undefined {
  if (settings === undefined) return 'sha1';
  const named = /(?:^|,)\s*algorithm=([A-Za-z0-9_-]+)\s*(?:,|$)/.exec(settings);
  return algorithms.get(named?.[1] ?? '');
}

/**
 * The forms of a URL that Twilio may have signed: with its port and without, as it is and as a URL parser writes it, and with its
 * query encoded anew. They are those of the official clients.
 */
function formsOf(url: string): string[] {
  const parsed = URL.parse(url)?.toString() ?? url;
  const written = [withoutPort(parsed), withPort(parsed)];
  return [...new Set([withoutPort(url), withPort(url), ...written, ...written.map(withLegacyQuery)])];
}

/** Splits at the port, without changing a character of the rest. */
const parts = /^([a-z][a-z0-9+.-]*:\/\/)((?:[^/?#]*@)?)(\[[^\]/?#]*\]|[^:/?#]*)((?::[^/?#]*)?)(.*)$/is;

function withoutPort(url: string): string {
  const [, scheme = '', user = '', host = '', , rest = url] = parts.exec(url) ?? [];
  return scheme + user + host + rest;
}

function withPort(url: string): string {
  const [, scheme = '', user = '', host = '', port = '', rest] = parts.exec(url) ?? [];
  if (rest === undefined || port !== '') return url;
  return `${scheme}${user}${host}${scheme.toLowerCase() === 'https://' ? ':443' : ':80'}${rest}`;
}

function withLegacyQuery(url: string): string {
  const at = url.indexOf('?');
  return at === -1 ? url : `${url.slice(0, at)}?${stringify(parse(url.slice(at + 1)))}`;
}

function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
