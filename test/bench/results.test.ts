// docs/performance.md says what was measured last, and nothing else.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drawChart } from '../../bench/chart.ts';
import { readResults, withResults } from '../../bench/results.ts';
import { row } from '../../bench/row.ts';
import { summarize } from '../../bench/statistics.ts';
import { documentOf } from '../readme.ts';

const { text } = documentOf('docs/performance.md');

const measured = row({
  measure: 'start',
  what: 'from the start to the first row',
  short: 'start to first row',
  value: { ...summarize([0.8, 0.9]), unit: 's' },
  against: null,
  ratio: null,
  bar: { is: 'most', at: 1 },
});

test('the document holds the results of the last run', () => {
  expect(withResults(text, readResults())).toBe(text);
});

test('results take the place of those before, and what stands around them stays', () => {
  const machine = { cpu: 'a processor', cores: 2, memoryGb: 24, system: 'Linux' };
  const results = {
    date: '2026-01-01',
    machine,
    loadBefore: 0.1,
    node: '24',
    postgres: '18',
    minutes: 20,
    rows: [measured],
  };
  const once = withResults(text, results);
  expect(once).toContain('| from the start to the first row | 0.85 (0.8 to 0.9) s |');
  expect(once).toContain('(../bench/results.svg)');
  expect(withResults(once, readResults())).toBe(text);
});

test('the chart names each measure that has a bar', () => {
  const chart = drawChart([measured, row({ ...measured, short: 'without', bar: null })]);
  expect(chart).toContain('start to first row');
  expect(chart).toContain('0.85 s; bar ≤ 1');
  expect(chart).not.toContain('without');
});

test('the chart in the repository is of the same run', () => {
  const shorts = (readResults()?.rows ?? []).filter(({ bar }) => bar !== null).map(({ short }) => short);
  const chart = shorts.length > 0 ? readFileSync(new URL('../../bench/results.svg', import.meta.url), 'utf8') : '';
  for (const short of shorts) expect(chart).toContain(short);
});
