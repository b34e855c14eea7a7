// Random ids in the form that the reference documents.
// Conversations `^conv_conversation_[0-7][0-9a-z]{25}$`; the other kinds have the same form.

import type { Random } from '../lib/random.ts';

const base36 = '0123456789abcdefghijklmnopqrstuvwxyz';

/** The digits of a UUIDv7 in an id. */
export const crockford = '0123456789abcdefghjkmnpqrstvwxyz';
const timed = /^[a-z]+_[a-z]+_([0-7][0-9a-hjkmnp-tv-z]{9}[ef][0-9a-hjkmnp-tv-z]{15})$/;
const earliestMs = Date.UTC(2015, 0);
const latestMs = Date.UTC(2100, 0);

export type IdKind =
  | 'conv_conversation'
  | 'conv_participant'
  | 'conv_communication'
  | 'conv_configuration'
  | 'intelligence_configuration'
  | 'intelligence_configurationrule'
  | 'intelligence_operator'
  | 'intelligence_operatorresult'
  | 'mem_profile';

/** A new id of a kind: its prefix and 26 characters. */
export function drawId(kind: IdKind, random: Random): string {
  return `${kind}_${random.int(0, 7)}${random.text(base36, 25)}`;
}

/** A Twilio SID: two letters and 32 hexadecimal digits. */
export function drawSid(prefix: string, random: Random): string {
  return prefix + random.text('0123456789abcdef', 32);
}

/** An id as Twilio makes those of results: its 26 characters are a UUIDv7 of an instant, in Crockford's base32. */
export function drawTimedId(kind: IdKind, ms: number, random: Random): string {
  let time = '';
  for (let rest = ms, digits = 0; digits < 10; digits += 1, rest = Math.floor(rest / 32)) {
    time = crockford.charAt(rest % 32) + time;
  }
  const tail = random.text(crockford, 16);
  const digit = (at: number) => crockford.indexOf(tail.charAt(at));
  const version = crockford.charAt(0b01110 | (digit(0) & 0b00001));
  const variant = crockford.charAt((digit(3) & 0b10011) | 0b01000);
  return `${kind}_${time}${version}${tail.slice(1, 3)}${variant}${tail.slice(4)}`;
}

/** When an id was made, in ms since the epoch; undefined where its characters are no UUIDv7 of these decades. */
export function timeOfId(id: string): number | undefined {
  const text = timed.exec(id)?.[1];
  if (text === undefined) return undefined;
  let ms = 0;
  for (const character of text.slice(0, 10)) ms = ms * 32 + crockford.indexOf(character);
  const isVariant = (crockford.indexOf(text.charAt(13)) & 0b01100) === 0b01000;
  return isVariant && ms > earliestMs && ms < latestMs ? ms : undefined;
}
