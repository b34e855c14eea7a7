// Text that Postgres can store. U+0000 and lone surrogates, which JSON allows and Postgres refuses, become U+FFFD; nothing
// else is altered. Used for columns, for jsonb, and for every parameter of a statement.

import { isJsonObject, type Json } from './json.ts';
import { isRawNumber } from './lossless-json.ts';

/** The text with U+0000 and lone surrogates replaced by U+FFFD. */
export function storableText(text: string): string {
  const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
  return wellFormed.includes('\0') ? wellFormed.replaceAll('\0', '\uFFFD') : wellFormed;
}

/** The value with all its strings and keys storable. Numbers kept as raw JSON stay as they are. */
export function storableJson(value: Json): Json {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storableJson);
  if (!isJsonObject(value) || isRawNumber(value)) return value;
  // fromEntries defines properties, so a key named __proto__ stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [storableText(key), storableJson(field)]));
}

/** A statement's parameter with all its text storable, also in arrays and in objects for jsonb. */
export function storableParameter(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storableParameter);
  const isPlain = isJsonObject(value) && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? storableJson(value) : value;
}
