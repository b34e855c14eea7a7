// What webhooks of each known shape announce, and which say nothing.

import { expect, test } from 'vitest';
import { understand } from '../../src/webhooks/understand.ts';

const account = `AC${'a'.repeat(32)}`;
const read = (value: unknown) => understand(Buffer.from(JSON.stringify(value)), account);
const push = (conversationId: string, ...resultIds: string[]) => ({
  kind: 'push',
  push: { conversationId, resultIds },
});

const result = (id: string) => ({
  id,
  operator: { id: 'intelligence_operator_1', displayName: 'Summary', version: 2, parameters: {} },
  outputFormat: 'TEXT',
  result: { text: 'They talked.' },
  dateCreated: '2026-06-01T10:00:00.123456789Z',
  referenceIds: [],
  executionDetails: {},
  metadata: null,
});
const execution = (fields: object) => ({
  accountId: account,
  conversationId: 'conv_1',
  intelligenceConfiguration: { id: 'c', displayName: 'Calls', version: 3, ruleId: 'r' },
  ...fields,
});

test.each([
  ['a rule execution', execution({ operatorResults: [result('r1'), result('r2')] }), push('conv_1', 'r1', 'r2')],
  ['of an older shape', execution({ operatorResults: [{ friendlyName: 'x', id: 'r1' }] }), push('conv_1', 'r1')],
  ['without results', execution({}), push('conv_1')],
  ['with null results', execution({ operatorResults: null }), push('conv_1')],
  ['with no results', execution({ operatorResults: [] }), push('conv_1')],
  [
    'with odd results',
    execution({ operatorResults: [null, 1, {}, { id: 7 }, { id: '' }, { id: 'r' }, { id: 'r' }] }),
    push('conv_1', 'r'),
  ],
  ['without an account', { conversationId: 'conv_1', operatorResults: [] }, push('conv_1')],
  ['with a null account', { accountId: null, conversationId: 'conv_1' }, push('conv_1')],
  ['with an account in other letters', execution({ accountId: account.toUpperCase() }), push('conv_1')],
  [
    'an id of another pattern',
    execution({ conversationId: 'conv_conversation_772a49ae-48e7' }),
    push('conv_conversation_772a49ae-48e7'),
  ],
])('%s', (_what, body, understood) => {
  expect(read(body)).toEqual(understood);
});

const event = (eventType: string, data: unknown) => ({ eventType, timestamp: '2026-06-01T10:00:00Z', data });

test.each([
  ['CONVERSATION_CREATED', { id: 'conv_1', accountId: account }],
  ['CONVERSATION_UPDATED', { id: 'conv_1', status: 'CLOSED' }],
  ['CONVERSATION_UPDATED', { conversationId: 'conv_1', id: 'event_7' }],
  ['PARTICIPANT_ADDED', { id: 'part_1', conversationId: 'conv_1' }],
  ['COMMUNICATION_CREATED', { id: 'comm_1', conversationId: 'conv_1', content: { text: 'Hello' } }],
  ['COMMUNICATION_UPDATED', { id: 'comm_1', conversation: { id: 'conv_1' } }],
  ['SOMETHING_NEW', { conversationId: 'conv_1' }],
])('a status callback, %s with %j', (eventType, data) => {
  expect(read(event(eventType, data))).toEqual(push('conv_1'));
});

test.each([
  ['another account', execution({ accountId: `AC${'b'.repeat(32)}` })],
  ['an event of another account', event('CONVERSATION_UPDATED', { id: 'conv_1', accountId: `AC${'b'.repeat(32)}` })],
])('%s', (_what, body) => {
  expect(read(body)).toEqual({ kind: 'other_account' });
});

test.each<[string, unknown]>([
  ['a participant without its conversation', event('PARTICIPANT_ADDED', { id: 'part_1' })],
  ['an event without data', event('CONVERSATION_UPDATED', null)],
  ['an empty object', {}],
  ['null', null],
  ['a list', [execution({})]],
  ['a text', 'conv_1'],
  ['an id that is no text', execution({ conversationId: 7 })],
  ['an empty id', execution({ conversationId: '' })],
  ['an id that is too long', execution({ conversationId: 'x'.repeat(201) })],
  ['an id that no URL can hold', execution({ conversationId: 'a\ud800' })],
])('says nothing: %s', (_what, body) => {
  expect(read(body)).toEqual({ kind: 'unknown' });
});

test.each([
  ['no JSON', Buffer.from('conversationId=conv_1')],
  ['nothing', Buffer.alloc(0)],
  ['half a body', Buffer.from('{"conversationId":"conv_1"')],
  ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d])],
])('says nothing: %s', (_what, body) => {
  expect(understand(body, account)).toEqual({ kind: 'unknown' });
});
