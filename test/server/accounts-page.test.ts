// The list of the accounts as it is rendered: those in trouble first, a sentence on each, and nothing from elsewhere becomes markup.

import { expect, test } from 'vitest';
import { createAccountsMetrics } from '../../src/server/metrics.ts';
import { type AccountsView, renderAccounts } from '../../src/server/page/accounts.ts';
import { createAccountWatch } from '../../src/server/watch.ts';
import { judge, type ProcessState } from '../../src/status/judge.ts';
import { someFacts } from './example.ts';

const hostile = `<script>"'&`;

function account(schema: string, state: Partial<ProcessState> = {}): AccountsView['accounts'][number] {
  const sid = `AC-of-${schema}`;
  const watch = createAccountWatch({ schedule: '* * * * *', metrics: createAccountsMetrics().of(sid) });
  Object.assign(watch.process, { phase: 'working', ...state });
  const facts = someFacts();
  const status = judge({ facts, databaseTrouble: null, process: watch.process, isTooOld: () => false });
  return { sid, schema, watch, view: { status, facts, databaseUp: true, readiness: { ready: true, code: 'working' } } };
}

const render = (...accounts: AccountsView['accounts'][number][]) =>
  renderAccounts({ accounts, refused: [], version: '1.2.3', assets: 'abc' });
const titleOf = (page: string) => /<title>(.*?) · /.exec(page)?.[1];
const failing = { failure: { code: 'failing', reason: 'the API refused the key' } } as const;

test('all in sync', () => {
  const page = render(account('acme'), account('bolt'));
  expect(titleOf(page)).toBe('2 accounts in sync');
  expect(page).toContain('<section class="hero good"');
});

test('one in trouble comes first, with the reason', () => {
  const page = render(account('acme'), account('bolt', failing));
  expect(titleOf(page)).toBe('1 of 2 accounts in sync');
  expect(page).toContain('<section class="hero bad"');
  expect(page).toContain('1 account in trouble');
  expect(page).toContain('the API refused the key');
  expect(page.indexOf('>bolt</a>')).toBeLessThan(page.indexOf('>acme</a>'));
});

test('an account that another replica works for is not in trouble', () => {
  const page = render(account('acme', { phase: 'standby', heldBy: 'another replica' }));
  expect(titleOf(page)).toBe('1 account in sync');
  expect(page).not.toContain('this process');
});

test('whatever comes from elsewhere is escaped, also in addresses', () => {
  const page = renderAccounts({
    accounts: [account(`${hostile}/..?`, { failure: { code: 'failing', reason: hostile } })],
    refused: [{ name: hostile, problems: [{ message: hostile }] }],
    version: '1.2.3',
    assets: 'abc',
  });
  expect(titleOf(page)).toBe('0 of 2 accounts in sync');
  expect(page).not.toContain('<script>');
  expect(page.match(/&lt;script&gt;&quot;&#39;&amp;/g)?.length).toBeGreaterThanOrEqual(4);
  expect(page).toContain('href="accounts/%3Cscript%3E%22&#39;%26%2F..%3F"');
});
