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

function orderFree(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(orderFree).sort().join()}]`;
  if (!isJsonObject(value) || isRawNumber(value)) return JSON.stringify(value);
  const fields = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${orderFree(value[key] ?? null)}`);
  return `{${fields.join()}}`;
}
