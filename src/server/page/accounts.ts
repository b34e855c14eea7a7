// The list of the accounts as one document: the state of each and a sentence to it, those in trouble first. Entries of the accounts file
// that are wrong stand above them.

import { summarize } from '../../status/describe.ts';
import { formatCount, formatDuration, formatMany } from '../../status/format.ts';
import type { RefusedAccount, WatchedAccount } from '../accounts-watch.ts';
import type { View } from '../view.ts';
import { glyphs, renderFrame } from './frame.ts';
import { type Html, html } from './html.ts';

export interface AccountsView {
  accounts: readonly (WatchedAccount & { view: View })[];
  refused: readonly RefusedAccount[];
  version: string;
  assets: string;
}

type Shown = ReturnType<typeof show>;

/** Renders the whole of it. */
export function renderAccounts({ accounts, refused, version, assets }: AccountsView): string {
  const shown = accounts.map(show);
  const bad = shown.filter(({ summary }) => summary.tone === 'bad');
  const busy = shown.filter(({ summary }) => summary.tone === 'busy');
  const good = shown.filter(({ summary }) => summary.tone === 'good');
  const wrong = bad.length + refused.length;
  const tone = wrong > 0 ? 'bad' : busy.length > 0 ? 'busy' : 'good';
  const all = shown.length + refused.length;
  const title =
    tone === 'good'
      ? `${formatMany(all, 'account')} in sync`
      : `${formatCount(good.length)} of ${formatMany(all, 'account')} in sync`;
  return renderFrame({
    title,
    tone,
    assets,
    base: '',
    header: false,
    main: [
      html`<section class="hero ${tone}" aria-labelledby="headline">
<h1 id="headline">${glyphs[tone]}<span><span id="state">${title}</span></span></h1>
${wrong > 0 && html`<p class="reason">${formatMany(wrong, 'account')} in trouble</p>`}
</section>`,
      ...refusedSection(refused),
      accountsSection([...bad, ...busy, ...good]),
    ],
    footnote: `Release ${version}.`,
  });
}

function show({ sid, schema, watch, view }: WatchedAccount & { view: View }) {
  return {
    sid,
    schema,
    view,
    summary: summarize(view.status, view.facts, watch.process),
    isHeld: watch.process.phase === 'working',
  };
}

function refusedSection(refused: readonly RefusedAccount[]): Html[] {
  if (refused.length === 0) return [];
  const problems = refused.flatMap((entry) => entry.problems.map(({ message }) => html`<li>${message}</li>`));
  return [
    html`<section aria-labelledby="refused"><h2 id="refused">Wrong in SYNC_ACCOUNTS_FILE</h2><ul class="plain">${problems}</ul></section>`,
  ];
}

function accountsSection(accounts: readonly Shown[]): Html {
  return html`<section aria-labelledby="accounts"><h2 id="accounts">Accounts</h2>
<table><thead><tr><th scope="col">Account</th><th scope="col">State</th><th scope="col" class="number wide">In quarantine</th><th scope="col" class="wide">Last tick</th><th scope="col" class="wide">Lease</th></tr></thead>
<tbody>${accounts.map(row)}</tbody></table></section>`;
}

function row({ sid, schema, view, summary, isHeld }: Shown): Html {
  const { facts, status } = view;
  const sentence = status.reason ?? summary.notes[0] ?? '';
  const tick = facts?.lastTickSecondsAgo;
  const lease = isHeld ? 'this process' : facts?.worker ? 'another' : 'nobody';
  return html`<tr><td><a href="accounts/${encodeURIComponent(schema)}">${schema}</a><span class="why"><code>${sid}</code></span></td><td><span class="outcome ${summary.tone}">${summary.title}</span>${
    sentence !== '' && html`<span class="why">${sentence}</span>`
  }</td><td class="number wide">${facts === null ? '' : formatCount(facts.quarantine)}</td><td class="wide">${
    tick == null ? 'none yet' : `${formatDuration(tick)} ago`
  }</td><td class="wide">${lease}</td></tr>`;
}
