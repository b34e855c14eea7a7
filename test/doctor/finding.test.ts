// Findings → lines and an exit status.

import { expect, test } from 'vitest';
import {
  describeFindings,
  fail,
  ok,
  sameSkip,
  skipped,
  statusOfFindings,
  summarize,
  temporary,
  warn,
} from '../../src/doctor/finding.ts';

const well = ok('version', 'Postgres 18');
const wrong = fail('rights', 'none', 'grant some');
const gone = temporary('database', 'not there', 'Wait.');
const odd = warn('clock', 'an hour off', 'Set it.');

test.each([
  [[], 0, 'No problems found.'],
  [[well, skipped('API name', 'an address')], 0, 'No problems found.'],
  [[well, odd], 0, '1 to note.'],
  [[gone, odd], 1, '1 that may be temporary, 1 to note.'],
  [[gone, wrong, wrong], 2, '2 to correct, 1 that may be temporary.'],
])('%j', (findings, status, last) => {
  expect(statusOfFindings(findings)).toBe(status);
  expect(summarize(findings)).toBe(last);
});

test('what to do is under what was found', () => {
  expect(describeFindings([well])).toBe('ok       version          Postgres 18');
  expect(describeFindings([fail('rights', 'none', 'grant one;\ngrant two;')])).toBe(
    'fail     rights           none\n                          → grant one;\n                            grant two;',
  );
});

test('what is skipped for one reason is told at once', () => {
  const [one, two, other] = [skipped('a', 'why'), skipped('b', 'why'), skipped('c', 'because')];
  expect([sameSkip(one, two), sameSkip(one, other), sameSkip(one, well), sameSkip(undefined, one)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(describeFindings([one, two])).toBe('skipped  a, b: why');
});
