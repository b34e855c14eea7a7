// The parts of the status page that list: ranges that cannot be listed, conversations in quarantine, the last passes,
// and what this process is and asks of the API.

import { describeRun, foldRuns, type RunLine } from '../../status/describe.ts';
import { formatCount, formatDuration, formatWork } from '../../status/format.ts';
import { describePushes } from '../../status/pushes.ts';
import type { Facts, Records } from '../../status/snapshot.ts';
import type { ClientCounters } from '../../twilio/counters.ts';
import { endpoints } from '../../twilio/request.ts';
import type { PageView } from '../view.ts';
import { type Html, html, time } from './html.ts';

/** What the deletion brake stopped and what cannot be listed; nothing where there is nothing. */
export function windowsSection({ braked, pendingWindows, results, at }: Facts): Html[] {
  const failing = pendingWindows.filter(({ failures }) => failures > 0);
  const brakedResults = results?.braked ?? null;
  if (braked.length + failing.length === 0 && brakedResults === null) return [];
  return [
    html`<section aria-labelledby="trouble"><h2 id="trouble">What is wrong</h2><ul class="plain">
${braked.map(
  ({ sweep, expected, missing }) =>
    html`<li><b>Deletion brake</b> (${sweep}): ${formatCount(missing)} of ${formatCount(expected)} conversations were not listed. None was marked deleted. If they are meant to be gone: <code>sync --reconcile --allow-mass-delete</code>.</li>`,
)}
${
  brakedResults !== null &&
  html`<li><b>Deletion brake</b>: ${formatCount(brakedResults.missing)} of ${formatCount(brakedResults.expected)} operator results were not listed. None was deleted. If they are meant to be gone: <code>sync --reconcile --allow-mass-delete</code>.</li>`
}
${failing.map(
  ({ sweep, from, to, failures, error }) =>
    html`<li><b>A range cannot be listed</b> (${sweep}): ${time(from, at)} to ${time(to, at)}, ${formatCount(failures)} times: ${error ?? 'no reason known'}</li>`,
)}</ul></section>`,
  ];
}

/** The conversations that cannot be fetched or stored; nothing where there are none. */
export function quarantineSection({ quarantine, at }: Facts, { quarantined }: Records): Html[] {
  if (quarantine === 0) return [];
  const more = quarantine - quarantined.length;
  const rows = quarantined.map(
    ({ id, operatorResultId, reason, since, attempts, nextAttemptAt }) =>
      html`<tr><td><code>${id}</code>${operatorResultId !== null && html`, result <code>${operatorResultId}</code>`}<span class="why">${reason ?? 'no reason known'}</span></td><td>${time(since, at)}</td><td class="number wide">${formatCount(attempts)}</td><td class="wide">${nextAttemptAt === null ? 'not by itself' : time(nextAttemptAt, at)}</td></tr>`,
  );
  return [
    html`<section aria-labelledby="quarantine"><h2 id="quarantine">In quarantine</h2>
<p>They cannot be fetched or stored; of each, the last whole version stays. <code>retry</code> tries them now.</p>
<table><thead><tr><th scope="col">Conversation, and why</th><th scope="col">Since</th><th scope="col" class="wide">Tries</th><th scope="col" class="wide">Next try</th></tr></thead><tbody>${rows}</tbody></table>
${more > 0 && html`<p>And ${formatCount(more)} more: see <code>twilio_sync.quarantine</code>.</p>`}</section>`,
  ];
}

const shownPasses = 12;

/** The last passes, quiet ones together. */
export function passesSection({ runs }: Records, { at, worker }: Facts): Html {
  const lines = foldRuns(runs, shownPasses);
  const counts = ['listed', 'fetched', 'changed', 'deleted', 'failed'] as const;
  const heads = ['Listed', 'Fetched', 'Stored', 'Deleted', 'Failed'];
  return html`<section aria-labelledby="passes"><h2 id="passes">Last runs</h2>
${lines.length === 0 && html`<p>None yet.</p>`}
${
  lines.length > 0 &&
  html`<table><thead><tr><th scope="col">Started</th><th scope="col">Outcome</th>${heads.map((head) => html`<th scope="col" class="number wide">${head}</th>`)}<th scope="col" class="number">Took</th></tr></thead>
<tbody>${lines.map((line, index) => passRow(line, index === 0 && worker !== null, at, counts))}</tbody></table>`
}</section>`;
}

function passRow(
  { run, count, firstStartedAt }: RunLine,
  mayRun: boolean,
  at: string,
  counts: readonly ('listed' | 'fetched' | 'changed' | 'deleted' | 'failed')[],
): Html {
  const outcome = run.outcome ?? (run.endedAt === null && mayRun ? 'running' : 'not ended');
  const what = describeRun(run);
  const more =
    count > 1 && html` <span class="more">${formatCount(count)} in a row, since ${time(firstStartedAt, at)}</span>`;
  return html`<tr><td>${time(run.startedAt, at)}</td><td><span class="outcome ${kinds[outcome] ?? 'bad'}">${outcome}</span>${
    run.command !== 'run' && html` <code>${run.command}</code>`
  }${more}${count === 1 && what !== '' && html`<span class="why narrow">${what}</span>`}${
    run.error !== null && html`<span class="why">${run.error}</span>`
  }</td>${counts.map((name) => countCell(count === 1 ? run[name] : null))}<td class="number">${count === 1 && run.seconds !== null && formatWork(run.seconds)}</td></tr>`;
}

/** Zeros are pale. */
function countCell(count: number | null): Html {
  return html`<td class="number wide${count === 0 && ' none'}">${count === null ? '' : formatCount(count)}</td>`;
}

const kinds: Record<string, string> = { ok: 'good', running: 'busy', 'not ended': 'bad' };

/** What this process is, and its requests to the API. */
export function processSection({
  readiness,
  databaseUp,
  facts,
  records,
  requests,
  upSeconds,
  version,
}: PageView): Html {
  // Why it is not stands at the top.
  const ready = readiness.ready ? ['ready', readiness.reason ?? []].flat().join(': ') : 'not ready';
  const fact = (name: string, value: Html | string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<section aria-labelledby="process"><h2 id="process">This process</h2><dl class="facts">
${fact('Readiness', ready)}
${fact('Running for', formatDuration(upSeconds))}
${fact('Holds the lease', databaseUp ? (facts?.worker ?? 'nobody') : 'not known')}
${facts !== null && records !== null && fact('Everything listed again', records.reconciledAt === null ? 'not yet' : time(records.reconciledAt, facts.at))}
${requests !== null && fact('Requests in flight', `${formatCount(requests.inFlight)} of at most ${formatCount(requests.limit)}${pace(requests)}`)}
${requests !== null && fact('Requests repeated', formatCount(requests.retries))}
${facts !== null && facts.pushes !== null && fact('Webhooks', describePushes(facts.pushes))}
${fact('Release', version)}
</dl>${requests === null ? html`<p>It does not hold the lease, so it sends the API no requests.</p>` : requestTable(requests)}</section>`;
}

function pace({ perSecond }: ClientCounters): string {
  return perSecond === undefined ? '' : `, ${formatCount(Math.round(perSecond * 10) / 10)} a second`;
}

const endpointNames = { list: 'List', detail: 'Detail', results: 'Results', result: 'Result', names: 'Names' };

function requestTable({ requests }: ClientCounters): Html {
  const classes = ['2xx', '3xx', '4xx', '429', '5xx', 'none'] as const;
  const shown = classes.filter((each) => each === '2xx' || Object.values(requests).some((counts) => counts[each] > 0));
  const asked = endpoints.filter(
    (each) => each === 'list' || each === 'detail' || Object.values(requests[each]).some((count) => count > 0),
  );
  const rows = asked.map(
    (each) =>
      html`<tr><th scope="row">${endpointNames[each]}</th>${shown.map((status) => html`<td class="number">${formatCount(requests[each][status])}</td>`)}</tr>`,
  );
  return html`<table class="small"><caption>API requests since it took the lease, by answer</caption><thead><tr><th scope="col">Endpoint</th>${shown.map((each) => html`<th scope="col" class="number">${each === 'none' ? 'no answer' : each}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table>`;
}
