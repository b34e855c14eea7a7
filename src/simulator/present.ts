// What an answer shows of a conversation or a result: the value held in, the value served out, as the switches bend it.
// Nothing is altered in place; where no switch has a say the value held is served as it is.

import { isJsonObject } from '../lib/json.ts';
import type { Random } from '../lib/random.ts';
import type { WireConversation, WireConversationDetail } from '../twilio/wire.ts';
import type { WireOperatorResult } from './results.ts';
import type { Switches } from './switches.ts';

const timestampShape = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/;
/** Arrays whose order has no meaning: shuffled in details too. */
const unordered = new Set(['channels', 'channelIds', 'intelligenceConfigurationIds', 'addressValues']);
/** All documented arrays of a list item; arrays in unknown fields keep their order. */
const listed = new Set([...unordered, 'participants', 'operatorResultIds']);

/** A conversation as in the list. */
export function presentItem(head: WireConversation, switches: Switches, random: Random): unknown {
  const results = head.operatorResultIds;
  const shown =
    switches.listedResults === 'all' || !Array.isArray(results)
      ? head
      : { ...head, operatorResultIds: switches.listedResults === 'none' ? [] : results.slice(0, -1) };
  const item = bend(shown, switches.itemsWithout, switches);
  return switches.unstableOrder === 'none' ? item : reorder(item, random, (field) => listed.has(field));
}

/** A conversation as in its detail. */
export function presentDetail(whole: WireConversationDetail, switches: Switches, random: Random): unknown {
  const detail = bend(whole, switches.detailsWithout, switches);
  return switches.unstableOrder === 'itemsAndDetails'
    ? reorder(detail, random, (field) => unordered.has(field))
    : detail;
}

/** An operator result, in a list and alone. */
export function presentResult(result: WireOperatorResult, switches: Switches, random: Random): unknown {
  const digits = switches.fractionDigits;
  const shown = digits === 'held' ? result : withDigits(result, digits);
  return switches.unstableOrder === 'none' ? shown : reorder(shown, random, () => false);
}

/** Whether the same value is always sent in the same form, so that its text may be cached. */
export function isStable(switches: Switches, kind: 'item' | 'detail'): boolean {
  return switches.unstableOrder === 'none' || (kind === 'detail' && switches.unstableOrder === 'items');
}

/** A timestamp with exactly so many fraction digits, cut or padded; other text is unchanged. */
export function withFractionDigits(text: string, digits: number): string {
  const match = timestampShape.exec(text);
  if (match === null) return text;
  const [, seconds = '', fraction = '', zone = ''] = match;
  return digits === 0 ? seconds + zone : `${seconds}.${fraction.padEnd(digits, '0').slice(0, digits)}${zone}`;
}

function bend(value: WireConversation, without: readonly string[], switches: Switches): Record<string, unknown> {
  const account = switches.servedAccountId === null ? undefined : { accountId: switches.servedAccountId };
  const bent: Record<string, unknown> = { ...value, ...account };
  for (const field of without) delete bent[field];
  for (const field of switches.nullFields) if (field in bent) bent[field] = null;
  const digits = switches.fractionDigits;
  return digits === 'held' ? bent : (withDigits(bent, digits) as Record<string, unknown>);
}

function withDigits(value: unknown, digits: number, field = ''): unknown {
  if (Array.isArray(value)) return value.map((element) => withDigits(element, digits));
  if (typeof value === 'string') return isTime(field) ? withFractionDigits(value, digits) : value;
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withDigits(inner, digits, name)]));
}

const isTime = (field: string) => field.endsWith('At') || field === 'dateCreated' || field === 'timestamp';

function reorder(value: unknown, random: Random, isLoose: (field: string) => boolean, field = ''): unknown {
  if (Array.isArray(value)) {
    const elements = value.map((element) => reorder(element, random, isLoose));
    return isLoose(field) ? random.shuffle(elements) : elements;
  }
  if (!isPlain(value)) return value;
  const fields = Object.entries(value).map(([name, inner]) => [name, reorder(inner, random, isLoose, name)] as const);
  return Object.fromEntries(random.shuffle(fields));
}

/** False for numbers kept as raw JSON: those are frozen objects that must not be copied. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return isJsonObject(value) && !Object.isFrozen(value);
}
