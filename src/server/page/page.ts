// The status page as one document: what is known in, HTML out. Server-rendered and whole without JavaScript; with it, the
// script puts a newer version in place of this one. Ids, reasons and counts are shown; nothing of what people said.

import { type Summary, summarize } from '../../status/describe.ts';
import { formatCount, formatDuration, formatMany, formatShare } from '../../status/format.ts';
import { areLoading, describeAwaited, describeLoad, type ResultFacts } from '../../status/results.ts';
import type { Counts, Facts, Records } from '../../status/snapshot.ts';
import type { PageView } from '../view.ts';
import { glyphs, renderFrame } from './frame.ts';
import { coverageSection, daysSection, hoursSection } from './history.ts';
import { type Html, html, time } from './html.ts';
import { passesSection, processSection, quarantineSection, windowsSection } from './tables.ts';

/** Renders the whole of it. */
export function renderPage(view: PageView): string {
  const { assets, schema } = view;
  const summary = summarize(view.status, view.facts, view.process);
  return renderFrame({
    title: schema === undefined ? summary.title : `${summary.title} · ${schema}`,
    tone: summary.tone,
    assets,
    base: schema === undefined ? '' : '../',
    header: account(view),
    main: [hero(summary, view), ...sections(view)],
    footnote: footnote(view),
  });
}

function account({ facts, schema }: PageView): Html | false {
  const sid = facts?.accountSid != null && html`<span class="unseen">Account </span><code>${facts.accountSid}</code>`;
  if (schema === undefined) return sid && html`<p class="account">${sid}</p>`;
  return html`<p class="account"><a href="../">All accounts</a> · <code>${schema}</code>${sid && html` · ${sid}`}</p>`;
}

function hero({ tone, title, notes }: Summary, { status, facts }: PageView): Html {
  const { state, reason } = status;
  const progress = state === 'loading' ? facts?.progress : null;
  return html`<section class="hero ${tone}" aria-labelledby="headline">
<h1 id="headline">${glyphs[tone]}<span><span id="state">${title}</span>${state === 'in_sync' && html`<span class="as-of">, as of ${age(facts)} ago</span>`}</span></h1>
${tone === 'bad' && reason !== null && html`<p class="reason">${reason}</p>`}
${
  progress != null &&
  html`<progress max="1" value="${progress.done}" aria-label="History loaded">${formatShare(progress.done)}</progress>
<p>${formatCount(Math.round(progress.days - progress.daysLeft))} of ${formatMany(Math.round(progress.days), 'day')} of history are listed and stored, newest first. What is new is in sync, as of ${age(facts)} ago.</p>`
}
${tone === 'bad' && facts?.listedUpTo != null && html`<p>New conversations are stored up to ${time(facts.listedUpTo, facts.at)}, ${age(facts)} ago.</p>`}
${notes.map((note) => html`<p>${note}</p>`)}
</section>`;
}

/** How old the newest complete listing is, counted on by the script. */
function age(facts: Facts | null): Html | false {
  if (facts?.listedUpTo == null) return false;
  const seconds = facts.listedSecondsAgo ?? 0;
  return html`<time datetime="${facts.listedUpTo}" data-age="${Math.round(seconds)}">${formatDuration(seconds)}</time>`;
}

function sections(view: PageView): Html[] {
  const { facts, records, counts } = view;
  if (facts === null) return [processSection(view)];
  return [
    numbers(facts, records, counts),
    ...windowsSection(facts),
    ...(counts === null
      ? []
      : [
          html`<div class="pair">${daysSection(counts)}${hoursSection(counts)}</div>`,
          coverageSection(counts, records?.dataCompleteThrough ?? null, facts.at),
        ]),
    ...(records === null ? [] : [...quarantineSection(facts, records), passesSection(records, facts)]),
    processSection(view),
  ];
}

function numbers({ quarantine, results }: Facts, records: Records | null, counts: Counts | null): Html {
  const number = (name: string, count: number | undefined, note: string | Html, warn = false) =>
    html`<div${warn && html` class="warn"`}><dt>${name}</dt><dd><b>${count === undefined ? '…' : formatCount(count)}</b><span>${note}</span></dd></div>`;
  const deleted =
    counts === null ? '' : `${counts.deleted === 0 ? 'none' : `${formatCount(counts.deleted)} more`} deleted`;
  return html`<section aria-labelledby="stored"><h2 id="stored" class="unseen">What is stored</h2><dl class="numbers">
${number('Conversations', counts?.conversations, deleted)}
${number('Open', counts?.open, 'still going on')}
${number('Communications', counts?.communications, records?.searchIndex?.configuration ? `search index: ${records.searchIndex.configuration}` : 'in transcripts')}
${number('Operator results', results === null ? counts?.operatorResultLinks : counts?.operatorResults, resultsNote(results))}
${number('Due', records?.due, 'to be fetched again')}
${number('In quarantine', quarantine, quarantine === 0 ? 'none is missing' : html`<a href="#quarantine">see why</a>`, quarantine > 0)}
</dl></section>`;
}

function resultsNote(results: ResultFacts | null): string {
  if (results === null) return 'links';
  if (areLoading(results)) return `loading: ${describeLoad(results)}`;
  return describeAwaited(results) || 'none is awaited';
}

function footnote({ counts, countedSecondsAgo }: PageView): string {
  return counts === null ? '' : `Counted ${formatDuration(countedSecondsAgo)} ago.`;
}
