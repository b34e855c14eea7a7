// The simulator held to npm's `twilio`, the official client: what it lists, pages, filters and fetches is compared
// with what the source holds. The client is the witness that nobody here wrote; only the host of its URLs is changed.

import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { operatorOf } from '../../src/simulator/results.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import type { WireConversation, WireConversationDetail } from '../../src/twilio/wire.ts';
import { clientOf, RedirectingClient } from './official-client.ts';

const untilMs = Date.parse('2026-06-01T00:00:00Z');
const seeded = { conversations: 320, untilMs, days: 60 };

async function startSeeded(): Promise<Simulator> {
  const simulator = await startSimulator({ now: () => untilMs });
  fillSource(simulator.source, seeded);
  return simulator;
}

/** What the client makes of a conversation: its times as dates, cut to the millisecond, and no fields that it does not know. */
function asRead({ attributes: _, ...conversation }: WireConversationDetail) {
  const { createdAt, updatedAt, participants } = conversation;
  return {
    ...conversation,
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt ?? createdAt),
    participants: participants?.map(({ profileId: _, ...participant }) => participant),
  };
}

function asListed(conversation: WireConversationDetail) {
  return { ...asRead(conversation), communications: null };
}

function newestFirst(simulator: Simulator, keep: (conversation: WireConversation) => boolean = () => true) {
  return simulator.source.all().reverse().filter(keep);
}

const json = (values: readonly { toJSON(): unknown }[]) => values.map((value) => value.toJSON());

describe('the official client', () => {
  test('lists everything, page after page', async () => {
    await using simulator = await startSeeded();
    const listed = await clientOf(simulator).conversations.list({ pageSize: 50 });
    expect(json(listed)).toEqual(newestFirst(simulator).map(asListed));
    expect(simulator.requests.byEndpoint.list).toBe(7);
  });

  test('lists no more than its limit', async () => {
    await using simulator = await startSeeded();
    const listed = await clientOf(simulator).conversations.list({ limit: 3 });
    expect(json(listed)).toEqual(newestFirst(simulator).slice(0, 3).map(asListed));
  });

  test('goes from page to page by itself, and to a page by its token', async () => {
    await using simulator = await startSeeded();
    const { conversations } = clientOf(simulator);
    const first = await conversations.page({ pageSize: 100, status: 'CLOSED' });
    const second = await first.nextPage();
    const again = await conversations.page({ pageSize: 100, status: 'CLOSED', pageToken: first.nextToken ?? '' });
    const closed = newestFirst(simulator, ({ status }) => status === 'CLOSED');
    expect(first.pageSize).toBe(100);
    expect(json(first.instances)).toEqual(closed.slice(0, 100).map(asListed));
    expect(json(second?.instances ?? [])).toEqual(closed.slice(100, 200).map(asListed));
    expect(json(again.instances)).toEqual(json(second?.instances ?? []));
  });

  test('sees each conversation once with each()', async () => {
    await using simulator = await startSeeded();
    const ids: (string | undefined)[] = [];
    await new Promise<void>((resolve, reject) => {
      clientOf(simulator).conversations.each(
        { pageSize: 64, done: (error?: Error) => (error ? reject(error) : resolve()) },
        ({ id }) => ids.push(id),
      );
    });
    expect(ids).toEqual(simulator.source.ids().reverse());
  });

  test('fetches every conversation whole', async () => {
    await using simulator = await startSeeded();
    const { conversations } = clientOf(simulator);
    for (const held of simulator.source.all().slice(0, 40)) {
      expect((await conversations(held.id).fetch()).toJSON()).toEqual(asRead(held));
    }
  });

  test('reads its errors: a wrong token, an id that is not there, a page too large', async () => {
    await using simulator = await startSeeded();
    const { conversations } = clientOf(simulator);
    await expect(clientOf(simulator, 'wrong').conversations.list()).rejects.toMatchObject({ status: 401, code: 20003 });
    await expect(conversations('conv_conversation_none').fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(conversations.page({ pageSize: 1001 })).rejects.toMatchObject({ status: 400 });
  });

  test('signs in with an API key as well', async () => {
    await using simulator = await startSeeded();
    const { apiKey, apiSecret, accountSid } = simulator.credentials;
    const options = { accountSid, httpClient: new RedirectingClient(simulator.url) };
    const listed = await twilio(apiKey, apiSecret, options).intelligence.v3.conversations.list({ limit: 1 });
    expect(listed).toHaveLength(1);
  });
});

describe('the official client filters', () => {
  test.each(['ACTIVE', 'INACTIVE', 'CLOSED'] as const)('by status %s', async (status) => {
    await using simulator = await startSeeded();
    const listed = await clientOf(simulator).conversations.list({ status });
    const held = newestFirst(simulator, (conversation) => conversation.status === status);
    expect(json(listed)).toEqual(held.map(asListed));
  });

  test('by channels, any of several', async () => {
    await using simulator = await startSeeded();
    const listed = await clientOf(simulator).conversations.list({ channels: ['VOICE', 'RCS'] });
    const held = newestFirst(simulator, ({ channels }) =>
      ['VOICE', 'RCS'].some((channel) => channels?.includes(channel)),
    );
    expect(held.length).toBeGreaterThan(0);
    expect(json(listed)).toEqual(held.map(asListed));
  });

  test('by the id of a channel resource', async () => {
    await using simulator = await startSeeded();
    const held = simulator.source.all().slice(7, 8);
    const listed = await clientOf(simulator).conversations.list({ channelId: held[0]?.channelIds?.[0] ?? '' });
    expect(json(listed)).toEqual(held.map(asListed));
  });

  test('by configurations', async () => {
    await using simulator = await startSeeded();
    const { conversations } = clientOf(simulator);
    const { conversationConfigurationId, intelligenceConfigurationIds } = newestFirst(simulator)[0] ?? {};
    const wanted = intelligenceConfigurationIds ?? [];
    const byOne = await conversations.list({ conversationConfigurationId: conversationConfigurationId ?? '' });
    const byMany = await conversations.list({ intelligenceConfigurationIds: wanted });
    const ofOne = newestFirst(simulator, (held) => held.conversationConfigurationId === conversationConfigurationId);
    const ofMany = newestFirst(simulator, (held) =>
      wanted.some((id) => held.intelligenceConfigurationIds?.includes(id)),
    );
    expect(json(byOne)).toEqual(ofOne.map(asListed));
    expect(json(byMany)).toEqual(ofMany.map(asListed));
  });

  test('by the operators that were executed', async () => {
    await using simulator = await startSeeded();
    const held = newestFirst(simulator, ({ operatorResultIds }) => (operatorResultIds ?? []).length > 0);
    const operatorId = operatorOf(held[0]?.operatorResultIds?.[0] ?? '').id;
    const listed = await clientOf(simulator).conversations.list({ operatorIds: [operatorId] });
    const expected = held.filter(({ operatorResultIds }) =>
      operatorResultIds?.some((id) => operatorOf(id).id === operatorId),
    );
    expect(json(listed)).toEqual(expected.map(asListed));
  });

  test('by createdAt, in whole seconds, up to 31 days', async () => {
    await using simulator = await startSeeded();
    const { conversations } = clientOf(simulator);
    const createdAtBefore = new Date(untilMs - 10 * 86_400_000);
    const createdAtAfter = new Date(untilMs - 41 * 86_400_000);
    const listed = await conversations.list({ createdAtBefore, createdAtAfter, pageSize: 20 });
    const held = newestFirst(simulator, ({ createdAt }) => {
      const atMs = Date.parse(createdAt);
      return atMs > createdAtAfter.getTime() && atMs < createdAtBefore.getTime();
    });
    expect(held.length).toBeGreaterThan(100);
    expect(json(listed)).toEqual(held.map(asListed));
    const tooEarly = new Date(createdAtAfter.getTime() - 1000);
    await expect(conversations.page({ createdAtBefore, createdAtAfter: tooEarly })).rejects.toMatchObject({
      status: 400,
    });
  });
});
