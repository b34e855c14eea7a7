// Text and JSON as Postgres holds them: what it refuses is replaced, and nothing else touched.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/lib/json.ts';
import { parseLossless } from '../../src/lib/lossless-json.ts';
import { storableJson, storableParameter, storableText } from '../../src/lib/storable.ts';

/** Any code units at all, those that Postgres refuses more often than not. */
const anyText = fc
  .array(
    fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfffd, 0x61)),
  )
  .map((codes) => String.fromCharCode(...codes));

describe('storableText', () => {
  test('any text becomes one that Postgres takes, of the same length, and then stays as it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const stored = storableText(text);
        expect(stored.isWellFormed() && !stored.includes('\0')).toBe(true);
        expect(stored).toHaveLength(text.length);
        expect(storableText(stored)).toBe(stored);
        expect(Buffer.from(stored).toString()).toBe(stored);
      }),
      { numRuns: 1_000 },
    );
  });

  test('only what Postgres refuses is replaced', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const stored = storableText(text);
        for (const [at, character] of [...text].entries()) {
          const refused = character === '\0' || !character.isWellFormed();
          expect([...stored][at]).toBe(refused ? '\uFFFD' : character);
        }
      }),
    );
  });

  test.each([
    ['', ''],
    ['\0', '\uFFFD'],
    ['a\0b\0', 'a\uFFFDb\uFFFD'],
    ['\uD83D', '\uFFFD'],
    ['\uDE00\uD83D', '\uFFFD\uFFFD'],
    ['😀', '😀'],
    ['\\u0000', '\\u0000'],
    ['\u0001\u007F\uFEFF\uFFFE\uFFFF', '\u0001\u007F\uFEFF\uFFFE\uFFFF'],
  ])('%j becomes %j', (text, stored) => {
    expect(storableText(text)).toBe(stored);
  });
});

describe('storableJson', () => {
  test('strings and keys are made storable at every depth', () => {
    const value = { 'a\0': ['\uD800', { b: 'x\0', 'c\uDC00': null }] };
    expect(storableJson(value)).toEqual({ 'a\uFFFD': ['\uFFFD', { b: 'x\uFFFD', 'c\uFFFD': null }] });
  });

  test('what is storable comes out as it went in, and the value given stays as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(storableJson(value as Json))).toBe(text);
        expect(JSON.stringify(value)).toBe(text);
      }),
    );
  });

  test('numbers that a double cannot hold keep their digits', () => {
    const text = '{"a":[12345678901234567890,{"b":1e400}],"c":0.1000000000000000055}';
    expect(JSON.stringify(storableJson(parseLossless(text)))).toBe(text);
  });

  test('__proto__ and constructor are keys like any other', () => {
    const text = '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":null}}';
    const stored = storableJson(JSON.parse(text));
    expect(JSON.stringify(stored)).toBe(text);
    expect(Object.getPrototypeOf(stored)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });
});

test('a parameter: texts, arrays and objects in it; all else is the very same', () => {
  const bytes = Buffer.from([0]);
  const at = new Date(0);
  expect(storableParameter(['a\0', null, 1, ['\uD83D'], { a: 'b\0' }])).toEqual([
    'a\uFFFD',
    null,
    1,
    ['\uFFFD'],
    { a: 'b\uFFFD' },
  ]);
  for (const same of [bytes, at, 7, null, true]) expect(storableParameter(same)).toBe(same);
});
