// What is read of an answer, what makes it unusable, and that reasons never quote it.

import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/lib/json.ts';
import { decodeDetail, decodePage } from '../../src/twilio/decode.ts';
import { BadAnswer } from '../../src/twilio/errors.ts';

const secret = 'people said this';
const item = { id: 'conv_conversation_772a49ae-48e7', createdAt: '2026-06-08T20:41:53.788355855Z' };

function page(...items: Json[]) {
  return decodePage('GET list', { items, meta: { key: 'items', pageSize: 50 } });
}

describe('a page', () => {
  test('holds each item as it came, unknown fields and all', () => {
    const raw = { ...item, updatedAt: '2026-06-08T22:41:53+02:00', status: 'DREAMING', new: { deep: [1, null] } };
    const { items, bad, nextToken } = page(raw, item);
    expect(items).toEqual([
      { id: item.id, createdAt: '2026-06-08T20:41:53.788355855Z', updatedAt: '2026-06-08T20:41:53.000000000Z', raw },
      { id: item.id, createdAt: '2026-06-08T20:41:53.788355855Z', updatedAt: null, raw: item },
    ]);
    expect(items[0]?.raw).toBe(raw);
    expect(bad).toEqual([]);
    expect(nextToken).toBeNull();
  });

  test.each<[Json, string | null, string]>([
    [{ ...item, createdAt: secret }, item.id, 'createdAt: is not an RFC 3339 time'],
    [{ ...item, createdAt: null }, item.id, 'createdAt: expected string, received null'],
    [{ id: item.id }, item.id, 'createdAt: expected string, received undefined'],
    [{ ...item, updatedAt: secret }, item.id, 'updatedAt: is not an RFC 3339 time'],
    [{ ...item, updatedAt: 5 }, item.id, 'updatedAt: expected string, received number'],
    [{ ...item, id: '' }, null, 'id: is empty'],
    [{ ...item, id: 7 }, null, 'id: expected string, received number'],
    [{ ...item, id: `a\u0000${secret}` }, null, 'id: holds U+0000 or a lone surrogate'],
    [{ ...item, id: `a\ud800${secret}` }, null, 'id: holds U+0000 or a lone surrogate'],
    [{ createdAt: 5 }, null, 'id: expected string, received undefined; createdAt: expected string, received number'],
    [secret, null, 'answer: expected object, received string'],
    [null, null, 'answer: expected object, received null'],
    [[secret], null, 'answer: expected object, received array'],
  ])('keeps a bad item apart: %j', (raw, id, reason) => {
    const { items, bad } = page(item, raw, item);
    expect(items).toHaveLength(2);
    expect(bad).toEqual([{ id, raw, reason }]);
  });

  test.each<[Json, string | null]>([
    [{ items: [] }, null],
    [{ items: [], meta: null }, null],
    [{ items: [], meta: {} }, null],
    [{ items: [], meta: { nextToken: null } }, null],
    [{ items: [], meta: { nextToken: '' } }, null],
    [{ items: [], meta: { nextToken: 'PT1' } }, 'PT1'],
  ])('token of %j', (json, token) => {
    expect(decodePage('GET list', json).nextToken).toBe(token);
  });

  test.each<Json>([
    {},
    { items: null },
    { items: { 0: secret } },
    [],
    null,
    secret,
    { items: [], meta: { nextToken: true } },
  ])('that is none is never an empty one: %j', (json) => {
    expect(() => decodePage('GET list', json)).toThrow(BadAnswer);
    expect(() => decodePage('GET list', json)).not.toThrow(secret);
  });
});

describe('a detail', () => {
  const decode = (more: JsonObject) => decodeDetail('GET detail', item.id, { ...item, ...more });

  test('holds participants and communications as they came', () => {
    const participants = [{ id: 'p1', name: null, type: 'ROBOT' }, { id: 'p1' }];
    const communications = [{ id: 'c1', createdAt: '2026-06-08T20:41:53Z', content: { text: secret } }, { id: 'c2' }];
    const detail = decode({ participants, communications });
    expect(detail.participants).toEqual(participants.map((raw) => ({ id: raw.id, raw })));
    expect(detail.communications).toEqual([
      { id: 'c1', createdAt: '2026-06-08T20:41:53.000000000Z', raw: communications[0] },
      { id: 'c2', createdAt: null, raw: communications[1] },
    ]);
    expect(detail.communications?.[0]?.raw).toBe(communications[0]);
  });

  test('tells an array that is absent or null from an empty one', () => {
    expect(decode({})).toMatchObject({ participants: null, communications: null, updatedAt: null });
    expect(decode({ participants: null, communications: null })).toMatchObject({
      participants: null,
      communications: null,
    });
    expect(decode({ participants: [], communications: [] })).toMatchObject({ participants: [], communications: [] });
  });

  test.each<[JsonObject, RegExp]>([
    [{ id: 'another' }, /id: is not the one that was asked for/],
    [{ participants: [{ id: '' }] }, /participants\.0\.id: is empty/],
    [{ participants: [{ name: secret }] }, /participants\.0\.id: expected string/],
    [{ participants: {} }, /participants: expected array/],
    [{ communications: [{ id: 'c' }, { id: 'd', createdAt: secret }] }, /communications\.1\.createdAt: is not an RFC/],
    [{ communications: [secret] }, /communications\.0: expected object/],
    [{ createdAt: secret }, /createdAt: is not an RFC/],
  ])('that cannot be used: %j', (more, message) => {
    expect(() => decode(more)).toThrow(BadAnswer);
    expect(() => decode(more)).toThrow(message);
    expect(() => decode(more)).not.toThrow(secret);
  });

  test('with a thousand faults has a short message', () => {
    const error = (() => {
      try {
        return decode({ communications: Array.from({ length: 1_000 }, () => null) });
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(BadAnswer);
    expect(String(error).length).toBeLessThan(400);
  });
});
