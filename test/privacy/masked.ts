// What is left of the source under a mask, said a second time and in another way than the program says it; and what must
// then be nowhere in the database.

import type { WireOperatorResult } from '../../src/simulator/results.ts';
import type { Mask } from '../../src/sync/mask.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { differences } from '../oracle.ts';
import { resultDifferences } from '../result-oracle.ts';
import type { World } from '../world.ts';

/** A value as it is stored: itself, its hash, or null. */
const stored = (mask: Mask, kind: 'names' | 'addresses', value: string | null | undefined) => {
  if (value === null || value === undefined || mask.omits(kind)) return null;
  return mask.hashes(kind) ? mask.hash(value) : value;
};

const only = (fields: object, names: string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));

/** A conversation of the source as it would be if it had only what may be stored. */
function leftOf(conversation: WireConversationDetail, mask: Mask): WireConversationDetail {
  const { participants, communications, ...head } = conversation;
  const keep = (fields: object, names: string[]) => (mask.omits('extra') ? only(fields, names) : fields);
  const ids = ['channels', 'channelIds', 'intelligenceConfigurationIds', 'operatorResultIds'];
  const columns = ['id', 'accountId', 'name', 'status', 'conversationConfigurationId', 'createdAt', 'updatedAt'];
  return {
    ...keep(head, [...columns, ...ids]),
    name: stored(mask, 'names', head.name),
    participants: participants?.map((each) => ({
      ...keep(each, ['id', 'type']),
      id: each.id,
      name: stored(mask, 'names', each.name),
      addressValues: (each.addressValues ?? []).flatMap((address) => stored(mask, 'addresses', address) ?? []),
    })),
    communications: communications?.map((each) => {
      const { text, ...content } = each.content ?? {};
      return {
        ...keep(each, ['id', 'participantId', 'createdAt']),
        content: { ...keep(content, []), ...(mask.omits('texts') ? {} : { text }) },
      };
    }),
  } as unknown as WireConversationDetail;
}

function leftOfResult(result: WireOperatorResult, mask: Mask): WireOperatorResult {
  const value = result['result'];
  const label = typeof value === 'object' && value !== null && 'label' in value ? { label: value.label } : null;
  return mask.omits('results') ? { ...result, result: label } : result;
}

/** What differs between the tables and what is left of the source. Fields of results that have no column are not compared. */
export async function maskedDifferences(world: World, mask: Mask): Promise<string[]> {
  const conversations = world.source.all().map((each) => leftOf(each, mask));
  const ofConversations = await differences(world.pool, conversations, { mask });
  const results = await resultDifferences(
    world.pool,
    world.source.results().map((each) => leftOfResult(each, mask)),
  );
  const { rows } = await world.pool.query<{ id: string }>(
    'select id from twilio.operator_results where result is not null or text is not null',
  );
  const kept = mask.omits('results') ? rows.map(({ id }) => `${id}: its result is stored`) : [];
  const isOfMasked = (line: string) =>
    (mask.omits('results') && / result: /.test(line)) || (mask.omits('extra') && / extra: /.test(line));
  return [...ofConversations, ...results.filter((line) => !isOfMasked(line)), ...kept];
}

/** Texts, names, addresses and so on of the source that may not be stored: those long enough not to be there by accident. */
export function traces(world: World, mask: Mask): Set<string> {
  const found = new Set<string>();
  const add = (kind: 'texts' | 'names' | 'addresses' | 'results', text: unknown) => {
    // As it stands in JSON; a part that has no escapes is enough.
    const part =
      typeof text === 'string'
        ? text.split(/[^\x20\x21\x23-\x5b\x5d-\x7e]/).toSorted((a, b) => b.length - a.length)[0]
        : '';
    if (part !== undefined && part.length > 6 && (mask.omits(kind) || mask.hashes(kind))) found.add(part.slice(0, 80));
  };
  for (const { name, participants, communications } of world.source.all()) {
    add('names', name);
    for (const each of participants ?? []) {
      add('names', each.name);
      for (const address of each.addressValues ?? []) add('addresses', address);
    }
    for (const { content } of communications ?? []) add('texts', content?.text);
  }
  for (const { result } of world.source.results())
    if (typeof result === 'object' && result !== null && 'text' in result) add('results', result.text);
  return found;
}
