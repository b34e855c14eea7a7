// Numbers in, the same numbers out.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRawNumber, parseLossless } from '../../src/lib/lossless-json.ts';

const through = (text: string) => JSON.stringify(parseLossless(text));

test.each([
  '12345678901234567890',
  '0.1000000000000000055',
  '1e400',
  '-1e-400',
  '9007199254740993',
  '-123456789012345678.5',
])('%s keeps every digit', (number) => {
  for (const text of [number, `[${number}]`, `{"a":{"b":[1,${number}]}}`]) expect(through(text)).toBe(text);
  expect(isRawNumber(parseLossless(number))).toBe(true);
  expect(through(` [ 1 ,\n${number} ]`)).toBe(`[1,${number}]`);
});

test.each([
  ['1.0', '1'],
  ['1e2', '100'],
  ['100000000000000000000', '100000000000000000000'],
  ['1.50000000000000000000', '1.5'],
  ['0e99', '0'],
])('%s is held by a double, and stays a number', (text, expected) => {
  expect(through(text)).toBe(expected);
  expect(isRawNumber(parseLossless(text))).toBe(false);
});

test('any decimal number keeps its value', () => {
  const digits = fc.stringMatching(/^[0-9]{1,30}$/);
  const exponent = fc.option(fc.integer({ min: -420, max: 420 }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.boolean(),
      digits,
      fc.option(digits, { nil: undefined }),
      exponent,
      (minus, whole, fraction, power) => {
        const head = BigInt(whole).toString();
        const tail = `${fraction === undefined ? '' : `.${fraction}`}${power === undefined ? '' : `e${power}`}`;
        const text = `${minus ? '-' : ''}${head}${tail}`;
        expect(exact(through(`{"n":${text}}`).slice(5, -1))).toEqual(exact(text));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('everything else is as JSON.parse has it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(9), (value, at) => {
      const text = JSON.stringify([value, value], null, at);
      expect(parseLossless(text)).toEqual(JSON.parse(text));
      const beside = JSON.parse(`[${text},1e999]`.replace('1e999', '1'));
      expect(through(`[${text},1e999]`)).toBe(JSON.stringify(beside).replace(/1\]$/, '1e999]'));
    }),
  );
});

test('__proto__ is a key like any other, also beside a long number', () => {
  const text = '{"__proto__":{"a":1},"n":12345678901234567890}';
  expect(through(text)).toBe(text);
});

test('what is no JSON is refused', () => {
  for (const text of ['', '{', '<html>', '[1e400', '{"a":01}']) expect(() => parseLossless(text)).toThrow(SyntaxError);
});

/** A decimal number as an integer and a power of ten, in lowest form. */
function exact(text: string): { digits: bigint; power: number } {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  let digits = BigInt(whole.replace('-', '') + fraction);
  let power = Number(exponent) - fraction.length;
  if (digits === 0n) return { digits, power: 0 };
  while (digits % 10n === 0n) {
    digits /= 10n;
    power++;
  }
  return { digits: text.startsWith('-') ? -digits : digits, power };
}
