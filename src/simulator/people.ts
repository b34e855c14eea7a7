// The people of the simulated company. Agents have one name, one address and working hours; customers follow from a number,
// and speak the language of their market. Hours are local, and standard time all year.

import { day, hour } from '../lib/duration.ts';
import { createRandom, type Random } from '../lib/random.ts';
import { drawId } from './ids.ts';
import { english } from './talk/english.ts';
import { french } from './talk/french.ts';
import { german } from './talk/german.ts';
import type { Phrasebook } from './talk/phrasebook.ts';
import { spanish } from './talk/spanish.ts';

export interface Agent {
  readonly name: string;
  readonly address: string;
  readonly type: 'HUMAN_AGENT' | 'AGENT' | 'AI_AGENT';
  /** How often they do things by the book, 0 to 1. */
  readonly skill: number;
}

interface Person extends Agent {
  readonly phrasebooks: readonly Phrasebook[];
  readonly utcOffset: number;
  /** The hour in which their eight hours begin. */
  readonly from: number;
  /** The days on which they work, as digits; 0 is Sunday. */
  readonly days: string;
}

export interface Customer {
  readonly name: string;
  readonly address: string;
  /** What other systems know them by; not everybody has one. */
  readonly profileId: string | undefined;
  readonly market: Market;
}

export interface Market {
  readonly language: string;
  readonly phrasebook: Phrasebook;
  readonly utcOffset: number;
  readonly callingCode: string;
}

const markets: readonly { readonly share: number; readonly market: Market }[] = [
  { share: 0.4, market: { language: 'en-US', phrasebook: english, utcOffset: -6, callingCode: '+1555' } },
  { share: 0.32, market: { language: 'en-GB', phrasebook: english, utcOffset: 0, callingCode: '+44555' } },
  { share: 0.12, market: { language: 'de-DE', phrasebook: german, utcOffset: 1, callingCode: '+49555' } },
  { share: 0.09, market: { language: 'es-MX', phrasebook: spanish, utcOffset: -6, callingCode: '+52555' } },
  { share: 0.07, market: { language: 'fr-FR', phrasebook: french, utcOffset: 1, callingCode: '+33555' } },
];

type Row = readonly [name: string, skill: number, from: number, days: string, phrasebook?: Phrasebook];

const teams: readonly { utcOffset: number; type: 'HUMAN_AGENT' | 'AGENT'; people: readonly Row[] }[] = [
  {
    utcOffset: 1,
    type: 'HUMAN_AGENT',
    people: [
      ['Anna Keller', 0.92, 7, '12345', german],
      ['Luc Moreau', 0.81, 8, '12345', french],
      ['Marta Nowak', 0.86, 7, '12345'],
      ['Felix Brandt', 0.64, 11, '12345', german],
      ['Claire Petit', 0.9, 11, '03456', french],
      ['Ewa Lis', 0.73, 11, '12356', german],
      ['Aoife Byrne', 0.88, 9, '12345'],
      ['Tom Hughes', 0.55, 9, '02346'],
      ['Sara Lind', 0.79, 12, '12345'],
    ],
  },
  {
    utcOffset: -6,
    type: 'HUMAN_AGENT',
    people: [
      ['Maria Gomez', 0.93, 7, '12345', spanish],
      ['Jack Miller', 0.7, 7, '12345'],
      ['Aisha Brown', 0.89, 8, '12345'],
      ['Luis Rojas', 0.76, 11, '02345', spanish],
      ['Emily Clark', 0.84, 9, '12345'],
      ['Noah Davis', 0.52, 11, '12356'],
      ['Rosa Pineda', 0.87, 9, '12346', spanish],
      ['Ethan Wong', 0.78, 12, '01456'],
      ['Olivia Scott', 0.91, 10, '12345'],
    ],
  },
  {
    utcOffset: 8,
    type: 'AGENT',
    people: [
      ['Jun Reyes', 0.82, 6, '12345'],
      ['Liza Santos', 0.88, 8, '01236'],
      ['Paolo Cruz', 0.61, 8, '23456'],
      ['Grace Tan', 0.9, 14, '12345'],
      ['Ramon Diaz', 0.69, 14, '01256'],
      ['Bea Lim', 0.83, 16, '03456'],
    ],
  },
];

const people: readonly Person[] = teams.flatMap(({ utcOffset, type, people: rows }) =>
  rows.map(([name, skill, from, days, phrasebook]) => ({
    name,
    address: `sip:${name.toLowerCase().replace(' ', '.')}@example.com`,
    type,
    skill,
    phrasebooks: phrasebook === undefined ? [english] : [english, phrasebook],
    utcOffset,
    from,
    days,
  })),
);

/** The AI agents: the first writes, the second speaks. */
export const aiAgents: readonly [Agent, Agent] = [
  { name: 'Ava', address: 'ava@bots.example.com', type: 'AI_AGENT', skill: 0.8 },
  { name: 'Max', address: 'max@bots.example.com', type: 'AI_AGENT', skill: 0.75 },
];

/** Who is at work at an instant and speaks the language. */
export function peopleAtWork(atMs: number, phrasebook: Phrasebook): Agent[] {
  return people.filter(({ phrasebooks, utcOffset, from, days }) => {
    const local = localTime(atMs, utcOffset);
    return phrasebooks.includes(phrasebook) && local.hour >= from && local.hour < from + 8 && days.includes(local.day);
  });
}

/** How much happens in each hour of a customer's day, against the busiest. */
const hours = [
  0.05, 0.04, 0.03, 0.03, 0.04, 0.06, 0.13, 0.34, 0.68, 0.95, 1, 0.98, 0.75, 0.85, 0.92, 0.9, 0.8, 0.62, 0.42, 0.34,
  0.3, 0.22, 0.14, 0.08,
];
/** The same by weekday, from Sunday. */
const weekdays = [0.38, 1, 0.9, 0.86, 0.84, 0.78, 0.5];

/** How much happens in a market at an instant, against its busiest hour: above 0, at most 1. */
export function busyness({ utcOffset }: Market, atMs: number): number {
  const local = localTime(atMs, utcOffset);
  return (hours[local.hour] ?? 0) * (weekdays[Number(local.day)] ?? 0);
}

function localTime(atMs: number, utcOffset: number): { hour: number; day: string } {
  const seconds = atMs / 1000 + utcOffset * hour;
  // 1 January 1970 was a Thursday.
  return { hour: Math.floor((seconds % day) / hour), day: String((Math.floor(seconds / day) + 4) % 7) };
}

/** The customer of a seed with a number: always the same, each with an address of their own. */
export function customerOf(seed: number, number: number): Customer {
  const random = createRandom(seed ^ 0xc057, number);
  const market = marketAt(random.next());
  const { givenNames, familyNames } = market.phrasebook;
  // 7,919 has no factor in common with 10,000,000: all numbers differ.
  const phone = String((number * 7919 + 1_234_567) % 10_000_000).padStart(7, '0');
  return {
    name: fullName(random.pick(givenNames), random.pick(familyNames)),
    address: `${market.callingCode}${phone}`,
    profileId: random.chance(0.35) ? drawId('mem_profile', random) : undefined,
    market,
  };
}

/** Somebody of a customer's family. */
export function relativeOf({ name, market }: Customer, random: Random): string {
  return fullName(random.pick(market.phrasebook.givenNames), name.split(' ').at(-1) ?? name);
}

function fullName(given: string, family: string): string {
  return `${given} ${family}`;
}

function marketAt(roll: number): Market {
  let rest = roll;
  for (const { share, market } of markets) {
    rest -= share;
    if (rest < 0) return market;
  }
  return (markets[0] as (typeof markets)[number]).market;
}
