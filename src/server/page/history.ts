// The past on the status page: conversations by day, what was stored by the hour, and which days of history were listed
// completely. Each is a chart and a table.

import { formatCount, formatDay, formatMany } from '../../status/format.ts';
import type { Counts, Day, Hour } from '../../status/snapshot.ts';
import { type Bar, barChart, listed, month } from './charts.ts';
import { type Html, html, time } from './html.ts';

const shownDays = 60;

/** Conversations by the day they were created. */
export function daysSection({ days }: Counts): Html {
  const shown = days.slice(-shownDays);
  const counts = shown.map(({ stored }) => stored);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const bars = shown.map(({ day, stored, open }): Bar => {
    const title = `${formatDay(day)}: ${formatMany(stored, 'conversation')}${open > 0 ? `, ${formatCount(open)} open` : ''}`;
    return { counts: [stored - open, open], title };
  });
  const label = `Conversations by day, ${formatMany(shown.length, 'day')} to today: ${formatCount(total)} in all, at most ${formatCount(Math.max(0, ...counts))} a day.`;
  return html`<section aria-labelledby="by-day"><h2 id="by-day">Conversations by day</h2>
<p class="legend"><span class="key bar-0"></span>closed <span class="key bar-1"></span>open</p>
${barChart({ label, bars, axis: ends(shown.map(({ day }) => formatDay(day))) })}
${asTable(
  'By day',
  ['Day', 'Stored', 'Open', 'In quarantine'],
  shown.toReversed().map((day) => [formatDay(day.day), day.stored, day.open, day.quarantined]),
)}
</section>`;
}

/** What was stored, by the hour of the last change. */
export function hoursSection({ hours }: Counts): Html {
  const name = ({ hour }: Hour) => `${formatDay(hour)}, ${hour.slice(11, 16)} UTC`;
  const bars = hours.map((hour): Bar => {
    const { added, changed, deleted } = hour;
    const gone = deleted > 0 ? `, ${formatCount(deleted)} deleted` : '';
    return {
      counts: [added, changed + deleted],
      title: `${name(hour)}: ${formatCount(added)} new, ${formatCount(changed)} changed${gone}`,
    };
  });
  const sum = (key: 'added' | 'changed' | 'deleted') => hours.reduce((total, hour) => total + hour[key], 0);
  const label = `Synced per hour, the last ${formatMany(hours.length, 'hour')}: ${formatCount(sum('added'))} new, ${formatCount(sum('changed'))} changed, ${formatCount(sum('deleted'))} deleted.`;
  return html`<section aria-labelledby="by-hour"><h2 id="by-hour">Synced per hour</h2>
<p class="legend"><span class="key bar-0"></span>new <span class="key bar-1"></span>changed or deleted, each in the hour of its last change</p>
${barChart({ label, bars, axis: ends(hours.map(({ hour }) => `${formatDay(hour).replace(/ \d+$/, '')}, ${hour.slice(11, 16)}`)) })}
${asTable(
  'By hour',
  ['Hour', 'New', 'Changed', 'Deleted'],
  hours.toReversed().map((hour) => [name(hour), hour.added, hour.changed, hour.deleted]),
)}
</section>`;
}

const shownMonths = 12;

/** Every day of history: when it was last listed completely. */
export function coverageSection({ days }: Counts, dataCompleteThrough: string | null, now: string): Html {
  const months = [...Map.groupBy(days, ({ day }) => day.slice(0, 7)).values()];
  const [earlier, shown] = [months.slice(0, -shownMonths), months.slice(-shownMonths)];
  const draw = (each: Day[][]) => html`<div class="months">${each.map((ofMonth) => month(ofMonth, now))}</div>`;
  const whole = days.filter((day) => day.listedCompletelyAt !== null).length;
  const key = (kind: string, words: string) =>
    html`<span class="item"><svg width="11" height="11" viewBox="0 0 11 11" aria-hidden="true"><rect class="day-${kind}" x="0.5" y="0.5" width="10" height="10" rx="2.5"/>${
      (kind === 'held' || kind === 'open') && html`<circle class="${kind}" cx="5.5" cy="5.5" r="2.5"/>`
    }</svg> ${words}</span>`;
  const row = (ofMonth: Day[]) => {
    const count = (kind: string) => ofMonth.filter((day) => listed(day, now) === kind).length;
    const sum = (name: 'stored' | 'open' | 'quarantined') => ofMonth.reduce((total, day) => total + day[name], 0);
    const counts = [count('day'), count('week'), count('older'), count('never')];
    return [ofMonth[0]?.day.slice(0, 7) ?? '', ...counts, sum('stored'), sum('open'), sum('quarantined')];
  };
  return html`<section aria-labelledby="coverage"><h2 id="coverage">Coverage by day</h2>
<p>${days.length === 0 ? 'Nothing was listed yet.' : html`<b>${formatCount(whole)}</b> of ${formatMany(days.length, 'day')} of history were listed completely.${dataCompleteThrough !== null && html` Everything created before ${time(dataCompleteThrough, now)} is stored.`}`}</p>
<p class="legend">${key('day', 'listed within a day')}${key('week', 'within a week')}${key('older', 'longer ago')}${key('never', 'never')}${key('open', 'some are open')}${key('held', 'some in quarantine')}</p>
${draw(shown)}
${earlier.length > 0 && html`<details id="earlier"><summary>Earlier months</summary>${draw(earlier)}</details>`}
${asTable(
  'By month',
  ['Month', 'Listed within a day', 'Within a week', 'Longer ago', 'Never', 'Stored', 'Open', 'In quarantine'],
  months.toReversed().map(row),
)}
</section>`;
}

/** The first, the middle and the last. */
function ends(names: readonly string[]): string[] {
  return [names[0] ?? '', names[Math.floor(names.length / 2)] ?? '', names.at(-1) ?? ''];
}

/** The same numbers as a table. */
function asTable(name: string, heads: readonly string[], rows: readonly (readonly (string | number)[])[]): Html {
  const cell = (value: string | number, index: number) =>
    index === 0
      ? html`<th scope="row">${value}</th>`
      : html`<td class="number">${typeof value === 'number' ? formatCount(value) : value}</td>`;
  return html`<details><summary>${name}, as a table</summary>
<div class="scroll" tabindex="0" role="region" aria-label="${name}"><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>`)}</tbody></table></div></details>`;
}
