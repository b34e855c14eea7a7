// The truth and what happens to it: every change as the API then shows it.

import { describe, expect, test } from 'vitest';
import { Source } from '../../src/simulator/source.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';

const startMs = Date.parse('2026-06-01T12:00:00Z');

function createSource() {
  let nowMs = startMs;
  const source = new Source({ accountId: 'AC1', now: () => nowMs });
  return { source, pass: (ms: number) => (nowMs += ms) };
}

describe('the source', () => {
  test('lets a conversation go on, close and open again', () => {
    const { source, pass } = createSource();
    const customer = { id: 'p1', name: 'Ines', type: 'CUSTOMER', addressValues: [] };
    const { id } = source.create({ participants: [customer] });
    pass(1000);
    const said = source.say(id, 'Hello');
    expect(said.communications).toMatchObject([{ participantId: 'p1', content: { text: 'Hello' } }]);
    expect(said.updatedAt).toMatch(/^2026-06-01T12:00:01\.000\d{6}Z$/);
    expect(source.close(id).status).toBe('CLOSED');
    expect(source.reopen(id).status).toBe('ACTIVE');
    expect(source.removeParticipant(id, 'p1').participants).toEqual([]);
    expect(source.get(id).communications).toHaveLength(1);
  });

  test('adds results and redacts, with updatedAt moving or not', () => {
    const { source } = createSource();
    const { id, updatedAt } = source.create();
    source.say(id, 'My card is 4111', { silent: true });
    source.addResult(id, { resultId: 'r1', silent: true });
    source.redact(id, { text: 'My card is ****', silent: true });
    expect(source.get(id)).toMatchObject({
      updatedAt,
      operatorResultIds: ['r1'],
      communications: [{ content: { text: 'My card is ****' } }],
    });
    expect(source.addResult(id).updatedAt).not.toBe(updatedAt);
  });

  test('redacts one communication alone', () => {
    const { source } = createSource();
    const { id } = source.create();
    source.say(id, 'one');
    source.say(id, 'two');
    const [, second] = source.get(id).communications ?? [];
    const redacted = source.redact(id, { communicationId: second?.id ?? '' });
    expect(redacted.communications?.map(({ content }) => content?.text)).toEqual(['one', '[redacted]']);
  });

  test('never gives two changes the same instant, although its clock stands', () => {
    const { source } = createSource();
    const times = Array.from({ length: 100 }, () => source.create().createdAt);
    expect(new Set(times).size).toBe(100);
    expect([...times].sort()).toEqual(times);
    expect(source.all().map(({ createdAt }) => createdAt)).toEqual(times);
  });

  test('deletes, and takes anything under its id again', () => {
    const { source } = createSource();
    const { id } = source.create();
    expect(source.remove(id)).toBe(true);
    expect(source.remove(id)).toBe(false);
    expect(source.find(id)).toBeUndefined();
    expect(() => source.say(id, 'Hello?')).toThrow(RangeError);
    source.put({ id, createdAt: '2026-01-01T00:00:00Z', surprise: { nested: [1] } });
    source.put({ id, createdAt: '2026-02-01T00:00:00+01:00' });
    expect(source.all()).toEqual([{ id, createdAt: '2026-02-01T00:00:00+01:00' }]);
  });

  test('holds values without an id or a readable time', () => {
    const { source } = createSource();
    const nameless = { createdAt: '2026-05-01T00:00:00Z' } as unknown as WireConversationDetail;
    source.put(nameless);
    source.put({ id: 'timeless', createdAt: 'soon' }, { listedAt: '2026-05-02T00:00:00Z' });
    source.put({ id: 'epoch', createdAt: 'soon' });
    expect(source.all()).toEqual([{ id: 'epoch', createdAt: 'soon' }, nameless, { id: 'timeless', createdAt: 'soon' }]);
  });

  test('leaves values it has handed out as they are', () => {
    const { source } = createSource();
    const before = source.create();
    const copy = structuredClone(before);
    source.say(before.id, 'Hello');
    source.close(before.id);
    expect(before).toEqual(copy);
  });
});
