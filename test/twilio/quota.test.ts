// What a server says of its quota, and how little of it is believed.

import { expect, test } from 'vitest';
import { countAccepted, createQuota, isUsedUp, leftOf, remainingOf } from '../../src/twilio/limiter/quota.ts';

test.each([
  ['7', '300', 7],
  [' 0 ', undefined, 0],
  ['300', '300', 300],
  ['301', '300', undefined],
  ['-1', '300', undefined],
  ['1.5', '300', undefined],
  ['9'.repeat(30), undefined, undefined],
  ['many', '300', undefined],
  ['', '300', undefined],
  [undefined, '300', undefined],
  ['7', 'many', 7],
])('X-RateLimit-Remaining: %s of %s', (remaining, limit, left) => {
  expect(remainingOf(remaining, limit)).toBe(left);
});

test('what is left is kept to, and one goes where nothing should be left', () => {
  const quota = createQuota();
  expect(leftOf(quota)).toBe(Number.POSITIVE_INFINITY);
  countAccepted(quota, 2);
  expect(leftOf(quota)).toBe(2);
  countAccepted(quota, 0);
  expect(leftOf(quota)).toBe(1);
  expect(isUsedUp(quota)).toBe(true);
});

test('three that are accepted although nothing should be left prove the header wrong', () => {
  const quota = createQuota();
  for (let at = 0; at < 3; at++) {
    countAccepted(quota, 0);
    expect(leftOf(quota)).toBe(1);
  }
  countAccepted(quota, 0);
  expect(leftOf(quota)).toBe(Number.POSITIVE_INFINITY);
  countAccepted(quota, 0);
  expect(leftOf(quota)).toBe(Number.POSITIVE_INFINITY);
});
