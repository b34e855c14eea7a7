// JSON text in, values out, with no number altered: one that a double cannot hold (12345678901234567890,
// 0.1000000000000000055, 1e400) becomes a JSON.rawJSON object, which JSON.stringify writes back digit for digit. Nearly all
// texts have no such number: a regular expression finds that out, at a fraction of the cost, and JSON.parse reads them.

import type { Json } from './json.ts';

/** The result of JSON.rawJSON; only JSON.stringify looks inside. */
export interface RawNumber {
  readonly rawJSON: string;
}

// TypeScript's library does not describe "JSON.parse source text access" yet (stage 4, in V8 since 11.4).
interface SourceTextAccess {
  parse(text: string, reviver: (key: string, value: Json, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
const sourceText = JSON as unknown as SourceTextAccess;

// A number follows one of `[ , :`, or is the whole text. A double always holds up to 15 digits without an exponent.
const mayLoseDigits = /[[,:](?:[-0-9]|\s+[-0-9])(?:[0-9.]{15}|[0-9.]*[eE])/;
const isNumber = /^\s*[-0-9]/;

/** Parses JSON without losing a digit. Throws SyntaxError, whose message quotes the text: never log it. */
export function parseLossless(text: string): Json {
  if (!mayLoseDigits.test(text) && !isNumber.test(text)) return JSON.parse(text) as Json;
  return sourceText.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined || holds(source, value)) return value;
    return rawNumber(source);
  }) as Json;
}

/** A number, digit by digit as in the JSON text. */
export function rawNumber(text: string): RawNumber {
  return sourceText.rawJSON(text);
}

/** True for a number that is kept as text because a double would alter it. */
export function isRawNumber(value: unknown): value is RawNumber {
  return sourceText.isRawJSON(value);
}

function holds(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  const text = String(value);
  return text === source || decimal(text) === decimal(source);
}

/** A unique spelling of a decimal value: its digits without zeros at either end, and the exponent of the last digit. */
function decimal(source: string): string {
  const [mantissa = '', exponent = '0'] = source.replace('-', (_, at: number) => (at === 0 ? '' : '-')).split(/[eE]/);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${kept}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - kept.length)}`;
}
