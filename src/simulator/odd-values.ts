// Values as they are met in the wild, drawn from a seeded source of chance: missing, null, repeated, new, huge, and text
// that Postgres does not take. Numbers a double cannot hold are raw JSON: they are served digit by digit.

import { rawNumber } from '../lib/lossless-json.ts';
import type { Random } from '../lib/random.ts';

const nul = '\u0000';
const loneHigh = '\ud83d';
const loneLow = '\ude00';
export const hugeLength = 100_000;

/** How likely each oddity is, by conversation, participant or communication: all of them show among a few hundred. */
export const seldom = 0.04;
export const rare = 0.0008;

/** Text that is missing, null, empty, odd or huge. */
export function bendText(value: Record<string, unknown>, field: string, random: Random): void {
  const text = String(value[field] ?? '');
  const roll = random.next();
  if (roll < rare) value[field] = `${text} ${'All work and no play. '.repeat(hugeLength / 22)}`;
  else if (roll < seldom / 2) value[field] = null;
  else if (roll < seldom) delete value[field];
  else if (roll < seldom * 2) value[field] = oddText(text, random);
}

export function oddText(text: string, random: Random): string {
  const middle = text.length >>> 1;
  const odd = random.pick([nul, loneHigh, loneLow, loneLow + loneHigh, '', '👩🏽‍💻 \u202eאבג', '\u2028"\\', '\ufffd']);
  return odd === '' ? '' : text.slice(0, middle) + odd + text.slice(middle);
}

/** Texts with one repeated, or one nobody has heard of. */
export function bendTexts(texts: readonly string[], random: Random, unheard: readonly string[]): string[] {
  const bent = random.chance(seldom) ? [...texts, random.pick(unheard)] : [...texts];
  return random.chance(seldom) ? withRepeated(bent, random, (text) => text) : bent;
}

/** An array that is missing, null or empty. */
export function bendArray(value: Record<string, unknown>, field: string, random: Random): void {
  const roll = random.next() / (seldom / 2);
  if (roll < 1) value[field] = null;
  else if (roll < 2) delete value[field];
  else if (roll < 3) value[field] = [];
}

export function withRepeated<T>(values: readonly T[], random: Random, again: (value: T) => T): T[] {
  if (values.length === 0) return [];
  const repeated = again(random.pick(values));
  const position = random.int(1, values.length);
  return [...values.slice(0, position), repeated, ...values.slice(position)];
}

export function newFields(random: Random): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    language: random.pick(['en-US', 'de-DE', null]),
    analytics: {
      tokens: rawNumber('9007199254740993123'),
      score: rawNumber('0.1234567890123456789012345'),
      tiny: rawNumber('1.5e-310'),
      negativeZero: rawNumber('-0.0'),
      steps: [{ name: 'detect', took: rawNumber('12.50') }, [], {}, null, true],
    },
    labels: ['b', 'a', 'b'],
    constructor: 'not a function',
    [`odd${nul}key`]: `${loneHigh}value${nul}`,
    'ключ "quoted"': { '': false },
  };
  return Object.fromEntries(Object.entries(fields).filter(() => random.chance(0.6)));
}

/** The time with 0 to 9 of its fraction digits. */
export function fewerDigits(time: string, random: Random): string {
  const digits = random.int(0, 9);
  const fraction = time.slice(20, -1).padEnd(digits, '0').slice(0, digits);
  return digits === 0 ? `${time.slice(0, 19)}Z` : `${time.slice(0, 19)}.${fraction}Z`;
}
