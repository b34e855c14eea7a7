// A small seeded source of chance (sfc32): the same seed and stream give the same draws on every machine, so that
// what was drawn once can be drawn again from its number alone. Not for secrets.
// Two streams of one seed are independent; a conversation's number makes a good stream.

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** One of the values; throws a RangeError where there are none. */
  pick<T>(values: readonly T[]): T;
  /** The values in another order; the array given stays as it is. */
  shuffle<T>(values: readonly T[]): T[];
  /** `length` characters of the alphabet. */
  text(alphabet: string, length: number): string;
}

/** A new source of chance for a seed and, within it, a stream; both are read as 32-bit whole numbers. */
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
  // Seeds that differ in one bit start alike; a dozen draws part them.
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

/** A 32-bit number for a text, spread evenly (FNV-1a with a final mix): the same text, the same number. */
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
  if (values.length === 0) throw new RangeError('Nothing to pick from: the array is empty');
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

/** As many characters a draw as 32 bits hold; joined from codes, since text grown by `+=` keeps all its pieces alive. */
function drawText(alphabet: string, length: number, draw: () => number): string {
  const perDraw = Math.max(1, Math.floor(32 / Math.log2(Math.max(2, alphabet.length))));
  const codes = new Array<number>(length);
  for (let index = 0, bits = 0; index < length; index += 1) {
    bits = index % perDraw === 0 ? draw() : Math.floor(bits / alphabet.length);
    codes[index] = alphabet.charCodeAt(bits % alphabet.length);
  }
  return String.fromCharCode(...codes);
}
