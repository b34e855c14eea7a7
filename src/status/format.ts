// Numbers, durations and instants in, words for people out: the same on the status page and in the terminal.
// Instants are said in UTC, and as such.

const grouped = new Intl.NumberFormat('en-US');

/** 12345 as `12,345`. */
export function formatCount(count: number): string {
  return grouped.format(count);
}

/** A count and what it counts: `1 day`, `12 days`. */
export function formatMany(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** A size in bytes, as finely as it matters: `8 kB`, `23 MB`, `1.4 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A duration, as finely as it matters: `4 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. Below nothing counts as nothing. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 || days >= 14 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** How long a piece of work took: `120 ms`, `4.2 s`, then as `formatDuration`. */
export function formatWork(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/** What an estimate is worth saying: a minute or two of a day do not matter. */
export function formatEstimate(seconds: number): string {
  const step = seconds < 60 ? 5 : seconds < 3600 ? 60 : 600;
  return formatDuration(Math.max(step, Math.ceil(seconds / step) * step));
}

const dayFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});

/** An ISO instant or date as `14 Oct 2026`. */
export function formatDay(iso: string): string {
  return dayFormat.format(new Date(iso)).replace('Sept', 'Sep');
}

/** An ISO instant as `09:12:05 UTC`, with the day before it where that is not the day of `now`. */
export function formatInstant(iso: string, now: string): string {
  const clock = `${iso.slice(11, 19)} UTC`;
  return iso.slice(0, 10) === now.slice(0, 10) ? clock : `${formatDay(iso)}, ${clock}`;
}

/** Done out of all, as a whole percentage that says 0 or 100 only where it is. */
export function formatShare(done: number): string {
  return `${done <= 0 ? 0 : done >= 1 ? 100 : Math.min(99, Math.max(1, Math.round(done * 100)))} %`;
}
