// One line of the result: what was measured, against what, and whether it reaches its bar. Plain data, as results.json has it.

import { type Bar, reaches, type Summary } from './statistics.ts';

export interface Figure extends Summary {
  unit: string;
}

export interface Row {
  /** The name that `npm run bench -- NAME` takes. */
  measure: string;
  what: string;
  /** The same in few words, for the chart. */
  short: string;
  value: Figure;
  /** What it is held against; null where a bar is on the value itself, or there is none. */
  against: (Figure & { name: string }) | null;
  /** Value by against, round by round. */
  ratio: Summary | null;
  bar: Bar | null;
  /** Null without a bar. */
  met: boolean | null;
}

/** A row with its verdict: a bar is on the ratio where there is one, else on the value. */
export function row(given: Omit<Row, 'met'>): Row {
  const judged = given.ratio ?? given.value;
  return { ...given, met: given.bar === null ? null : reaches(judged.median, given.bar) };
}
