// Tables of another object than the conversation, for tests: a key of two fields, paths into nested objects, a value that
// may be at either of two paths, columns of every type.

import type { JsonObject } from '../../src/lib/json.ts';
import { rawNumber } from '../../src/lib/lossless-json.ts';
import { element, field, ofParent, rest, type Table, text, time } from '../../src/sync/tables.ts';

const results: Table = {
  name: 'example_results',
  key: ['conversation_id', 'id'],
  columns: {
    conversation_id: text('conversationId'),
    id: text('id'),
    operator_id: text('operator.id'),
    operator_version: field('integer', 'operator.version'),
    label: text(['result.label', 'result'], { personal: 'results' }),
    result: field('jsonb', 'result', { personal: 'results' }),
    triggered_at: time('executionDetails.trigger.timestamp'),
    input_truncated: field('boolean', 'metadata.system.inputTruncated'),
    extra: rest,
  },
};

const references: Table = {
  name: 'example_result_references',
  parent: { table: results, array: 'referenceIds' },
  key: ['conversation_id', 'operator_result_id', 'reference_id'],
  columns: { conversation_id: ofParent, operator_result_id: ofParent, reference_id: element() },
};

export const exampleTables: readonly Table[] = [results, references];

/** An object of these tables. */
export function resultOf(fields: JsonObject = {}): JsonObject {
  return {
    id: 'r',
    conversationId: 'conv',
    operator: { id: 'op', version: 3 },
    result: { label: 'sad', score: rawNumber('0.1234567890123456789') as unknown as JsonObject },
    referenceIds: ['x', 'y', 'x'],
    executionDetails: { trigger: { timestamp: '2026-06-08T20:41:53.788355855Z' }, channels: ['VOICE'] },
    metadata: { system: { inputTruncated: false } },
    ...fields,
  };
}
