// Seeded data: the same by its seed, with all that the API documents; wild data with all that is seen in the wild.

import { describe, expect, test } from 'vitest';
import { fillSource, type SeedOptions } from '../../src/simulator/seed.ts';
import { startSimulator } from '../../src/simulator/server.ts';
import { Source } from '../../src/simulator/source.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { get, walk } from './requests.ts';

/** A Wednesday afternoon, when conversations are open. */
const untilMs = Date.parse('2026-06-03T16:00:00Z');

function seeded(options: Partial<SeedOptions> = {}): WireConversationDetail[] {
  const source = new Source({ accountId: 'AC00000000000000000000000000000000' });
  fillSource(source, { conversations: 500, untilMs, ...options });
  return source.all();
}

describe('seeded data', () => {
  test('is the same by its seed, and another by another', () => {
    expect(seeded({ seed: 5, wild: true })).toEqual(seeded({ seed: 5, wild: true }));
    expect(seeded({ seed: 5 })).not.toEqual(seeded({ seed: 6 }));
  });

  test('has every channel, status and participant type, in the documented patterns', () => {
    const all = seeded();
    const sorted = (values: unknown[]) => [...new Set(values)].sort();
    const participants = all.flatMap((conversation) => conversation.participants ?? []);
    expect(sorted(all.flatMap(({ channels }) => channels ?? []))).toEqual([
      'API',
      'CHAT',
      'EMAIL',
      'RCS',
      'SMS',
      'SYSTEM',
      'VOICE',
      'WHATSAPP',
    ]);
    expect(sorted(all.map(({ status }) => status))).toEqual(['ACTIVE', 'CLOSED', 'INACTIVE']);
    expect(sorted(participants.map(({ type }) => type))).toEqual([
      'AGENT',
      'AI_AGENT',
      'CUSTOMER',
      'HUMAN_AGENT',
      'UNKNOWN',
    ]);
    for (const { id, accountId } of all) {
      expect(id).toMatch(/^conv_conversation_[0-7][0-9a-z]{25}$/);
      expect(accountId).toMatch(/^AC[0-9a-fA-F]{32}$/);
    }
  });

  test('lies in its days, and every talk in order between its start and its last change', () => {
    for (const { createdAt, updatedAt, communications, participants } of seeded({ days: 7 })) {
      expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(untilMs - 7 * 86_400_000);
      expect(Date.parse(updatedAt ?? '')).toBeLessThan(untilMs);
      const times = (communications ?? []).map((communication) => communication.createdAt ?? '');
      expect([...times].sort()).toEqual(times);
      expect((times[0] ?? createdAt) >= createdAt.slice(0, 23)).toBe(true);
      const ids = participants?.map(({ id }) => id);
      for (const { participantId } of communications ?? []) expect(ids).toContain(participantId);
    }
  });

  test('reads like talk: no blank is left unfilled', () => {
    const texts = seeded().flatMap(({ communications }) =>
      (communications ?? []).map(({ content }) => content?.text ?? ''),
    );
    expect(texts.length).toBeGreaterThan(5000);
    for (const text of texts) expect(text).toMatch(/^[^{}]+$/);
  });

  test('has a crowd at one instant, and another within its second', () => {
    const count = (key: (createdAt: string) => string) =>
      Math.max(
        ...Map.groupBy(seeded({ crowd: 60 }), ({ createdAt }) => key(createdAt))
          .values()
          .map((group) => group.length),
      );
    expect(count((createdAt) => createdAt)).toBe(60);
    expect(count((createdAt) => createdAt.slice(0, 19))).toBe(120);
  });
});

describe('wild data', () => {
  const all = seeded({ conversations: 3000, wild: true });
  const participants = all.flatMap((conversation) => conversation.participants ?? []);
  const communications = all.flatMap((conversation) => conversation.communications ?? []);
  const some = <T>(values: readonly T[], is: (value: T) => boolean) => expect(values.some(is)).toBe(true);

  test('has times of 0 to 9 digits and more than a page at one instant', () => {
    const digits = new Set(all.map(({ createdAt }) => /\.(\d+)Z$/.exec(createdAt)?.[1]?.length ?? 0));
    expect([...digits].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const instants = Map.groupBy(all, ({ createdAt }) => createdAt);
    expect(Math.max(...instants.values().map((group) => group.length))).toBe(750);
  });

  test('keeps no documented pattern or value', () => {
    some(all, ({ id }) => !/^conv_conversation_[0-7][0-9a-z]{25}$/.test(id));
    some(all, ({ status }) => status === 'PAUSED');
    some(all, ({ channels }) => channels?.includes('FAX') ?? false);
    some(participants, ({ type }) => type === 'SUPERVISOR');
    some(all, (conversation) => 'analytics' in conversation);
    some(participants, (participant) => 'analytics' in participant);
    some(communications, (communication) => 'analytics' in communication);
    some(communications, ({ content }) => content?.['language'] === 'en-US');
  });

  test.each([
    'name',
    'participants',
    'channels',
    'channelIds',
    'intelligenceConfigurationIds',
    'operatorResultIds',
    'communications',
  ])('has %s null, absent and empty', (field) => {
    some(all, (conversation) => conversation[field] === null);
    some(all, (conversation) => !(field in conversation));
    some(all, (conversation) => (conversation[field] as string | unknown[] | null | undefined)?.length === 0);
  });

  test('has content, text, types and addresses missing', () => {
    some(communications, (communication) => communication.content === null);
    some(communications, (communication) => !('content' in communication));
    some(communications, ({ content }) => content?.text === null);
    some(communications, ({ content }) => typeof content === 'object' && content !== null && !('text' in content));
    some(participants, (participant) => participant.type === null);
    some(participants, (participant) => !('type' in participant));
    some(participants, (participant) => participant.addressValues === null);
    some(participants, (participant) => !('addressValues' in participant));
  });

  test('has values and ids repeated, and speakers nobody lists', () => {
    const repeats = (values: readonly unknown[] | null | undefined) => new Set(values).size < (values ?? []).length;
    some(all, (conversation) => repeats(conversation.channels));
    some(all, (conversation) => repeats(conversation.operatorResultIds));
    some(all, (conversation) => repeats(conversation.participants?.map(({ id }) => id)));
    some(all, (conversation) => repeats(conversation.communications?.map(({ id }) => id)));
    some(participants, ({ addressValues }) => repeats(addressValues));
    some(communications, ({ participantId }) => participantId?.startsWith('conv_participant_gone') ?? false);
  });

  test('has U+0000, lone surrogates and texts of 100 kB', () => {
    const texts = [...communications.map(({ content }) => content?.text ?? ''), ...all.map(({ name }) => name ?? '')];
    some(texts, (text) => text.includes('\u0000'));
    some(texts, (text) => !text.isWellFormed());
    some(texts, (text) => text.length > 100_000);
  });

  test('goes over the wire as it is, numbers digit by digit', async () => {
    await using simulator = await startSimulator({ now: () => untilMs });
    fillSource(simulator.source, { conversations: 300, untilMs, wild: true });
    const items = await walk(simulator, { pageSize: '40' });
    expect(items.map(({ id }) => id)).toEqual(simulator.source.ids().reverse());
    let wire = '';
    for (const conversation of simulator.source.all()) {
      const { text } = await get(simulator, `/v3/Conversations/${encodeURIComponent(conversation.id)}`);
      expect(text).toBe(JSON.stringify(conversation));
      wire += text;
    }
    for (const part of ['9007199254740993123', '0.1234567890123456789012345', '\\u0000', '\\ud83d'])
      expect(wire).toContain(part);
  });
});
