// What an analyst expects of the demo's data: agents with one identity and working hours, customers who come again,
// handovers, several languages, and operator results that fit what was said.

import { describe, expect, test } from 'vitest';
import { operatorOf, operators } from '../../src/simulator/results.ts';
import { fillSource } from '../../src/simulator/seed.ts';
import { SeededConversation } from '../../src/simulator/seeded.ts';
import { Source } from '../../src/simulator/source.ts';
import { german } from '../../src/simulator/talk/german.ts';
import type { WireConversationDetail, WireParticipant } from '../../src/twilio/wire.ts';
import { agentTypes } from '../held.ts';

const day = 86_400_000;
const untilMs = Date.parse('2026-06-15T10:00:00Z');
const source = new Source({ accountId: 'AC00000000000000000000000000000000' });
fillSource(source, { conversations: 2000, untilMs, days: 90 });
const all = source.all();

const addressOf = ({ addressValues }: WireParticipant) => addressValues?.[0] ?? '';
const isAgent = ({ type }: WireParticipant) => agentTypes.includes(type ?? '');
const hourOf = ({ createdAt }: WireConversationDetail) => new Date(createdAt).getUTCHours();
const textsOf = ({ communications }: WireConversationDetail) =>
  (communications ?? []).map(({ content }) => content?.text ?? '');

/** The agents who said something, in the order of their first words. */
function answering({ participants, communications }: WireConversationDetail): WireParticipant[] {
  const said = (communications ?? []).map(({ participantId }) => participants?.find(({ id }) => id === participantId));
  return [...new Set(said)].filter((each) => each !== undefined).filter(isAgent);
}

function share(is: (conversation: WireConversationDetail) => boolean): number {
  return all.filter(is).length / all.length;
}

function between(value: number, low: number, high: number): void {
  expect(value).toBeGreaterThan(low);
  expect(value).toBeLessThan(high);
}

describe('agents', () => {
  const seen = all.flatMap((conversation) =>
    (conversation.participants ?? []).filter(isAgent).map((agent) => ({ agent, conversation })),
  );
  const byAddress = Map.groupBy(seen, ({ agent }) => addressOf(agent));

  test('have one address, one name and one type each', () => {
    between(byAddress.size, 20, 30);
    for (const { agent } of seen) expect(agent.addressValues).toHaveLength(1);
    const identities = new Set(seen.map(({ agent }) => `${agent.name} ${addressOf(agent)} ${agent.type}`));
    expect(identities.size).toBe(byAddress.size);
    expect(new Set(seen.map(({ agent }) => agent.name)).size).toBe(byAddress.size);
  });

  test('work eight hours on five days a week, AI agents always', () => {
    for (const [address, conversations] of byAddress) {
      const isAi = address.endsWith('@bots.example.com');
      const hours = new Set(conversations.map(({ conversation }) => hourOf(conversation)));
      if (isAi) expect(hours.size).toBe(24);
      else expect(hours.size).toBeLessThanOrEqual(8);
      // Five local days begin and end on up to six of UTC.
      const days = new Set(conversations.map(({ conversation }) => new Date(conversation.createdAt).getUTCDay()));
      expect(days.size).toBeLessThanOrEqual(isAi ? 7 : 6);
    }
  });
});

describe('conversations', () => {
  test('are fewer at night and at weekends, unless they are to be spread evenly', () => {
    const isNight = (at: string) => new Date(at).getUTCHours() < 6;
    const isWeekend = (at: string) => [0, 6].includes(new Date(at).getUTCDay());
    between(
      share(({ createdAt }) => isNight(createdAt)),
      0.02,
      0.15,
    );
    between(
      share(({ createdAt }) => isWeekend(createdAt)),
      0.08,
      0.2,
    );
    const plan = { seed: 1, accountId: 'AC1', untilMs, spanMs: 70 * day, isEven: true };
    const even = Array.from({ length: 2000 }, (_, number) => new SeededConversation(plan, number).createdAt);
    between(even.filter(isNight).length / 2000, 0.22, 0.28);
    between(even.filter(isWeekend).length / 2000, 0.25, 0.32);
  });

  test('are answered by AI agents alone, handed over, passed on, broken off, or not answered at all', () => {
    const shares = Map.groupBy(all, (conversation) =>
      answering(conversation)
        .map(({ type }) => (type === 'AI_AGENT' ? 'AI' : 'person'))
        .join(' to '),
    );
    const part = (kind: string) => (shares.get(kind)?.length ?? 0) / all.length;
    between(part('AI'), 0.2, 0.35);
    between(part('AI to person'), 0.1, 0.25);
    between(part('person to person'), 0.03, 0.1);
    between(part('person'), 0.35, 0.55);
    between(part(''), 0.01, 0.06);
  });

  test('do not always list first who answered first', () => {
    const differs = share((conversation) => {
      const [first] = answering(conversation);
      return first !== undefined && (conversation.participants ?? []).find(isAgent) !== first;
    });
    between(differs, 0.03, 0.1);
  });

  test('have a language, of which extra fields tell, and other fields here and there', () => {
    const languageOf = ({ communications }: WireConversationDetail) => communications?.[0]?.content?.['language'];
    const ofGerman = all.filter((conversation) => languageOf(conversation) === 'de-DE');
    between(ofGerman.length / all.length, 0.08, 0.16);
    for (const { name } of ofGerman) expect(german.subjects.map((subject) => subject.name)).toContain(name);
    expect(new Set(all.map(languageOf))).toEqual(new Set([undefined, 'en-US', 'en-GB', 'de-DE', 'es-MX', 'fr-FR']));
    between(
      share((conversation) => 'attributes' in conversation),
      0.05,
      0.15,
    );
    between(
      share(({ participants }) => participants?.some((each) => 'profileId' in each) ?? false),
      0.25,
      0.45,
    );
  });
});

test('customers keep their name, address and profile, and some come again within a week', () => {
  const contacts = all.flatMap(({ createdAt, participants }) =>
    (participants ?? []).filter(({ type }) => type === 'CUSTOMER').map((who) => ({ who, atMs: Date.parse(createdAt) })),
  );
  const byAddress = Map.groupBy(contacts, ({ who }) => addressOf(who));
  let repeats = 0;
  for (const each of byAddress.values()) {
    expect(new Set(each.map(({ who }) => `${who.name} ${String(who['profileId'])}`)).size).toBe(1);
    const times = each.map(({ atMs }) => atMs).sort((a, b) => a - b);
    repeats += times.filter((atMs, at) => at > 0 && atMs - (times[at - 1] ?? 0) < 7 * day).length;
  }
  between(all.length / byAddress.size, 1.5, 4);
  between(repeats / all.length, 0.1, 0.35);
});

describe('operator results', () => {
  const results = source.results();
  const of = (name: string) =>
    results
      .filter(({ id }) => operatorOf(id).name === name)
      .map(({ conversationId, result }) => ({
        conversation: source.get(conversationId),
        result: result as Record<string, unknown>,
      }));

  test('come from different operators, but for a few that ran again', () => {
    const counts = all.map(({ operatorResultIds }) => ({
      ids: operatorResultIds?.length ?? 0,
      operators: new Set(operatorResultIds?.map((id) => operatorOf(id).name)).size,
    }));
    between(counts.filter((each) => each.ids > each.operators).length / all.length, 0.02, 0.15);
    for (const { name } of operators) between(of(name).length / results.length, 0.15, 0.25);
  });

  test('of JSON operators have the properties of their schema', () => {
    for (const { id, name, outputFormat } of operators) {
      if (outputFormat !== 'JSON') continue;
      const schema = source.operators.get(id)?.['outputSchema'] as {
        properties: Record<string, { type: string | string[] }>;
      };
      for (const { result } of of(name)) {
        expect(Object.keys(result)).toEqual(Object.keys(schema.properties));
        for (const [property, { type }] of Object.entries(schema.properties)) {
          const value = result[property];
          const given = value === null ? 'null' : typeof value;
          const wanted = [type].flat().map((each) => (each === 'integer' ? 'number' : each));
          expect(wanted, property).toContain(given);
        }
      }
    }
  });

  test('extract what stands in the text', () => {
    for (const { conversation, result } of of('Entities')) {
      const text = textsOf(conversation).join('\n');
      for (const entity of result['entities'] as { text: string }[]) expect(text).toContain(entity.text);
    }
  });

  test('name those who answered, and say so if nobody did', () => {
    let unanswered = 0;
    for (const { conversation, result } of of('Summary')) {
      const agents = answering(conversation);
      for (const { name } of agents) expect(result['text']).toContain(name);
      if (agents.length > 0) continue;
      unanswered += 1;
      expect(result['text']).toContain('nobody answered');
    }
    expect(unanswered).toBeGreaterThan(5);
  });

  test('score the script, a greeting by name above all, and tell sentiment by how a customer leaves', () => {
    for (const { conversation, result } of of('Script adherence')) {
      const [first] = answering(conversation);
      const said = (conversation.communications ?? []).filter(({ participantId }) => participantId === first?.id);
      const isGreeted = said.some(({ content }) => content?.text?.includes(first?.name ?? ''));
      expect(Number(result['score'])).toBeGreaterThanOrEqual(isGreeted ? 0.35 : 0);
      expect(Number(result['score'])).toBeLessThanOrEqual(isGreeted ? 1 : 0.65);
      expect(result['adherent']).toBe(Number(result['score']) >= 0.75);
    }
    const labels = Map.groupBy(of('Sentiment'), ({ result }) => result['label']);
    expect([...labels.keys()].sort()).toEqual(['negative', 'neutral', 'positive']);
    for (const { conversation } of labels.get('positive') ?? []) {
      expect(textsOf(conversation).join('\n')).toMatch(
        /Great, thank|all I needed|Super, vielen|mehr brauche ich nicht|Estupendo|todo lo que necesitaba|Parfait|tout ce qu’il me fallait/,
      );
    }
  });
});
