// Durations in seconds: the units, and the text of a setting, such as `90m`, as a number.
// A setting takes one unit only: in a list, `1h30m` and `1h,30m` are too easy to confuse.

/** In seconds. */
export const minute = 60;
export const hour = 60 * minute;
export const day = 24 * hour;

const secondsOfUnit = { s: 1, m: minute, h: hour, d: day, w: 7 * day } as const;

/** Seconds of a duration such as `30s`, `90m`, `1h`, `3d`, `2w`, above zero and up to 20 years; otherwise undefined. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  if (match === null) return undefined;
  const seconds = Number(match[1]) * secondsOfUnit[match[2] as keyof typeof secondsOfUnit];
  return seconds > 0 && seconds <= 20 * 366 * day ? seconds : undefined;
}
