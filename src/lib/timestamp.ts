// RFC 3339 text in, one canonical text out: UTC, nine fraction digits, so that the order of strings is the order of time. A
// JavaScript Date would lose six of the nine digits that the API sends. Whole seconds since the epoch, as the edges of
// windows are, are plain numbers.

declare const canonical: unique symbol;

/** An instant as `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`; string order is time order. */
export type Timestamp = string & { readonly [canonical]: true };

// The form that the API writes nearly all its times in, canonical but for zeros at the end, and read eight times as fast.
// All days but 29 February: whether it exists, the shortcut cannot tell.
const plain =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
const shortest = 'YYYY-MM-DDTHH:MM:SSZ'.length;

const shape =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9})\d*)?(?:([Zz])|([+-])(\d{2}):?(\d{2}))$/;

/** Reads an RFC 3339 time with 0 or more fraction digits and any offset; otherwise undefined. Digits after the ninth are cut. */
export function parseTimestamp(text: string): Timestamp | undefined {
  if (!plain.test(text)) return parseAnyForm(text);
  return (text.slice(0, -1) + '.000000000Z'.slice(text.length - shortest)) as Timestamp;
}

/** The same without the shortcut; a test compares the two. */
export function parseAnyForm(text: string): Timestamp | undefined {
  const match = shape.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', , sign, offsetHours = '0', offsetMinutes = '0'] =
    match;
  const date = `${year}-${month}-${day}`;
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  // Date.parse reads 30 February as 1 March; here it is invalid.
  if (Number.isNaN(midnightMs) || !new Date(midnightMs).toISOString().startsWith(date)) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined;
  const offset = (sign === '-' ? -60 : 60) * (Number(offsetHours) * 60 + Number(offsetMinutes));
  const seconds = midnightMs / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  return withFraction(seconds, fraction);
}

const zero = '0'.charCodeAt(0);
/** 400 years, in which the calendar repeats itself. */
const cycleSeconds = 146_097 * 86_400;

/** Whole seconds since the epoch; the fraction is cut. Also of a time that is cut to the microsecond. */
export function secondsOf(time: string): number {
  const two = (at: number) => 10 * time.charCodeAt(at) + time.charCodeAt(at + 1) - 11 * zero;
  // Date.UTC takes years before 100 for 1900 to 1999.
  const year = 100 * two(0) + two(2) + 400;
  return Date.UTC(year, two(5) - 1, two(8), two(11), two(14), two(17)) / 1000 - cycleSeconds;
}

/** Whole seconds since the epoch as the API takes them: `2026-01-15T10:30:00Z`. */
export function formatSeconds(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

/** The instant at which a whole second begins. */
export function timestampOf(seconds: number): Timestamp {
  return `${formatSeconds(seconds).slice(0, 19)}.000000000Z` as Timestamp;
}

/** Cut to the microsecond, the precision of Postgres. Given nine digits, Postgres would round to another instant. */
export function toMicroseconds(timestamp: Timestamp): string {
  return `${timestamp.slice(0, 26)}Z`;
}

function withFraction(seconds: number, fraction: string): Timestamp | undefined {
  const iso = new Date(seconds * 1000).toISOString();
  // Years outside 0000 to 9999 have a sign and would sort wrongly.
  if (iso.length !== 24) return undefined;
  return `${iso.slice(0, 19)}.${fraction.padEnd(9, '0')}Z` as Timestamp;
}
