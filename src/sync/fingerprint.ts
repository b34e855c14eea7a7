// JSON in, a short text out that is equal for equal content: whatever the order of keys and of arrays, which the API
// changes from one answer to the next. Any other change, also of a field nobody knows yet, gives another fingerprint.

import { hash } from 'node:crypto';
import { isJsonObject, type Json } from '../lib/json.ts';
import { isRawNumber } from '../lib/lossless-json.ts';

/** 132 bits of SHA-256 over the order-free form, as 22 characters. JSON nested thousands deep, which nobody could store, is all alike. */
export function fingerprint(value: Json): string {
  try {
    return hash('sha256', orderFree(value), 'base64url').slice(0, 22);
  } catch (error) {
    if (error instanceof RangeError) return 'nested too deeply';
    throw error;
  }
}

/** Equal for values that are equal but for order, different for others: each part says where it ends. */
function orderFree(value: Json): string {
  if (typeof value === 'string') return value.isWellFormed() ? `${value.length}"${value}` : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(orderFree).sort().join()}]`;
  if (!isJsonObject(value) || isRawNumber(value)) return JSON.stringify(value);
  const { sorted, quoted } = shapeOf(Object.keys(value));
  let fields = '';
  for (let at = 0; at < sorted.length; at += 1)
    fields += `${quoted[at]}:${orderFree(value[sorted[at] ?? ''] ?? null)},`;
  return `{${fields}}`;
}

interface Shape {
  keys: string[];
  sorted: string[];
  quoted: string[];
}

/** Objects of one API are of a few shapes: sorting and quoting their keys anew each time would be half of all the work. */
const shapes: Shape[] = [];
const mostShapes = 16;
let nextShape = 0;

function shapeOf(keys: string[]): Shape {
  const known = shapes.find(
    (shape) => shape.keys.length === keys.length && shape.keys.every((key, at) => key === keys[at]),
  );
  if (known !== undefined) return known;
  const sorted = keys.toSorted();
  const shape = { keys, sorted, quoted: sorted.map((key) => JSON.stringify(key)) };
  shapes[nextShape] = shape;
  nextShape = (nextShape + 1) % mostShapes;
  return shape;
}
