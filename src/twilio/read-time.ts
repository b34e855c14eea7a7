// A time as the API writes it in, its canonical form out. The API writes nearly all its times in one way, upper case and
// UTC, which is canonical but for the zeros at its end; that way is recognised here, eight times as fast. Everything
// else, odd days too, is left to the parser, and a test holds both to the same answers.

import { parseTimestamp, type Timestamp } from '../lib/timestamp.ts';

// Days to 28 only: those every month has.
const plain = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
const seconds = 'YYYY-MM-DDTHH:MM:SS'.length;

/** Reads an RFC 3339 time exactly as `parseTimestamp` does; undefined where the text is not one. */
export function readTime(text: string): Timestamp | undefined {
  if (!plain.test(text)) return parseTimestamp(text);
  const digits = text.length === seconds + 1 ? '' : text.slice(seconds + 1, -1);
  return `${text.slice(0, seconds)}.${digits.padEnd(9, '0')}Z` as Timestamp;
}
