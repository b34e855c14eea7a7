// The status page as one document: what is known in, HTML out. Server-rendered and whole without JavaScript; with it, the
// script puts a newer version in place of this one. Ids, reasons and counts are shown; nothing of what people said.

import { sayCount, sayDuration, sayMany, sayShare } from '../../status/format.ts';
import { type Headline, headlineOf, type OwnView } from '../../status/headline.ts';
import type { Standing } from '../../status/standing.ts';
import type { Volume } from '../../status/volume.ts';
import type { ClientCounters } from '../../twilio/counters.ts';
import { coverageSection, daysSection, hoursSection } from './history.ts';
import { type Html, html } from './html.ts';
import { passesSection, processSection, quarantineSection, windowsSection } from './tables.ts';
import { time } from './time.ts';

/** Something read from the database, and how old it is. */
export interface Read<Value> {
  value: Value;
  ageSeconds: number;
}

export interface PageView extends OwnView {
  /** Null where nothing could be read yet. */
  standing: Read<Standing> | null;
  volume: Read<Volume> | null;
  /** This process's requests; null where it holds no lease. */
  requests: ClientCounters | null;
  /** How long this process has been running. */
  upSeconds: number;
  version: string;
  /** Names the page's script and style by what they contain; a page that had others is loaded anew. */
  assets: string;
}

/** How often the page is refreshed; without JavaScript half as often, since everything is loaded again. */
export const refreshSeconds = 5;

/** Renders the whole of it. */
export function renderPage(view: PageView): string {
  const { assets } = view;
  const headline = headlineOf(view.standing?.value ?? null, view);
  const document = html`<!doctype html>
<html lang="en" data-assets="${assets}" data-refresh="${refreshSeconds}">
<head>
<meta charset="utf-8">
<title>${headline.title} · conversation-sync</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="status/${headline.tone}.svg" type="image/svg+xml">
<link rel="stylesheet" href="status/page.css?v=${assets}">
<script src="status/page.js?v=${assets}" defer></script>
<noscript><meta http-equiv="refresh" content="${refreshSeconds * 2}"></noscript>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><p class="product">conversation-sync</p>${account(view)}</header>
<p id="away" role="alert" hidden>The worker has not answered since <span id="away-since"></span>. What you see is from then.</p>
<p id="said" role="status" class="unseen"></p>
<main id="main" tabindex="-1">
${hero(headline, view)}
${sections(view)}
</main>
<footer><p>All times are UTC. ${footnote(view)}</p>
<nav aria-label="For programs"><a href="readyz">readyz</a> <a href="livez">livez</a> <a href="metrics">metrics</a></nav></footer>
</body>
</html>
`;
  return document.toString();
}

function account({ standing }: PageView): Html | false {
  const sid = standing?.value.accountSid ?? null;
  return sid !== null && html`<p class="account"><span class="unseen">Account </span><code>${sid}</code></p>`;
}

function hero({ tone, title, reason, fresh, notes }: Headline, { standing }: PageView): Html {
  const progress = standing?.value.state === 'loading' ? standing.value.progress : null;
  return html`<section class="hero ${tone}" aria-labelledby="headline">
<h1 id="headline">${glyphs[tone]}<span><span id="state">${title}</span>${fresh && html`<span class="as-of">, as of ${age(standing)} ago</span>`}</span></h1>
${reason !== null && html`<p class="reason">${reason}</p>`}
${
  progress !== null &&
  html`<progress max="1" value="${progress.done}" aria-label="History loaded">${sayShare(progress.done)}</progress>
<p>${sayCount(Math.round(progress.days - progress.daysLeft))} of ${sayMany(Math.round(progress.days), 'day')} of history are listed and stored, newest first. What is new is in sync, as of ${age(standing)} ago.</p>`
}
${tone === 'bad' && standing?.value.listedUpTo != null && html`<p>New conversations are stored up to ${time(standing.value.listedUpTo, standing.value.at)}, ${age(standing)} ago.</p>`}
${notes.map((note) => html`<p>${note}</p>`)}
</section>`;
}

/** How old the newest complete listing is, counted on by the script. */
function age(standing: PageView['standing']): Html | false {
  if (standing === null || standing.value.listedUpTo === null) return false;
  const seconds = Math.max(0, (standing.value.listedSecondsAgo ?? 0) + standing.ageSeconds);
  return html`<time datetime="${standing.value.listedUpTo}" data-age="${Math.round(seconds)}">${sayDuration(seconds)}</time>`;
}

function sections({ standing, volume, ...own }: PageView): Html[] {
  const found: Html[] = [];
  if (standing !== null) found.push(numbers(standing.value, volume?.value ?? null));
  if (standing !== null) found.push(...windowsSection(standing.value));
  if (volume !== null && standing !== null) {
    found.push(html`<div class="pair">${daysSection(volume.value)}${hoursSection(volume.value)}</div>`);
    found.push(coverageSection(volume.value, standing.value));
  }
  if (standing !== null) found.push(...quarantineSection(standing.value), passesSection(standing.value));
  found.push(processSection(own, standing?.value ?? null));
  return found;
}

function numbers({ quarantine, due }: Standing, volume: Volume | null): Html {
  const number = (name: string, count: number | undefined, note: string | Html, warn = false) =>
    html`<div${warn && html` class="warn"`}><dt>${name}</dt><dd><b>${count === undefined ? '…' : sayCount(count)}</b><span>${note}</span></dd></div>`;
  const deleted =
    volume === null ? '' : `${volume.deleted === 0 ? 'none' : `${sayCount(volume.deleted)} more`} deleted`;
  return html`<section aria-labelledby="stored"><h2 id="stored" class="unseen">What is stored</h2><dl class="numbers">
${number('Conversations', volume?.conversations, deleted)}
${number('Open', volume?.open, 'still going on')}
${number('Communications', volume?.communications, 'in transcripts')}
${number('Operator results', volume?.operatorResultLinks, 'links')}
${number('Due', due, 'to be fetched again')}
${number('In quarantine', quarantine, quarantine === 0 ? 'none is missing' : html`<a href="#quarantine">see why</a>`, quarantine > 0)}
</dl></section>`;
}

function footnote({ standing, volume }: PageView): string {
  if (standing === null || volume === null) return '';
  const ages = [standing, volume].map(({ ageSeconds }) => sayDuration(ageSeconds));
  return `State read ${ages[0]} ago, counted ${ages[1]} ago.`;
}

/** Told apart by their shapes, not by their colours alone. */
const glyphs = {
  good: html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="M7 12.5l3.5 3.5L17 8.5"/></svg>`,
  busy: html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="M12 6.5v10M7.5 12.5l4.5 4.5 4.5-4.5"/></svg>`,
  bad: html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><path class="triangle" d="M12 2L23 21.5H1z"/><path d="M12 9v6M12 18v.5"/></svg>`,
};
