// JSON in, a short text out that is equal for equal content: whatever the order of keys and of arrays, which the API
// changes from one answer to the next. Any other change, also of a field nobody knows yet, gives another fingerprint.
// Every value is hashed for itself, a field's by what its key makes of the beginning, and an array or object is hashed as
// the sum of what is in it: a sum knows no order. So nothing is sorted, and nothing put together only to be hashed.

import { isJsonObject, type Json } from '../lib/json.ts';
import { isRawNumber } from '../lib/lossless-json.ts';

/** How fingerprints are made: those that were made otherwise cannot be compared. */
export interface Making {
  /** Another number with every change by which equal content gets another fingerprint. */
  algorithm: number;
  /** What is left out or masked beforehand, see mask.ts; empty for nothing. */
  policy: string;
}

/** The present algorithm. */
export const algorithm = 1;

/** Whether fingerprints can be compared with those made at present under this policy. */
export function isComparable(made: Making, policy: string): boolean {
  return made.algorithm === algorithm && made.policy === policy;
}

/** Where there is no column for how a fingerprint was made, its text begins with that, unless it is the first way of all. */
const prefixOf = (policy: string) => (algorithm === 1 && policy === '' ? '' : `${algorithm}.${policy}.`);

/** A fingerprint made at present under this policy, with how it was made. */
export function noted(print: string, policy: string): string {
  return prefixOf(policy) + print;
}

/** Whether a noted fingerprint was made in another way than is done at present under this policy. */
export function isNotedOtherwise(text: string, policy: string): boolean {
  return text.slice(0, text.lastIndexOf('.') + 1) !== prefixOf(policy);
}

/**
 * 128 bits, as 22 characters. That two contents share them by accident is not to be feared; on purpose it would take
 * knowing the next `updatedAt`, which is among what is hashed, before the API gives it.
 * JSON nested thousands deep, which nobody could store, is all alike.
 */
export function fingerprint(value: Json): string {
  depth = 0;
  try {
    hash(value, root);
  } catch (error) {
    if (error instanceof RangeError) return 'nested too deeply';
    throw error;
  }
  for (const [at, word] of [a, b, c, d].entries()) bytes.writeInt32LE(word, 4 * at);
  return bytes.toString('base64url');
}

/** Four words that a hash begins from. */
type Seed = Int32Array;

const bytes = Buffer.alloc(16);
const root = Int32Array.of(1, 2, 3, 4);
const element = Int32Array.of(5, 6, 7, 8);

/** The stack ends at a depth that is not always the same, so that the same content would get two fingerprints. */
const maxDepth = 1000;
let depth = 0;

function goDeeper(): void {
  depth += 1;
  if (depth > maxDepth) throw new RangeError(`nested more than ${maxDepth} deep`);
}

/** What the last hash came to. Not returned, because an object for each of a million values would be the most of the work. */
let [a, b, c, d] = [0, 0, 0, 0];

function hash(value: Json, seed: Seed): void {
  if (typeof value === 'string') {
    hashText(value, kinds.text, seed);
  } else if (Array.isArray(value)) {
    goDeeper();
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (const each of value) {
      hash(each, element);
      sumA = (sumA + a) | 0;
      sumB = (sumB + b) | 0;
      sumC = (sumC + c) | 0;
      sumD = (sumD + d) | 0;
    }
    depth -= 1;
    hashSum(sumA, sumB, sumC, sumD, value.length, kinds.array, seed);
  } else if (!isJsonObject(value) || isRawNumber(value)) {
    hashText(JSON.stringify(value), kinds.other, seed);
  } else {
    goDeeper();
    let [sumA, sumB, sumC, sumD, fields] = [0, 0, 0, 0, 0];
    for (const key in value) {
      hash(value[key] ?? null, seedOf(key));
      sumA = (sumA + a) | 0;
      sumB = (sumB + b) | 0;
      sumC = (sumC + c) | 0;
      sumD = (sumD + d) | 0;
      fields += 1;
    }
    depth -= 1;
    hashSum(sumA, sumB, sumC, sumD, fields, kinds.object, seed);
  }
}

/** Told apart by the two lowest bits of the length. */
const kinds = { text: 0, other: 1, array: 2, object: 3 };

/** An API has few keys; whose keys are without end are hashed each time. */
const seeds = new Map<string, Seed>();
const mostSeeds = 1000;

function seedOf(key: string): Seed {
  const known = seeds.get(key);
  if (known !== undefined) return known;
  hashText(key, kinds.text, root);
  const seed = Int32Array.of(a, b, c, d);
  if (seeds.size < mostSeeds) seeds.set(key, seed);
  return seed;
}

const usualWords = 4096;
const mostWords = 64 * usualWords;
let words = new Int32Array(usualWords);

/** By its UTF-16 code units, two a word, so that texts no UTF-8 could hold differ too. */
function hashText(text: string, kind: number, seed: Seed): void {
  const { length } = text;
  const count = ((length + 7) >> 3) << 2;
  if (count > words.length || words.length > mostWords) words = new Int32Array(Math.max(count, usualWords));
  let word = 0;
  let at = 0;
  for (; at + 1 < length; at += 2) words[word++] = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
  if (at < length) words[word++] = text.charCodeAt(at);
  while (word < count) words[word++] = 0;
  hashWords(count, (length << 2) | kind, seed);
}

function hashSum(w: number, x: number, y: number, z: number, length: number, kind: number, seed: Seed): void {
  words[0] = w;
  words[1] = x;
  words[2] = y;
  words[3] = z;
  hashWords(4, (length << 2) | kind, seed);
}

const [mulA, mulB, mulC, mulD] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];

/** The first words, a multiple of four. MurmurHash3_x86_128 by Austin Appleby, of four seeds in place of one. */
function hashWords(count: number, length: number, seed: Seed): void {
  let [h1 = 0, h2 = 0, h3 = 0, h4 = 0] = seed;
  for (let at = 0; at < count; at += 4) {
    h1 ^= Math.imul(rotate(Math.imul(words[at] ?? 0, mulA), 15), mulB);
    h1 = (Math.imul((rotate(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotate(Math.imul(words[at + 1] ?? 0, mulB), 16), mulC);
    h2 = (Math.imul((rotate(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotate(Math.imul(words[at + 2] ?? 0, mulC), 17), mulD);
    h3 = (Math.imul((rotate(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotate(Math.imul(words[at + 3] ?? 0, mulD), 18), mulA);
    h4 = (Math.imul((rotate(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  [h1, h2, h3, h4] = [spread(h1), spread((h2 + h1) | 0), spread((h3 + h1) | 0), spread((h4 + h1) | 0)];
  a = (h1 + h2 + h3 + h4) | 0;
  b = (h2 + a) | 0;
  c = (h3 + a) | 0;
  d = (h4 + a) | 0;
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function spread(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
}
