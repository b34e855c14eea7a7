// The outcome of an attempt in, "retry after so many ms" or "give up" out. A table with reasons says what is retried. Pure:
// randomness is an argument, and nothing here waits. Precedence: the table; then the number of attempts; then, give up if
// the server asks for a longer wait than allowed; else full jitter under our cap, but at least the wait the server asks for.

import type { Trouble } from './errors.ts';
import type { Answer } from './http.ts';

/** How an attempt failed. */
export type Outcome =
  | { kind: 'status'; status: number; retryAfterMs?: number | undefined }
  | { kind: 'unreachable'; trouble: Trouble }
  | { kind: 'unreadable' }
  | { kind: 'misshapen' }
  | { kind: 'too-large' };

export type Decision = { again: true; afterMs: number; why: string } | { again: false; why: string };

export interface RetryLimits {
  /** The longest wait that we choose. */
  capMs: number;
  /** The longest wait that we accept from the server. */
  serverCapMs: number;
}

export const retryLimits: RetryLimits = { capMs: 20_000, serverCapMs: 120_000 };

interface Rule {
  /** Attempts in all, the first included; 1 is no retry. */
  attempts: number;
  /** The maximum of the first wait; it doubles with each attempt. */
  baseMs: number;
  why: string;
}

const never = (why: string): Rule => ({ attempts: 1, baseMs: 0, why });

// All requests are GETs, so a retry never does anything twice.
const statusRules: Record<string, Rule> = {
  401: never('the same key would be refused again'),
  403: never('the same key would be refused again'),
  404: never('it does not exist; the caller decides what that means'),
  408: { attempts: 5, baseMs: 400, why: 'the server timed out waiting for the request' },
  425: { attempts: 5, baseMs: 400, why: 'the server refused early data' },
  429: {
    attempts: 10,
    baseMs: 100,
    why: 'not processed; the limiter decides the rate',
  },
  501: never('the server does not implement it'),
  505: never('the server does not support this HTTP version'),
};
const classRules: Record<string, Rule> = {
  2: { attempts: 4, baseMs: 400, why: 'only 200 has the data; a gateway may have answered' },
  3: never('not followed: the key would go to another host'),
  4: never('the request is wrong and would be again'),
  5: { attempts: 5, baseMs: 400, why: 'a server error, usually short' },
};
const troubleRules: Record<Trouble, Rule> = {
  dns: { attempts: 5, baseMs: 400, why: 'a resolver fails for seconds' },
  connect: { attempts: 5, baseMs: 400, why: 'servers and routes recover' },
  proxy: { attempts: 5, baseMs: 400, why: 'the proxy may not reach the host at the moment' },
  reset: { attempts: 5, baseMs: 400, why: 'a kept-alive connection was closed or cut' },
  protocol: { attempts: 4, baseMs: 400, why: 'truncated or corrupted on the way' },
  timeout: { attempts: 3, baseMs: 400, why: 'the server may have hung; each attempt costs a full timeout' },
  tls: never('the same certificate would fail again'),
  closed: never('the client is closing'),
};
const unreadable: Rule = { attempts: 4, baseMs: 400, why: 'not JSON: truncated, or a gateway answered' };
const misshapen: Rule = { attempts: 3, baseMs: 400, why: 'perhaps half an answer' };
const tooLarge = never('it would be too large again');

/** Decides what follows attempt number `attempt`, from 1. `random` returns a number in [0, 1). */
export function decide(attempt: number, outcome: Outcome, random: () => number, limits = retryLimits): Decision {
  const rule = ruleOf(outcome);
  if (attempt >= rule.attempts) return { again: false, why: rule.why };
  const floorMs = outcome.kind === 'status' ? (outcome.retryAfterMs ?? 0) : 0;
  if (floorMs > limits.serverCapMs) return { again: false, why: 'the server asks for a longer wait than allowed' };
  // Full jitter (AWS, "Exponential Backoff and Jitter"): clients that failed together spread over the whole wait.
  const jitterMs = random() * Math.min(limits.capMs, rule.baseMs * 2 ** (attempt - 1));
  return { again: true, afterMs: Math.max(floorMs, jitterMs), why: rule.why };
}

/**
 * The wait that a Retry-After header asks for, in milliseconds from now, at least 0; undefined if there is none or it
 * is unreadable. A date is compared with the answer's own Date header, never with this machine's clock (RFC 9110, 10.2.3).
 */
export function retryAfterMs(retryAfter: string | undefined, date: string | undefined): number | undefined {
  const text = retryAfter?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // Date.parse reads almost anything as some date; an HTTP date begins with its weekday.
  if (!/^[A-Z][a-z]{2,8},? /.test(text) || date === undefined) return undefined;
  const ms = Date.parse(text) - Date.parse(date);
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/**
 * The wait that a 429 asks for, in milliseconds from now: its Retry-After, else its X-RateLimit-Reset. Undefined if
 * neither is there and readable. A reset in the past, or more than `maxMs` away, is ignored: it may be any number.
 */
export function waitAsked(
  answer: Pick<Answer, 'retryAfter' | 'date' | 'rateLimit'>,
  maxMs: number,
): number | undefined {
  const afterMs = retryAfterMs(answer.retryAfter, answer.date);
  if (afterMs !== undefined) return afterMs;
  const resetMs = untilReset(answer.rateLimit.reset, answer.date);
  return resetMs !== undefined && resetMs >= 0 && resetMs <= maxMs ? resetMs : undefined;
}

/** Servers differ: seconds from now, seconds since the epoch or milliseconds since the epoch. The latter two are compared with the answer's Date. */
function untilReset(reset: string | undefined, date: string | undefined): number | undefined {
  const text = reset?.trim() ?? '';
  if (!/^\d{1,14}(\.\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  if (value < 1e9) return value * 1_000;
  return (value < 1e11 ? value * 1_000 : value) - Date.parse(date ?? '');
}

function ruleOf(outcome: Outcome): Rule {
  switch (outcome.kind) {
    case 'status':
      return statusRules[outcome.status] ?? classRules[Math.floor(outcome.status / 100)] ?? never('unknown status');
    case 'unreachable':
      return troubleRules[outcome.trouble];
    case 'unreadable':
      return unreadable;
    case 'misshapen':
      return misshapen;
    case 'too-large':
      return tooLarge;
  }
}
