// Ids as the reference documents them, drawn from a seeded source of chance.
// Conversations `^conv_conversation_[0-7][0-9a-z]{25}$`; the kinds beside it follow the same form.

import type { Random } from '../lib/random.ts';

const base36 = '0123456789abcdefghijklmnopqrstuvwxyz';

export type IdKind =
  | 'conv_conversation'
  | 'conv_participant'
  | 'conv_communication'
  | 'conv_configuration'
  | 'intelligence_configuration'
  | 'intelligence_configurationrule'
  | 'intelligence_operator'
  | 'intelligence_operatorresult';

/** A new id of a kind: its prefix and 26 characters. */
export function drawId(kind: IdKind, random: Random): string {
  return `${kind}_${random.int(0, 7)}${random.text(base36, 25)}`;
}

/** A Twilio SID: two letters and 32 hexadecimal digits. */
export function drawSid(prefix: string, random: Random): string {
  return prefix + random.text('0123456789abcdef', 32);
}
