// The README says what was measured last, and nothing else.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readResults, withResults } from '../../bench/results.ts';
import { readme } from '../readme.ts';

test('the table of the README is that of results.json', () => {
  const results = readResults();
  expect(results.rows.length).toBeGreaterThan(15);
  expect(withResults(readme, results)).toBe(readme);
});

test('the chart has a bar for each measure that has one', () => {
  const chart = readFileSync(new URL('../../bench/results.svg', import.meta.url), 'utf8');
  for (const { short, bar } of readResults().rows) if (bar !== null) expect(chart).toContain(`>${short}<`);
});
