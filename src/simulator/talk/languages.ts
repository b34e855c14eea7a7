// All phrasebooks, and what a text says by them: how a customer leaves, and whether an agent offers more help.

import { english } from './english.ts';
import { french } from './french.ts';
import { german } from './german.ts';
import type { Mood, Phrasebook } from './phrasebook.ts';
import { spanish } from './spanish.ts';

export const phrasebooks: readonly Phrasebook[] = [english, german, spanish, french];

const moods: readonly Mood[] = ['positive', 'neutral', 'negative'];
const farewells = moods.map((mood) => ({
  mood,
  pattern: anyOf(phrasebooks.flatMap((book) => book.farewells[mood])),
}));
const offering = anyOf(phrasebooks.flatMap(({ goodbyes }) => goodbyes.offering));

/** How a customer leaves with these words; undefined if they are no last words. */
export function moodOf(text: string): Mood | undefined {
  return farewells.find(({ pattern }) => pattern.test(text))?.mood;
}

/** Whether an agent offers more help. */
export function offersHelp(text: string): boolean {
  return offering.test(text);
}

/** Matches a text that was made of one of these, whatever its placeholders became. */
function anyOf(templates: readonly string[]): RegExp {
  const escaped = templates.map((text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '.+'));
  return new RegExp(`^(?:${escaped.join('|')})$`, 'u');
}
