// Numbers of several rounds in, one number and its spread out. Pure.

export interface Summary {
  median: number;
  least: number;
  most: number;
}

/** The median and the extremes. @throws RangeError without any value. */
export function summarize(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined || least === undefined || most === undefined) {
    throw new RangeError('there is no median of nothing');
  }
  return { median: (low + high) / 2, least, most };
}

/** The median of what each round makes of its own pair: rounds differ by what the machine does meanwhile, pairs much less. */
export function ratioOf(values: readonly number[], against: readonly number[]): Summary {
  return summarize(values.map((value, round) => value / (against[round] ?? Number.NaN)));
}

/** Whether a number reaches its bar: `≥ 5`, `≤ 1.1`. */
export function reaches(value: number, { at, is }: Bar): boolean {
  return is === 'least' ? value >= at : value <= at;
}

export interface Bar {
  /** Whether the bar is the least or the most that will do. */
  is: 'least' | 'most';
  at: number;
}
