// Whether a detail belongs to what is synced, as the API's own filters would decide.

import { expect, test } from 'vitest';
import { noFilters } from '../../src/config/config.ts';
import { type Filters, isSynced } from '../../src/sync/filters.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';

const detail = decodeDetail('GET detail', 'a', {
  id: 'a',
  createdAt: '2026-06-01T10:00:00.999999999Z',
  status: 'CLOSED',
  channels: ['VOICE', 'SMS'],
  channelIds: ['CH1'],
  conversationConfigurationId: 'conf_1',
  intelligenceConfigurationIds: ['int_1', 'int_2'],
});
const createdAt = Date.UTC(2026, 5, 1, 10) / 1000;

test.each<[Partial<Filters>, boolean]>([
  [{}, true],
  [{ status: 'CLOSED' }, true],
  [{ status: 'ACTIVE' }, false],
  [{ channels: ['EMAIL', 'SMS'] }, true],
  [{ channels: ['EMAIL'] }, false],
  [{ channelId: 'CH1' }, true],
  [{ channelId: 'CH2' }, false],
  [{ conversationConfigurationId: 'conf_1' }, true],
  [{ conversationConfigurationId: 'conf_2' }, false],
  [{ intelligenceConfigurationIds: ['int_2', 'int_3'] }, true],
  [{ intelligenceConfigurationIds: ['int_3'] }, false],
  [{ channels: ['SMS'], status: 'ACTIVE' }, false],
  // A detail does not tell: a listing has to.
  [{ operatorIds: ['op_1'] }, false],
])('%j: %s', (filters, expected) => {
  expect(isSynced(detail, { filters: { ...noFilters, ...filters }, start: 0 })).toBe(expected);
});

test('the start of history is included', () => {
  expect(isSynced(detail, { filters: noFilters, start: createdAt })).toBe(true);
  expect(isSynced(detail, { filters: noFilters, start: createdAt + 1 })).toBe(false);
});

test('a detail without the arrays passes only where they are not asked for', () => {
  const bare = decodeDetail('GET detail', 'a', { id: 'a', createdAt: '2026-06-01T10:00:00Z', channels: null });
  expect(isSynced(bare, { filters: noFilters, start: 0 })).toBe(true);
  expect(isSynced(bare, { filters: { ...noFilters, channels: ['SMS'] }, start: 0 })).toBe(false);
});
