// What earlier listings of this process taught: how long slices may be, which lists are trusted, what need not be looked up again.
// Losing it costs requests and nothing else.

import { day } from '../lib/duration.ts';

/** The shortest slice length that could not be listed lately; how often in a row; and for how many slices it is avoided. */
export interface TooLong {
  seconds: number;
  failures: number;
  slices: number;
}

/** What earlier listings taught. Only the steps that list write it, and a dry run writes a copy. */
export interface Learned {
  /** Length of the next slice in seconds, for listings of everything and of open conversations. */
  spans: { all: number; open: number };
  tooLong: { all: TooLong; open: TooLong };
  trust: ListTrust;
  /** How many results a tick asks for at first: twice as many as the last one had to see. */
  headSize: number;
  /** Conversations that have lost rows, looked up once for each reconcile; null: not yet. */
  lost: Promise<Set<string>> | null;
  /** From when on conversations are kept, once everything older is erased; null: for ever. Undefined: not looked at yet. */
  keptFrom: number | null | undefined;
  /** Nothing is stored that is marked as deleted, where that is to be erased. */
  deletedErased: boolean;
  /** Everything stored is masked as the settings say. */
  masked: boolean;
  /** Every stored conversation has the metrics of this release. */
  metricsFilled: boolean;
}

/** Which listings are trusted to be complete: list-whole.ts proves it. A list that ends early does so for all ranges. */
export interface ListTrust {
  /** The largest total that was proved. Lists with fewer items are complete. */
  provenTotal: number;
  /** The total at which a list was found to end early; infinite if none was. */
  endsAt: number;
  /** The warnings that were given; each is given once. */
  warned: Set<string>;
}

const firstSpanSeconds = day;
const longestSpanSeconds = 30 * day;

export const nothingTooLong: TooLong = { seconds: Number.POSITIVE_INFINITY, failures: 0, slices: 0 };
/** Without a proof, only an empty list or a single item is trusted. */
export const provenAtFirst = 2;

/** What is known at first. */
export function createLearned(): Learned {
  return {
    spans: { all: firstSpanSeconds, open: longestSpanSeconds },
    tooLong: { all: nothingTooLong, open: nothingTooLong },
    trust: { provenTotal: provenAtFirst, endsAt: Number.POSITIVE_INFINITY, warned: new Set() },
    headSize: Number.POSITIVE_INFINITY,
    lost: null,
    keptFrom: undefined,
    deletedErased: false,
    masked: false,
    metricsFilled: false,
  };
}

/** A copy, without what is looked up anew. */
export function copyOf(learned: Learned): Learned {
  const { spans, tooLong, trust, headSize, keptFrom, deletedErased, masked, metricsFilled } = learned;
  return {
    spans: { ...spans },
    tooLong: { ...tooLong },
    trust: { ...trust },
    headSize,
    lost: null,
    keptFrom,
    deletedErased,
    masked,
    metricsFilled,
  };
}
