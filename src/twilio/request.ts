// A path in, its decoded answer out: the loop of attempts. Every attempt waits for the governor; its outcome goes to the
// governor, the table of retries and the API's clock. Nothing is logged here: `onAttempt` and `onRetry` are for that. The
// credentials may change while the client runs, when the file that holds them does.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { isJsonObject, type Json } from '../lib/json.ts';
import { parseLossless } from '../lib/lossless-json.ts';
import type { ApiClock } from './clock.ts';
import {
  type ApiError,
  BadAnswer,
  NotFound,
  Refused,
  TooLarge,
  Unauthorized,
  Unavailable,
  Unreachable,
} from './errors.ts';
import type { Governor } from './governor.ts';
import { type Answer, acceptedEncodings, get } from './http.ts';
import { remainingOf } from './limiter/quota.ts';
import { decide, type Outcome, type RetryLimits, retryAfterMs, waitAsked } from './retry.ts';

/** Lists and details of conversations and of operator results; `names` are the lists of operators and configurations. */
export const endpoints = ['list', 'detail', 'results', 'result', 'names'] as const;
export type Endpoint = (typeof endpoints)[number];

/** An attempt that ended, and was not aborted by the caller; `status` is undefined if no answer came. */
export interface Attempt {
  endpoint: Endpoint;
  attempt: number;
  status: number | undefined;
  ms: number;
  bytes: number;
  isUrgent: boolean;
}

/** A wait before the next attempt; `error` is the error of the last one. */
export interface Retry {
  endpoint: Endpoint;
  attempt: number;
  afterMs: number;
  why: string;
  error: ApiError;
}

export interface RequestParts {
  dispatcher: Dispatcher;
  governor: Governor;
  clock: ApiClock;
  origin: string;
  headers: Record<string, string>;
  credentials: Credentials;
  timeoutMs: number;
  retryLimits: RetryLimits;
  monotonicMs: () => number;
  random: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  onAttempt: (attempt: Attempt) => void;
  onRetry: (retry: Retry) => void;
}

export interface Wanted<Decoded> {
  endpoint: Endpoint;
  path: string;
  limitBytes: number;
  signal: AbortSignal;
  /** It goes before other requests. */
  urgent?: boolean;
  /** Called just before each attempt is sent. */
  onSend?: () => void;
  /** Takes the JSON and the length of its text in bytes. Throws BadAnswer for JSON that is not what was asked for. */
  decode: (tried: string, json: Json, bytes: number) => Decoded;
}

interface Failure {
  error: ApiError;
  outcome: Outcome;
}

/** The headers of every request, without the credentials. */
export function requestHeaders(userAgent: string): Record<string, string> {
  return {
    accept: 'application/json',
    // An answer from a cache may be old, and so is its Date.
    'cache-control': 'no-cache',
    'accept-encoding': acceptedEncodings,
    'user-agent': userAgent,
  };
}

/** Gets and decodes, with retries. Throws an ApiError, or the signal's reason. */
export async function request<Decoded>(parts: RequestParts, wanted: Wanted<Decoded>): Promise<Decoded> {
  const { endpoint, signal } = wanted;
  const tried = `GET ${parts.origin}${wanted.path.replace(/\?.*$/s, '')}`;
  for (let attempt = 1; ; attempt++) {
    const { authorization } = parts.credentials;
    const answer = await send(parts, wanted, tried, attempt);
    // Answers come in groups: the next requests are sent before the first answer is decoded.
    await nextTurn();
    const result = 'error' in answer ? answer : (refusal(parts, tried, attempt, answer) ?? read(tried, wanted, answer));
    if ('decoded' in result) {
      if ('date' in answer) parts.clock.see(answer.date, answer.age);
      return result.decoded;
    }
    const { error, outcome } = result;
    if (error instanceof Unauthorized && parts.credentials.renewed(authorization)) continue;
    const decision = decide(attempt, outcome, parts.random, parts.retryLimits);
    if (!decision.again) throw error;
    parts.onRetry({ endpoint, attempt, afterMs: decision.afterMs, why: decision.why, error });
    await parts.wait(decision.afterMs, signal);
  }
}

/** One attempt, from the governor's permission to the last byte. */
async function send<Decoded>(
  parts: RequestParts,
  wanted: Wanted<Decoded>,
  tried: string,
  attempt: number,
): Promise<Answer | Failure> {
  const { endpoint, path, limitBytes, signal, urgent: isUrgent = false, onSend } = wanted;
  const { dispatcher, origin, timeoutMs } = parts;
  const headers = { ...parts.headers, authorization: parts.credentials.authorization };
  const finish = await parts.governor.enter(signal, attempt > 1, isUrgent);
  onSend?.();
  const startedAtMs = parts.monotonicMs();
  const ended = (status: number | undefined, bytes: number) =>
    parts.onAttempt({ endpoint, attempt, status, bytes, ms: parts.monotonicMs() - startedAtMs, isUrgent });
  try {
    const answer = await get(dispatcher, { tried, origin, path, headers, timeoutMs, limitBytes, signal });
    if (answer.status === 429) {
      finish({ kind: 'refused', waitMs: waitAsked(answer, parts.retryLimits.serverCapMs) });
    } else if (answer.status < 500) {
      finish({ kind: 'good', remaining: remainingOf(answer.rateLimit.remaining, answer.rateLimit.limit) });
    } else {
      finish({ kind: 'failed' });
    }
    ended(answer.status, answer.wireBytes);
    return answer;
  } catch (error) {
    finish({ kind: 'failed' });
    // Aborted by the caller: it says nothing about the server.
    if (!(error instanceof Unreachable || error instanceof TooLarge)) throw error;
    ended(undefined, 0);
    if (error instanceof Unreachable) return { error, outcome: { kind: 'unreachable', trouble: error.trouble } };
    return { error, outcome: { kind: 'too-large' } };
  }
}

/** The error for an answer other than 200. */
function refusal(parts: RequestParts, tried: string, attempt: number, answer: Answer): Failure | undefined {
  const { status } = answer;
  if (status === 200) return undefined;
  const isTooMany = status === 429;
  const floorMs = isTooMany
    ? waitAsked(answer, parts.retryLimits.serverCapMs)
    : retryAfterMs(answer.retryAfter, answer.date);
  const outcome: Outcome = { kind: 'status', status, retryAfterMs: floorMs };
  const { code, message } = apiError(answer);
  if (status === 401 || status === 403) return { outcome, error: new Unauthorized(tried, status, code, message) };
  if (status === 404) return { outcome, error: new NotFound(tried) };
  if (isTooMany || (status >= 500 && status !== 501 && status !== 505)) {
    return { outcome, error: new Unavailable(tried, status, attempt, floorMs, message) };
  }
  if (status < 300) return { outcome, error: new BadAnswer(tried, [`status: expected 200, received ${status}`]) };
  return { outcome, error: new Refused(tried, status, code, statusReason(tried, answer) ?? message) };
}

/** The reason for statuses that do not come from the API. Of a redirect only the origin is shown: its query may hold secrets. */
function statusReason(tried: string, { status, location }: Answer): string | undefined {
  if (status === 407) return 'a proxy wants a user and a password';
  if (status >= 400 || location === undefined) return undefined;
  const origin = URL.parse(location, tried.replace(/^GET /, ''))?.origin;
  return origin && `it redirects to ${origin}, and the key does not go there`;
}

/** Code and message of the API's error JSON, if the body is one. */
function apiError(answer: Answer): { code?: number; message?: string } {
  try {
    const json = JSON.parse(answer.body.toString('utf8')) as Json;
    if (!isJsonObject(json)) return {};
    const { code, message } = json;
    return {
      ...(typeof code === 'number' && { code }),
      ...(typeof message === 'string' && { message: message.slice(0, 200).toWellFormed() }),
    };
  } catch {
    return {};
  }
}

function read<Decoded>(tried: string, { decode }: Wanted<Decoded>, answer: Answer): { decoded: Decoded } | Failure {
  try {
    const json = parseLossless(answer.body.toString('utf8').replace(/^\ufeff/, ''));
    return { decoded: decode(tried, json, answer.body.length) };
  } catch (error) {
    if (error instanceof BadAnswer) return { error, outcome: { kind: 'misshapen' } };
    // The SyntaxError quotes the body, which may be people's text: it is not passed on.
    const type = (answer.contentType ?? 'no content type').replace(/[^\x20-\x7e]|[;,].*/g, '').slice(0, 60);
    const { length } = answer.body;
    const issue = length === 0 ? `body: is empty (${type})` : `body: is not JSON (${length} bytes, ${type})`;
    return { error: new BadAnswer(tried, [issue]), outcome: { kind: 'unreadable' } };
  }
}

export interface Auth {
  username: string;
  password: string;
}

export interface Credentials {
  /** The header at present. */
  readonly authorization: string;
  /** Called when the API refused this header. @returns whether there is another one now. */
  renewed(refused: string): boolean;
}

/** `current` reads the credentials again; it is called only when the API refuses the present ones. */
export function createCredentials(auth: Auth & { current?: () => Auth | undefined }): Credentials {
  let authorization = basic(auth);
  return {
    get authorization() {
      return authorization;
    },
    renewed(refused) {
      // Of several requests refused together, the first reads them again.
      const now = authorization === refused ? auth.current?.() : undefined;
      if (now !== undefined) authorization = basic(now);
      return authorization !== refused;
    },
  };
}

function basic({ username, password }: Auth): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
