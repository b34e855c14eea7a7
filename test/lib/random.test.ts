// Chance that can be drawn again: the same by its seed and stream, even, within its limits.

import { describe, expect, test } from 'vitest';
import { createRandom, hashText } from '../../src/lib/random.ts';

const draw = (seed: number, stream?: number) => {
  const random = createRandom(seed, stream);
  return Array.from({ length: 50 }, () => random.next());
};

describe('createRandom', () => {
  test('draws the same by its seed and stream, and otherwise not', () => {
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1, 0)).not.toEqual(draw(1, 1));
  });

  test('keeps within its limits and uses all of them', () => {
    const random = createRandom(7);
    const drawn = Array.from({ length: 1000 }, () => random.int(3, 6));
    expect([...new Set(drawn)].sort()).toEqual([3, 4, 5, 6]);
    expect(drawn.filter((value) => value === 3).length).toBeGreaterThan(180);
    const numbers = Array.from({ length: 1000 }, () => random.next());
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  });

  test('picks and shuffles without a loss', () => {
    const random = createRandom(7);
    const values = Array.from({ length: 30 }, (_, index) => index);
    const shuffled = random.shuffle(values);
    expect(shuffled).not.toEqual(values);
    expect(shuffled.toSorted((a, b) => a - b)).toEqual(values);
    expect(values).toContain(random.pick(values));
    expect(() => random.pick([])).toThrow(RangeError);
  });

  test('writes text of an alphabet, also of one letter', () => {
    const random = createRandom(7);
    expect(random.text('0123456789abcdef', 500)).toMatch(/^[0-9a-f]{500}$/);
    expect(new Set(random.text('0123456789abcdefghijklmnopqrstuvwxyz', 2000)).size).toBe(36);
    expect(random.text('a', 5)).toBe('aaaaa');
    expect(random.text('ab', 0)).toBe('');
  });

  test('gives a hundred thousand streams texts of their own', () => {
    const texts = new Set(
      Array.from({ length: 100_000 }, (_, stream) => createRandom(1, stream).text('0123456789abcdef', 16)),
    );
    expect(texts.size).toBe(100_000);
  });
});

describe('hashText', () => {
  test('is the same for the same text, and spread evenly', () => {
    expect(hashText('conversation')).toBe(hashText('conversation'));
    expect(hashText('conversation')).not.toBe(hashText('conversation', 1));
    const odd = Array.from({ length: 1000 }, (_, index) => hashText(`conv_${index}`) % 2).filter((bit) => bit === 1);
    expect(odd.length).toBeGreaterThan(440);
    expect(odd.length).toBeLessThan(560);
  });
});
