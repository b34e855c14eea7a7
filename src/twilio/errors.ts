// Everything that can go wrong between us and the API, each a class: callers decide by the class and its fields. Messages
// say what was tried, what happened and what is needed. They end up in logs, so none holds a key, a header, a proxy's
// password, or anything from a body except the API's own error message.

import { reasonOf } from '../lib/reason.ts';
import { formatSeconds } from '../lib/timestamp.ts';

/** Every error of `src/twilio`, except for an AbortSignal's reason; `tried` is the request, without its query. */
export class ApiError extends Error {
  readonly tried: string;

  constructor(tried: string, message: string, cause?: Error) {
    super(`${tried}: ${message}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.tried = tried;
  }
}

/** 401 or 403; `code` is Twilio's (20003), if the answer has one; `reason` is the API's message, at most 200 characters. */
export class Unauthorized extends ApiError {
  readonly status: number;
  readonly code: number | undefined;
  readonly reason: string | undefined;

  constructor(tried: string, status: number, code?: number, reason?: string) {
    const why = reason === undefined ? '' : `: ${reason}`;
    super(
      tried,
      `the API refused the key (${numbers(status, code)})${why}; use a key of this account and region that is not revoked`,
    );
    this.status = status;
    this.code = code;
    this.reason = reason;
  }

  /** The message for one conversation or result, when the key works for others. */
  messageForOne(what: 'conversation' | 'result'): string {
    const why = this.reason === undefined ? '' : `: ${this.reason}`;
    return `${this.tried}: the API refuses this ${what} (${numbers(this.status, this.code)})${why}`;
  }
}

const numbers = (status: number, code: number | undefined) =>
  code === undefined ? `${status}` : `${status}, code ${code}`;

/** 404. */
export class NotFound extends ApiError {
  readonly status = 404;

  constructor(tried: string) {
    super(tried, 'not found (404)');
  }
}

/** Any other answer that a retry would not change (3xx, 4xx, 501); `reason` is the API's message, at most 200 characters, or what the status means. */
export class Refused extends ApiError {
  readonly status: number;
  readonly code: number | undefined;
  readonly reason: string | undefined;

  constructor(tried: string, status: number, code?: number, reason?: string) {
    const shown = [`status ${status}`, code === undefined ? [] : `code ${code}`].flat().join(', ');
    super(tried, `the API refused the request (${shown})${reason === undefined ? '' : `: ${reason}`}`);
    this.status = status;
    this.code = code;
    this.reason = reason;
  }
}

/** A page token that the API no longer accepts: the list has to be read from its start. `cause` says how it was refused. */
export class TokenExpired extends ApiError {
  readonly status: number;

  constructor(tried: string, status: number, cause: Error) {
    super(tried, `the API no longer accepts its page token (status ${status}); the list has to be read again`, cause);
    this.status = status;
  }
}

/** The server ignores these filters: a page of results holds some that were not asked for. */
export class FilterIgnored extends ApiError {
  readonly filters: readonly string[];

  constructor(tried: string, filters: readonly string[]) {
    super(tried, `the API ignores the filter ${filters.join(' and ')}`);
    this.filters = filters;
  }
}

export type Trouble = 'dns' | 'connect' | 'proxy' | 'tls' | 'reset' | 'protocol' | 'timeout' | 'closed';

/** No complete answer came; `code` is Node's or undici's (ECONNREFUSED, UND_ERR_SOCKET …). */
export class Unreachable extends ApiError {
  readonly trouble: Trouble;
  readonly code: string;

  constructor(tried: string, trouble: Trouble, code: string, message: string, cause?: Error) {
    super(tried, message, cause);
    this.trouble = trouble;
    this.code = code;
  }
}

const troubles: [codes: RegExp, trouble: Trouble, words: string][] = [
  [/^(ENOTFOUND|EAI_)/, 'dns', 'the host name does not resolve'],
  [/^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, 'timeout', 'no answer in time'],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM)$/,
    'connect',
    'no connection',
  ],
  [/^UND_ERR_(PRX|PROXY|SOCKS5|ABORTED|INVALID_ARG)/, 'proxy', 'the proxy did not let the request through'],
  [/^(CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO)/, 'tls', 'TLS failed'],
  [/^UND_ERR_HEADERS_OVERFLOW$/, 'protocol', 'the response headers are larger than 64 KiB'],
  [/^(HPE_|UND_ERR_(RES_|INFO|NOT_SUPPORTED|RESPONSE))/, 'protocol', 'the answer was truncated or corrupted'],
  [/^UND_ERR_(DESTROYED|CLOSED)$/, 'closed', 'the client is closed'],
];

/**
 * Says what kept the answer from coming; what is not known counts as a reset connection. The cause is a new error with
 * only message and code: undici's HTTPParserError carries a piece of the body.
 */
export function unreachable(tried: string, error: unknown): Unreachable {
  const code = reasonOf(error);
  const [, trouble, words] = troubles.find(([codes]) => codes.test(code)) ?? [
    /./,
    'reset' as const,
    'the connection broke',
  ];
  const said = error instanceof Error ? error.message : '';
  const cause = Object.assign(new Error(said), { code });
  return new Unreachable(
    tried,
    trouble,
    code,
    `${words} (${code}${said === '' || said === code ? '' : `: ${said}`})`,
    cause,
  );
}

/**
 * 429 or 5xx, after the last retry or with a Retry-After longer than we wait; `reason` is the API's message, at most 200
 * characters.
 */
export class Unavailable extends ApiError {
  readonly status: number;
  readonly attempts: number;
  readonly retryAfterMs: number | undefined;

  constructor(tried: string, status: number, attempts: number, retryAfterMs?: number, reason?: string) {
    const asked = retryAfterMs === undefined ? '' : `, asks for a wait of ${Math.ceil(retryAfterMs / 1000)} s`;
    const after = `gave up after ${attempts} attempt${attempts === 1 ? '' : 's'}`;
    super(tried, `the API answers ${status}${asked}; ${after}${reason === undefined ? '' : `: ${reason}`}`);
    this.status = status;
    this.attempts = attempts;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Answers came, but the API's time cannot be determined from them; `disputed` is in seconds since the epoch. */
export class TimeUnknown extends Error {
  override readonly name = 'TimeUnknown';

  constructor({ disputed, cached }: { disputed: number[]; cached: boolean }) {
    super(
      disputed.length > 0
        ? `the API's answers do not agree on the time: ${disputed.slice(-5).map(formatSeconds).join(', ')}; three have to be within a minute of each other`
        : cached
          ? "all answers of the list came from a cache (they have an Age header): without the API's time nothing can be listed up to now"
          : "no answer of the list has a Date header: without the API's time nothing can be listed up to now",
    );
  }
}

/** An answer that cannot be read; `issues` name fields and what is wrong with them, never their values. */
export class BadAnswer extends ApiError {
  readonly issues: readonly string[];

  constructor(tried: string, issues: readonly string[]) {
    super(tried, `the answer cannot be used: ${issues.slice(0, 5).join('; ')}${issues.length > 5 ? '; …' : ''}`);
    this.issues = issues;
  }
}

/** A decompressed body of more than `limitBytes`; reading stopped there. */
export class TooLarge extends ApiError {
  readonly limitBytes: number;

  constructor(tried: string, limitBytes: number) {
    super(tried, `the answer is larger than the allowed ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
  }
}

/** Whether a shorter range, smaller pages or a new start of the list may avoid the error. Any other error fails the pass. */
export function isRangeSpecific(error: unknown): boolean {
  if (error instanceof Unavailable) return error.status !== 429;
  return (
    error instanceof TokenExpired || error instanceof BadAnswer || error instanceof TooLarge || error instanceof Refused
  );
}
