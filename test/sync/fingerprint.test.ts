// Equal for equal content in any order; different for any other content.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/lib/json.ts';
import { parseLossless } from '../../src/lib/lossless-json.ts';
import { algorithm, fingerprint, isNotedOtherwise, noted } from '../../src/sync/fingerprint.ts';

const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }) as fc.Arbitrary<Json>;

/** The same content, keys and arrays in an order of the draw's choosing, at every depth. */
function shuffled(value: Json, draw: () => number): Json {
  const mixed = <Value>(values: Value[]) =>
    values
      .map((each) => [draw(), each] as const)
      .sort(([a], [b]) => a - b)
      .map(([, each]) => each);
  if (Array.isArray(value)) return mixed(value).map((each) => shuffled(each, draw));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(mixed(Object.entries(value)).map(([key, field]) => [key, shuffled(field, draw)]));
}

/** Order-free equality, said a second time: arrays as multisets, found by trying. */
function same(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    const left = [...b];
    for (const each of a) {
      const at = left.findIndex((other) => same(each, other));
      if (at === -1) return false;
      left.splice(at, 1);
    }
    return left.length === 0;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b)) return false;
  const [keys, others] = [Object.keys(a).sort(), Object.keys(b).sort()];
  return (
    keys.length === others.length && keys.every((key, at) => key === others[at] && same(a[key] ?? null, b[key] ?? null))
  );
}

/** The value with one thing in it changed, chosen by `at`. */
function* changes(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    yield [...value, null];
    for (const [at, each] of value.entries()) {
      yield value.toSpliced(at, 1);
      for (const other of changes(each)) yield value.with(at, other);
    }
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    let fresh = 'new';
    while (Object.hasOwn(value, fresh)) fresh += '!';
    yield Object.fromEntries([...entries, [fresh, null]]);
    for (const [at, [key, field]] of entries.entries()) {
      yield Object.fromEntries(entries.toSpliced(at, 1));
      for (const other of changes(field)) yield Object.fromEntries(entries.with(at, [key, other]));
    }
  } else {
    yield typeof value === 'string' ? `${value} ` : `${value}`;
    yield [value];
    yield { a: value };
  }
}

describe('fingerprint', () => {
  test('is the same for the same content, keys and arrays in any order at every depth', () => {
    fc.assert(
      fc.property(json, fc.infiniteStream(fc.double({ noNaN: true })), (value, stream) => {
        const draw = () => stream.next().value ?? 0;
        expect(fingerprint(shuffled(value, draw))).toBe(fingerprint(value));
      }),
      { numRuns: 500 },
    );
  });

  test('any change, wherever it is, changes it', () => {
    fc.assert(
      fc.property(json, (value) => {
        const mine = fingerprint(value);
        for (const other of changes(value)) expect([mine, other]).not.toEqual([fingerprint(other), other]);
      }),
    );
  });

  test('two values have the same one only where they are the same', () => {
    const small = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Json>(null, true, '', ',', '[]', '{}', '"', '\\', 'null', 0, 1),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('', ',', ':', '"a":', 'a'), tie('value'), { maxKeys: 2 }),
      ),
    })).value;
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(fingerprint(a) === fingerprint(b)).toBe(same(a, b));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each<[Json, Json]>([
    [null, 'null'],
    [null, []],
    [[], {}],
    [[[]], []],
    [['a', 'a'], ['a']],
    [['a,b'], ['a', 'b']],
    [['a","b'], ['a', 'b']],
    [{ a: null }, {}],
    [{ a: { b: 1 } }, { a: 1, b: {} }],
    [1, '1'],
    [true, 'true'],
    ['\ud800', '\udfff'],
    ['\ud800', '\ufffd'],
    ['\u00e9', 'e\u0301'],
    ['\0', ''],
  ])('%j is not %j', (a, b) => {
    expect(fingerprint(a)).not.toBe(fingerprint(b));
  });

  test('numbers that a double cannot hold are told apart by their last digit', () => {
    const of = (text: string) => fingerprint(parseLossless(`{"n":${text}}`));
    expect(of('12345678901234567890')).not.toBe(of('12345678901234567891'));
    expect(of('12345678901234567890')).not.toBe(of('"12345678901234567890"'));
    expect(of('12345678901234567890')).not.toBe(of('{"rawJSON":"12345678901234567890"}'));
    expect(of('0.1000000000000000055')).not.toBe(of('0.1'));
    expect(of('1e400')).not.toBe(of('1e401'));
    expect(of('12345678901234567890')).toBe(of('12345678901234567890'));
  });

  test('one number written in two ways that a double holds is one number, and -0 is 0', () => {
    const of = (text: string) => fingerprint(parseLossless(text));
    expect(of('[1.0,100,-0]')).toBe(of('[1,1e2,0]'));
  });

  test('__proto__ is a key like any other', () => {
    const of = (text: string) => fingerprint(parseLossless(text));
    expect(of('{"__proto__":{"a":1}}')).not.toBe(of('{}'));
    expect(of('{"__proto__":{"a":1}}')).not.toBe(of('{"__proto__":{"a":2}}'));
  });

  test('is 22 characters that can stand in a URL, the same on every machine and in every version', () => {
    const item = { id: 'conv_conversation_1', channels: ['SMS', 'VOICE'], name: null };
    expect(fingerprint(item)).toMatch(/^[\w-]{22}$/);
    // Where it is another one, `algorithm` has to say so: what is stored is then taken over gradually.
    expect({ print: fingerprint(item), algorithm }).toEqual({
      print: 'RUY9Rsf824UH2KfJ-Td5Lg',
      algorithm: 1,
    });
  });

  test('of contents that differ by one letter, every bit differs half of the time', () => {
    const flips = Array.from({ length: 128 }, () => 0);
    const item = (name: string, at: number) => ({
      id: 'conv_conversation_1',
      participants: [{ name }, { at }],
      name: null,
    });
    const trials = 2000;
    for (let trial = 0; trial < trials; trial += 1) {
      const [one, other] = ['a', 'b'].map((last) =>
        Buffer.from(fingerprint(item(`${'x'.repeat(trial % 40)}${last}`, trial)), 'base64url'),
      );
      for (let bit = 0; bit < 128; bit += 1) {
        const differing = (one?.[bit >> 3] ?? 0) ^ (other?.[bit >> 3] ?? 0);
        flips[bit] = (flips[bit] ?? 0) + ((differing >> (bit & 7)) & 1);
      }
    }
    for (const flipped of flips) expect(Math.abs(flipped / trials - 0.5)).toBeLessThan(0.06);
  });
});

test('nested thousands deep, it ends all the same', () => {
  const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  expect(fingerprint(nested(5000))).toBe('nested too deeply');
  expect(fingerprint(nested(1001))).toBe('nested too deeply');
  expect(fingerprint(nested(1000))).toHaveLength(22);
  expect(fingerprint(JSON.parse(`${'{"a":'.repeat(1001)}1${'}'.repeat(1001)}`))).toBe('nested too deeply');
  // One after the other is not one within the other.
  expect(fingerprint(Array.from({ length: 2000 }, () => [{ a: [] }]))).toHaveLength(22);
});

test('where no column says how a fingerprint was made, its text does, but for the first way of all', () => {
  const print = fingerprint({ a: 1 });
  expect(noted(print, '')).toBe(print);
  for (const text of [print, 'nested too deeply']) expect(isNotedOtherwise(text, '')).toBe(false);
  for (const text of [`2..${print}`, `1.without names.${print}`]) expect(isNotedOtherwise(text, '')).toBe(true);
  expect(noted(print, 'without names')).toBe(`1.without names.${print}`);
  expect(isNotedOtherwise(`1.without names.${print}`, 'without names')).toBe(false);
  expect(isNotedOtherwise(print, 'without names')).toBe(true);
});
