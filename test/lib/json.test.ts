// What counts as a JSON object.

import { expect, test } from 'vitest';
import { isJsonObject } from '../../src/lib/json.ts';

test.each([[{}], [{ a: 1 }], [JSON.parse('{"__proto__":1}')], [Object.create(null)]])('%j is an object', (value) => {
  expect(isJsonObject(value)).toBe(true);
});

test.each([[null], [undefined], [[]], [[{}]], [''], ['{}'], [0], [Number.NaN], [true]])('%j is none', (value) => {
  expect(isJsonObject(value)).toBe(false);
});
