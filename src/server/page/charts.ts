// Counts over time as small bar charts, and days of history as a calendar. They are inline SVG without text, because SVG is
// stretched to the page's width. The axis is HTML. Each chart also has a description in words, for those who cannot see it.

import { formatCount, formatDay, formatInstant, formatMany } from '../../status/format.ts';
import type { Day } from '../../status/snapshot.ts';
import { type Html, html } from './html.ts';

export interface Bar {
  /** Stacked from the bottom, each in its own colour. */
  counts: readonly number[];
  /** Shown on hover. */
  title: string;
}

export interface BarChart {
  /** What it shows, in a sentence. */
  label: string;
  bars: readonly Bar[];
  /** Under its left end, its middle and its right end. */
  axis: readonly string[];
}

const height = 100;

/** Draws a chart, with the highest bar at full height. */
export function barChart({ label, bars, axis }: BarChart): Html {
  const most = Math.max(0, ...bars.map(({ counts }) => sum(counts)));
  const top = Math.max(1, most);
  const draw = ({ counts, title }: Bar, index: number) => {
    let y = height;
    const parts = counts.map((count, kind) => {
      // One of thousands must still be visible.
      const tall = count === 0 ? 0 : Math.max(2, round((count / top) * height));
      y -= tall;
      return (
        tall > 0 && html`<rect class="bar-${kind}" x="${index + 0.1}" y="${round(y)}" width="0.8" height="${tall}"/>`
      );
    });
    return html`<g>${parts}<rect class="hit" x="${index}" y="0" width="1" height="${height}"/><title>${title}</title></g>`;
  };
  return html`<div class="chart">
<p class="top" aria-hidden="true">${most === 0 ? 'none' : formatCount(most)}</p>
<svg role="img" aria-label="${label}" viewBox="0 0 ${Math.max(1, bars.length)} ${height}" preserveAspectRatio="none">${bars.map(draw)}</svg>
<p class="axis" aria-hidden="true">${axis.map((text) => html`<span>${text}</span>`)}</p>
</div>`;
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
const round = (value: number) => Math.round(value * 100) / 100;

/** How recently a day was listed completely. */
export type Listed = 'day' | 'week' | 'older' | 'never';

/** The class of a day. `now`: ISO. */
export function listed({ listedCompletelyAt }: Day, now: string): Listed {
  if (listedCompletelyAt === null) return 'never';
  const hours = (Date.parse(now) - Date.parse(listedCompletelyAt)) / 3_600_000;
  if (hours <= 26) return 'day';
  return hours <= 7 * 24 ? 'week' : 'older';
}

const monthFormat = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' });
const cell = { pitch: 13, size: 10 };

/** A month: weeks from left to right, Monday at the top. `days`: those of it that history has. */
export function month(days: readonly Day[], now: string): Html {
  const name = monthFormat.format(new Date(days[0]?.day ?? now)).replace('Sept', 'Sep');
  const whole = days.filter((day) => day.listedCompletelyAt !== null).length;
  const held = days.reduce((total, { quarantined }) => total + quarantined, 0);
  const label = `${name}: ${whole} of ${formatMany(days.length, 'day')} listed completely${held > 0 ? `, ${formatCount(held)} in quarantine` : ''}`;
  const weeks = Math.max(1, ...days.map(({ day }) => place(day).week + 1));
  const [width, tall] = [weeks * cell.pitch - 3, 7 * cell.pitch - 3];
  return html`<figure class="month"><figcaption aria-hidden="true">${name}</figcaption>
<svg role="img" aria-label="${label}" width="${width}" height="${tall}" viewBox="0 0 ${width} ${tall}">${days.map((day) => dayCell(day, now))}</svg></figure>`;
}

function dayCell(day: Day, now: string): Html {
  const { week, weekday } = place(day.day);
  const [x, y] = [week * cell.pitch, weekday * cell.pitch];
  const mark = (kind: string) =>
    html`<circle class="${kind}" cx="${x + cell.size / 2}" cy="${y + cell.size / 2}" r="2.5"/>`;
  return html`<g><rect class="day-${listed(day, now)}" x="${x + 0.5}" y="${y + 0.5}" width="${cell.size - 1}" height="${cell.size - 1}" rx="2.5"/>${
    day.quarantined > 0 ? mark('held') : day.open > 0 && mark('open')
  }<title>${sayCoverage(day, now)}</title></g>`;
}

/** A day's coverage in words. */
function sayCoverage({ day, listedCompletelyAt, stored, open, quarantined }: Day, now: string): string {
  const parts = [
    listedCompletelyAt === null
      ? 'not listed completely'
      : `listed completely ${formatInstant(listedCompletelyAt, now)}`,
    `${formatCount(stored)} stored`,
    open > 0 ? `${formatCount(open)} open` : '',
    quarantined > 0 ? `${formatCount(quarantined)} in quarantine` : '',
  ];
  return `${formatDay(day)}: ${parts.filter((part) => part !== '').join(', ')}`;
}

/** Where a day is in its month; weeks begin on Monday. */
function place(day: string): { week: number; weekday: number } {
  const weekday = (date: number) =>
    (new Date(`${day.slice(0, 8)}${String(date).padStart(2, '0')}`).getUTCDay() + 6) % 7;
  const date = Number(day.slice(8));
  return { week: Math.floor((date - 1 + weekday(1)) / 7), weekday: weekday(date) };
}
