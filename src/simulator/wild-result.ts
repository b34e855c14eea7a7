// An operator result as it is met in the wild: the complete one in, bent by a source of chance that is its own; the same
// way every time. Whatever the reference calls an object may be null or missing, and a format may come in another form.

import { rawNumber } from '../lib/lossless-json.ts';
import type { Random } from '../lib/random.ts';
import { bendArray, bendText, fewerDigits, hugeLength, newFields, oddText, seldom } from './odd-values.ts';
import type { CompleteResult, WireOperatorResult } from './results.ts';

const objects = ['intelligenceConfiguration', 'operator', 'executionDetails', 'metadata'] as const;

/** The result, bent: its id, its conversation and, but for digits, its time stay as they are. */
export function bendResult(complete: CompleteResult, random: Random): WireOperatorResult {
  const bent: WireOperatorResult = { ...complete, dateCreated: fewerDigits(complete.dateCreated, random) };
  bendOutcome(bent, complete, random);
  for (const field of objects) bendObject(bent, field, random);
  if (random.chance(seldom)) bent['accountId'] = random.pick(['AC99999999999999999999999999999999', null]);
  if (random.chance(seldom)) bent['outputFormat'] = random.pick(['AUDIO', null, 'text']);
  if (random.chance(0.2)) bent['referenceIds'] = ['mem_observation_00000000000000000000000001', 'a', 'a'];
  bendArray(bent, 'referenceIds', random);
  return random.chance(0.1) ? { ...bent, ...newFields(random) } : bent;
}

function bendOutcome(bent: WireOperatorResult, { outputFormat, result }: CompleteResult, random: Random): void {
  if (random.chance(seldom)) {
    if (random.chance(0.5)) bent['result'] = null;
    else delete bent['result'];
    return;
  }
  if (outputFormat === 'TEXT') bent['result'] = bendTextResult(String(result['text']), random);
  if (outputFormat === 'CLASSIFICATION') {
    const label: Record<string, unknown> = { ...result };
    bendText(label, 'label', random);
    bent['result'] = random.chance(seldom) ? { ...label, confidence: rawNumber('0.9999999999999999999') } : label;
  }
  if (outputFormat === 'EXTRACTION') bent['result'] = bendEntities(result, random);
  if (outputFormat === 'JSON') bendJson(bent, result, random);
}

function bendTextResult(text: string, random: Random): unknown {
  if (random.chance(0.01)) return { text: `${text} ${'All work and no play. '.repeat(hugeLength / 22)}` };
  if (random.chance(0.15)) return random.chance(0.3) ? oddText(text, random) : text;
  const bent: Record<string, unknown> = { text };
  bendText(bent, 'text', random);
  return bent;
}

function bendEntities(result: CompleteResult['result'], random: Random): unknown {
  const entities = (Array.isArray(result['entities']) ? result['entities'] : []).map((entity) => {
    const other: Record<string, unknown> = { ...(entity as object) };
    bendText(other, 'text', random);
    if (random.chance(0.3)) Object.assign(other, { start: 17, end: 23, score: rawNumber('0.12345678901234567890') });
    return other;
  });
  const bent: Record<string, unknown> = {
    ...result,
    entities: random.chance(0.2) ? [...entities, ...entities] : entities,
  };
  bendArray(bent, 'entities', random);
  return bent;
}

function bendJson(bent: WireOperatorResult, result: CompleteResult['result'], random: Random): void {
  const roll = random.next();
  const refusal = 'I cannot help with that.';
  if (roll < 0.05) bent['result'] = { refusal };
  else if (roll < 0.1) Object.assign(bent, { result: null, refusal });
  else if (roll < 0.15) bent['result'] = [result, 'second', rawNumber('12345678901234567890')];
  else if (roll < 0.2) bent['result'] = rawNumber('3.14159265358979323846264338327950288');
  else if (roll < 0.6) bent['result'] = { ...result, ...newFields(random), total: rawNumber('90071992547409931.10') };
}

/** An object that is missing, null or empty, or has a field that is. */
function bendObject(value: Record<string, unknown>, field: (typeof objects)[number], random: Random): void {
  const roll = random.next() / (seldom / 2);
  if (roll < 1) value[field] = null;
  else if (roll < 2) delete value[field];
  else if (roll < 3) value[field] = {};
  else if (roll < 6) {
    const inner = { ...(value[field] as Record<string, unknown>) };
    const name = random.pick(Object.keys(inner));
    if (random.chance(0.5)) inner[name] = null;
    else delete inner[name];
    value[field] = inner;
  }
}
