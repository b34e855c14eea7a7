// Durations as people write them in settings: a whole number and a unit, `90m`. In: text. Out: whole seconds.
// One unit only, since `1h30m` and `1d,12h` are easily taken for each other in lists.

const secondsOfUnit = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** Seconds of a duration such as `30s`, `90m`, `1h`, `3d`, `2w`, above zero and up to 20 years; undefined where the text is not one. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  if (match === null) return undefined;
  const seconds = Number(match[1]) * secondsOfUnit[match[2] as keyof typeof secondsOfUnit];
  return seconds > 0 && seconds <= 20 * 366 * 86_400 ? seconds : undefined;
}

/** The shortest way to write whole seconds as one duration: 5400 is `90m`, 86400 is `1d`. */
export function formatDuration(seconds: number): string {
  for (const unit of ['w', 'd', 'h', 'm'] as const) {
    if (seconds > 0 && seconds % secondsOfUnit[unit] === 0) return `${seconds / secondsOfUnit[unit]}${unit}`;
  }
  return `${seconds}s`;
}
