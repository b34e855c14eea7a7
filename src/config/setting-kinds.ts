// The kinds of values of settings: for each, a schema that reads the text of the environment, and the words that complete
// "NAME takes …" when it is refused. Pure.

import { validate as validCron } from 'node-cron';
import { z } from 'zod';
import { parseDuration } from '../lib/duration.ts';
import { parseTimestamp, secondsOf } from '../lib/timestamp.ts';
import type { HistoryStart } from '../sync/model.ts';

export interface Kind<Value> {
  takes: string;
  schema: z.ZodType<Value, string>;
}

const printable = z.string().regex(/^[\x21-\x7e]+$/);

/** Any text without spaces and control characters: an id, a key, a host. */
export const word = (takes: string): Kind<string> => ({ takes, schema: printable });

/** Any text: a path, a password. */
export const text = (takes: string): Kind<string> => ({ takes, schema: z.string() });

/** Any text of at least so many characters. */
export const longText = (least: number): Kind<string> => ({
  takes: `at least ${least} characters`,
  schema: z.string().min(least),
});

/** Text that matches a pattern. */
export const pattern = (takes: string, shape: RegExp): Kind<string> => ({ takes, schema: z.string().regex(shape) });

/** One of a few words. */
export const oneOf = <const Word extends string>(...words: readonly Word[]): Kind<Word> => ({
  takes: orList(words),
  schema: z.string().pipe(z.enum(words)),
});

/** Several of a few words, with commas. */
export const someOf = <const Word extends string>(...words: readonly Word[]): Kind<Word[]> => ({
  takes: `one or more of ${words.join(', ')}, with commas`,
  schema: listOf(z.string().pipe(z.enum(words))),
});

/** Ids with commas. */
export const ids: Kind<string[]> = { takes: 'ids, with commas', schema: listOf(printable) };

/** Host names with commas, or `*`. */
export const hosts: Kind<string[]> = {
  takes: 'host names without ports, with commas, or * for any',
  schema: listOf(z.string().regex(/^(\*|[a-z0-9_-]+(\.[a-z0-9_-]+)*)$/i)),
};

/** One id. */
export const id: Kind<string> = { takes: 'one id', schema: printable.regex(/^[^,]*$/) };

/** A whole number in a range. */
export const whole = (min: number, max: number): Kind<number> => ({
  takes: `a whole number from ${min} to ${max}`,
  schema: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max)),
});

/** The schema of the views over all accounts. */
export const allSchema = 'twilio_all';

/** A schema of our own. What follows from it has a longer name, and Postgres cuts names at 63 bytes. */
export const schemaName: Kind<string> = {
  takes:
    'a name of at most 48 bytes that no other schema has: not public, pg_…, information_schema, twilio_all, …_sync or …_anonymous',
  schema: z
    .string()
    .refine((given) => Buffer.byteLength(given) <= 48 && !given.includes('\0'))
    .refine((given) => !/^(pg_.*|public|information_schema|twilio_all|.*_(sync|anonymous))$/s.test(given)),
};

/** 1 for yes, 0 for no. */
export const flag: Kind<boolean> = {
  takes: '1 or 0',
  schema: z
    .string()
    .pipe(z.enum(['0', '1']))
    .transform((digit) => digit === '1'),
};

const seconds = z.string().transform((given, context) => parseDuration(given) ?? refuse(context));
const aDuration = 'a whole number and a unit: s, m, h, d or w';

/** A duration, in seconds. */
export const duration: Kind<number> = { takes: `${aDuration}, such as 3d`, schema: seconds };

/** Durations with commas, in seconds, shortest first. */
export const durations: Kind<number[]> = {
  takes: `durations with commas, such as 1h,1d (each ${aDuration})`,
  schema: listOf(seconds).transform((found) => found.sort((a, b) => a - b)),
};

/** A cron expression that node-cron accepts. */
export const cron: Kind<string> = {
  takes: 'a cron expression of 5 fields, or 6 with seconds first, in UTC',
  schema: z.string().refine(isCron),
};

const knownCrons = new Set<string>();

/** A thousand accounts mostly have the same few expressions, and a check takes longer than that of all other settings together. */
function isCron(given: string): boolean {
  const valid = knownCrons.has(given) || validCron(given);
  if (valid && knownCrons.size < 1_000) knownCrons.add(given);
  return valid;
}

/** A date, its first instant in UTC, or a time, in whole seconds since the epoch. */
export const instant: Kind<number> = {
  takes: 'a date such as 2025-01-01 (UTC), or a time such as 2025-01-01T00:00:00Z',
  schema: z.string().transform((given, context) => instantOf(given) ?? refuse(context)),
};

function instantOf(given: string): number | undefined {
  const timestamp = parseTimestamp(/^\d{4}-\d{2}-\d{2}$/.test(given) ? `${given}T00:00:00Z` : given);
  return timestamp === undefined ? undefined : secondsOf(timestamp);
}

/** How far back history goes: an instant, or a duration back from now. */
export const historyStart: Kind<HistoryStart> = {
  takes: `${instant.takes}, or a duration back from now such as 400d`,
  schema: z.string().transform((given, context) => {
    const secondsBack = parseDuration(given);
    return secondsBack === undefined ? (instantOf(given) ?? refuse(context)) : { secondsBack };
  }),
};

/** A URL that paths are appended to: without a slash at its end. */
export const baseUrl: Kind<string> = {
  takes: 'an http:// or https:// URL without user, password, ? and #',
  schema: z.string().transform((given, context) => {
    const url = URL.canParse(given) ? new URL(given) : undefined;
    const whole = url !== undefined && /^https?:$/.test(url.protocol) && !/[?#]/.test(given);
    return whole && url.username === '' && url.password === '' ? url.href.replace(/\/+$/, '') : refuse(context);
  }),
};

/** A URL that others call, to the letter: another spelling of it would be another text. */
export const publicUrl: Kind<string> = {
  takes: 'an http:// or https:// URL without user, password and #',
  schema: printable.refine((given) => {
    const url = URL.parse(given);
    return url !== null && /^https?:\/\//i.test(given) && !/#/.test(given) && url.username + url.password === '';
  }),
};

/**
 * A proxy: credentials are allowed, and a missing scheme means http://, as in curl. Special characters would end the
 * credentials early and show a part of the password as the host's name.
 */
export const proxyUrl: Kind<string> = {
  takes:
    'an http:// or https:// URL, special characters of user and password in percent form: @ is %40, # is %23, % is %25',
  schema: z.string().transform((given, context) => {
    const url = /^[a-z0-9+.-]+:\/\//i.test(given) ? given : `http://${given}`;
    const parts = /^https?:\/\/(?:([^@/?#]*)@)?[^@/?#]+([/?#][^@]*)?$/i.exec(url);
    return parts !== null && URL.canParse(url) && isPercentEncoded(parts[1] ?? '') ? url : refuse(context);
  }),
};

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function listOf<Entry>(entry: z.ZodType<Entry, string>): z.ZodType<Entry[], string> {
  return z
    .string()
    .transform((given) => [...new Set(given.split(',').map((each) => each.trim()))])
    .pipe(z.array(entry));
}

function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function refuse(context: z.RefinementCtx): never {
  context.addIssue({ code: 'custom', message: 'refused' });
  return z.NEVER;
}
