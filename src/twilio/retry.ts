// The outcome of an attempt in, "again after so long" or "give up" out. What is retried is a table with reasons; chance
// is an argument; nothing here waits. Precedence: the table, then the attempts allowed, then a server's wait longer
// than ours may be ends it, then full jitter under our cap, and never less than the server's wait.

import type { Trouble } from './errors.ts';
import type { Answer } from './http.ts';

/** How an attempt went wrong. */
export type Outcome =
  | { kind: 'status'; status: number; retryAfterMs?: number | undefined }
  | { kind: 'unreachable'; trouble: Trouble }
  | { kind: 'unreadable' }
  | { kind: 'misshapen' }
  | { kind: 'too-large' };

export type Decision = { again: true; afterMs: number; why: string } | { again: false; why: string };

export interface RetryLimits {
  /** Longest wait of our own choosing. */
  capMs: number;
  /** Longest wait asked for by the server that we agree to. */
  serverCapMs: number;
}

export const retryLimits: RetryLimits = { capMs: 20_000, serverCapMs: 120_000 };

interface Rule {
  /** All attempts, the first included; 1 is never again. */
  attempts: number;
  /** The first wait is under it, the next under twice that, and so on. */
  baseMs: number;
  why: string;
}

const never = (why: string): Rule => ({ attempts: 1, baseMs: 0, why });

// Requests are GETs, so sending one again never does anything twice.
const statusRules: Record<string, Rule> = {
  401: never('a key does not become right by repeating it'),
  403: never('a right is not given by repeating the request'),
  404: never('it is not there; the caller decides what that means'),
  408: { attempts: 5, baseMs: 400, why: 'the server gave up waiting for a request it never had' },
  425: { attempts: 5, baseMs: 400, why: 'the server did not want it that early' },
  429: {
    attempts: 10,
    baseMs: 100,
    why: 'never processed; how fast all requests go is for the limiter to say',
  },
  501: never('the server does not know how'),
  505: never('the server does not speak this HTTP'),
};
const classRules: Record<string, Rule> = {
  2: { attempts: 4, baseMs: 400, why: 'only 200 has what was asked for; a gateway may have answered' },
  3: never('not followed: the key would go to another host'),
  4: never('the request is wrong, and would be again'),
  5: { attempts: 5, baseMs: 400, why: "the server's trouble, mostly over soon" },
};
const troubleRules: Record<Trouble, Rule> = {
  dns: { attempts: 5, baseMs: 400, why: 'resolvers fail for seconds' },
  connect: { attempts: 5, baseMs: 400, why: 'servers and routes come back' },
  proxy: { attempts: 5, baseMs: 400, why: 'a proxy answers for hosts it cannot reach at the moment' },
  reset: { attempts: 5, baseMs: 400, why: 'a connection kept alive too long, or cut' },
  protocol: { attempts: 4, baseMs: 400, why: 'cut or garbled on the way' },
  timeout: { attempts: 3, baseMs: 400, why: 'it may have hung; each attempt costs a whole timeout' },
  tls: never('a certificate does not become valid by repeating'),
  closed: never('we are closing'),
};
const unreadable: Rule = { attempts: 4, baseMs: 400, why: 'not JSON: cut on the way, or a gateway answered' };
const misshapen: Rule = { attempts: 3, baseMs: 400, why: 'half an answer, perhaps; a lasting one is its own trouble' };
const tooLarge = never('it would be as large again');

/** Decides what follows attempt `attempt` (from 1); `random` gives 0 (included) to 1 (excluded). */
export function decide(attempt: number, outcome: Outcome, random: () => number, limits = retryLimits): Decision {
  const rule = ruleOf(outcome);
  if (attempt >= rule.attempts) return { again: false, why: rule.why };
  const floorMs = outcome.kind === 'status' ? (outcome.retryAfterMs ?? 0) : 0;
  if (floorMs > limits.serverCapMs) return { again: false, why: 'the server asks to wait longer than we may' };
  // Full jitter (AWS, "Exponential Backoff and Jitter"): spreads clients that failed together over the whole time.
  const jitterMs = random() * Math.min(limits.capMs, rule.baseMs * 2 ** (attempt - 1));
  return { again: true, afterMs: Math.max(floorMs, jitterMs), why: rule.why };
}

/**
 * The wait that a Retry-After header asks for, in milliseconds from now, at least 0; undefined where there is none or it
 * is unreadable. A date is held against the answer's own Date header, never this machine's clock (RFC 9110, 10.2.3).
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
 * The wait that a 429 asks for, in milliseconds from now: its Retry-After, else its X-RateLimit-Reset. Undefined where
 * neither is there, or readable. A reset further away than `mostMs`, or over, says nothing: it may be any number.
 */
export function waitAsked(
  answer: Pick<Answer, 'retryAfter' | 'date' | 'rateLimit'>,
  mostMs: number,
): number | undefined {
  const afterMs = retryAfterMs(answer.retryAfter, answer.date);
  if (afterMs !== undefined) return afterMs;
  const resetMs = untilReset(answer.rateLimit.reset, answer.date);
  return resetMs !== undefined && resetMs >= 0 && resetMs <= mostMs ? resetMs : undefined;
}

/** Seconds until then, or since the epoch, or milliseconds since the epoch, held against the answer's own Date: servers differ. */
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
      return statusRules[outcome.status] ?? classRules[Math.floor(outcome.status / 100)] ?? never('no such status');
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
