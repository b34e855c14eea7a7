// The parts of the status page that list: stretches that cannot be listed, conversations in quarantine, the last passes,
// and what this process is and asks of the API.

import { sayCount, sayDuration, sayWork } from '../../status/format.ts';
import { foldPasses, type PassLine, sayRun } from '../../status/passes.ts';
import type { Standing } from '../../status/standing.ts';
import type { ClientCounters } from '../../twilio/counters.ts';
import { endpoints } from '../../twilio/request.ts';
import { type Html, html } from './html.ts';
import type { PageView } from './page.ts';
import { time } from './time.ts';

/** What the deletion brake stopped and what cannot be listed; nothing where there is nothing. */
export function windowsSection({ braked, pendingWindows, at }: Standing): Html[] {
  const failing = pendingWindows.filter(({ failures }) => failures > 0);
  if (braked.length + failing.length === 0) return [];
  return [
    html`<section aria-labelledby="trouble"><h2 id="trouble">What stands in the way</h2><ul class="plain">
${braked.map(
  ({ sweep, expected, missing }) =>
    html`<li><b>Deletion brake</b> (${sweep}): ${sayCount(missing)} of ${sayCount(expected)} conversations were not listed. None was marked deleted. If they are meant to be gone: <code>sync --reconcile --allow-mass-delete</code>.</li>`,
)}
${failing.map(
  ({ sweep, from, to, failures, error }) =>
    html`<li><b>A stretch cannot be listed</b> (${sweep}): ${time(from, at)} to ${time(to, at)}, ${sayCount(failures)} times: ${error ?? 'no reason known'}</li>`,
)}</ul></section>`,
  ];
}

/** The conversations that cannot be had; nothing where there are none. */
export function quarantineSection({ quarantine, quarantined, at }: Standing): Html[] {
  if (quarantine === 0) return [];
  const more = quarantine - quarantined.length;
  const rows = quarantined.map(
    ({ id, reason, since, attempts, nextAttemptAt }) =>
      html`<tr><td><code>${id}</code><span class="why">${reason ?? 'no reason known'}</span></td><td>${time(since, at)}</td><td class="number wide">${sayCount(attempts)}</td><td class="wide">${nextAttemptAt === null ? 'not by itself' : time(nextAttemptAt, at)}</td></tr>`,
  );
  return [
    html`<section aria-labelledby="quarantine"><h2 id="quarantine">In quarantine</h2>
<p>They cannot be fetched or stored; of each, the last whole version stays. <code>retry</code> tries them now.</p>
<table><thead><tr><th scope="col">Conversation, and why</th><th scope="col">Since</th><th scope="col" class="wide">Tries</th><th scope="col" class="wide">Next try</th></tr></thead><tbody>${rows}</tbody></table>
${more > 0 && html`<p>And ${sayCount(more)} more: see <code>twilio_sync.quarantine</code>.</p>`}</section>`,
  ];
}

const shownPasses = 12;

/** The last passes, quiet ones together. */
export function passesSection({ runs, at, worker }: Standing): Html {
  const lines = foldPasses(runs, shownPasses);
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
  { run, count, firstStartedAt }: PassLine,
  mayRun: boolean,
  at: string,
  counts: readonly ('listed' | 'fetched' | 'changed' | 'deleted' | 'failed')[],
): Html {
  const outcome = run.outcome ?? (run.endedAt === null && mayRun ? 'running' : 'not ended');
  const what = sayRun(run);
  const more =
    count > 1 && html` <span class="more">${sayCount(count)} in a row, since ${time(firstStartedAt, at)}</span>`;
  return html`<tr><td>${time(run.startedAt, at)}</td><td><span class="outcome ${kinds[outcome] ?? 'bad'}">${outcome}</span>${
    run.command !== 'run' && html` <code>${run.command}</code>`
  }${more}${count === 1 && what !== '' && html`<span class="why narrow">${what}</span>`}${
    run.error !== null && html`<span class="why">${run.error}</span>`
  }</td>${counts.map((name) => countCell(count === 1 ? run[name] : null))}<td class="number">${count === 1 && run.seconds !== null && sayWork(run.seconds)}</td></tr>`;
}

/** Nothing stands back behind what happened. */
function countCell(count: number | null): Html {
  return html`<td class="number wide${count === 0 && ' none'}">${count === null ? '' : sayCount(count)}</td>`;
}

const kinds: Record<string, string> = { ok: 'good', running: 'busy', 'not ended': 'bad' };

/** What this process is, and its requests to the API. */
export function processSection(
  { readiness, databaseTrouble, requests, upSeconds, version }: Omit<PageView, 'standing' | 'volume'>,
  standing: Standing | null,
): Html {
  // Why it is not stands at the top.
  const ready = readiness.ready ? ['ready', readiness.reason ?? []].flat().join(': ') : 'not ready';
  const fact = (name: string, value: Html | string) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<section aria-labelledby="process"><h2 id="process">This process</h2><dl class="facts">
${fact('Readiness', ready)}
${fact('Running for', sayDuration(upSeconds))}
${fact('Holds the lease', databaseTrouble === null ? (standing?.worker ?? 'nobody') : 'not known')}
${standing !== null && fact('Everything listed again', standing.reconciledAt === null ? 'not yet' : time(standing.reconciledAt, standing.at))}
${requests !== null && fact('Requests in flight', `${sayCount(requests.inFlight)} of at most ${sayCount(requests.limit)}${pace(requests)}`)}
${requests !== null && fact('Requests repeated', sayCount(requests.retries))}
${fact('Release', version)}
</dl>${requests === null ? html`<p>It holds no lease, so it asks nothing of the API.</p>` : requestTable(requests)}</section>`;
}

function pace({ perSecond }: ClientCounters): string {
  return perSecond === undefined ? '' : `, ${sayCount(Math.round(perSecond * 10) / 10)} a second`;
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
      html`<tr><th scope="row">${endpointNames[each]}</th>${shown.map((status) => html`<td class="number">${sayCount(requests[each][status])}</td>`)}</tr>`,
  );
  return html`<table class="small"><caption>API requests since it took the lease, by answer</caption><thead><tr><th scope="col">Endpoint</th>${shown.map((each) => html`<th scope="col" class="number">${each === 'none' ? 'no answer' : each}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table>`;
}
