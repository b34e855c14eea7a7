// A small seeded random number generator (sfc32): the same seed and stream give the same numbers on every machine. Two
// streams of one seed are independent. Not for secrets.

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One of the values. Throws RangeError for an empty array. */
  pick<T>(values: readonly T[]): T;
  /** A copy of the values in another order. */
  shuffle<T>(values: readonly T[]): T[];
  /** `length` characters of the alphabet. */
  text(alphabet: string, length: number): string;
}

/** A generator for a seed and a stream, both read as 32-bit integers. */
export function createRandom(seed: number, stream = 0): Random {
  let a = seed | 0;
  let b = stream | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;

  function draw(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
  // Seeds that differ in one bit give similar numbers at first; a dozen draws end that.
  for (let round = 0; round < 12; round += 1) draw();

  const next = () => draw() / 0x1_0000_0000;
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (values) => pickAt(values, int(0, values.length - 1)),
    shuffle: (values) => shuffled(values, int),
    text: (alphabet, length) => drawText(alphabet, length, draw),
  };
}

/** A 32-bit hash of a text (FNV-1a with a final mix). */
export function hashText(text: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function pickAt<T>(values: readonly T[], index: number): T {
  if (values.length === 0) throw new RangeError('cannot pick from an empty array');
  return values[index] as T;
}

function shuffled<T>(values: readonly T[], int: Random['int']): T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = int(0, last);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/** Each draw gives as many characters as 32 bits hold. Joined from codes, since text built with `+=` keeps all its pieces in memory. */
function drawText(alphabet: string, length: number, draw: () => number): string {
  const perDraw = Math.max(1, Math.floor(32 / Math.log2(Math.max(2, alphabet.length))));
  const codes = new Array<number>(length);
  for (let index = 0, bits = 0; index < length; index += 1) {
    bits = index % perDraw === 0 ? draw() : Math.floor(bits / alphabet.length);
    codes[index] = alphabet.charCodeAt(bits % alphabet.length);
  }
  return String.fromCharCode(...codes);
}
