// Our base URL against the host that the official client itself sends to.

import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { baseUrl } from '../../src/twilio/base-url.ts';

/** What the official client would send to: its own builder, on its own base URL. */
function official(edge?: string, region?: string): string {
  const account = `AC${'0'.repeat(32)}`;
  const client = twilio(account, 'token', { env: {}, ...(edge && { edge }), ...(region && { region }) });
  const url = new URL(client.intelligence.baseUrl);
  url.hostname = client.getHostname(url.hostname, client.edge, client.region);
  return url.origin;
}

describe('edge and region', () => {
  test.each([
    [undefined, undefined, 'https://intelligence.twilio.com'],
    ['sydney', undefined, 'https://intelligence.sydney.us1.twilio.com'],
    [undefined, 'ie1', 'https://intelligence.ie1.twilio.com'],
    ['dublin', 'ie1', 'https://intelligence.dublin.ie1.twilio.com'],
    ['', '', 'https://intelligence.twilio.com'],
  ])('%s and %s', (edge, region, url) => {
    expect(baseUrl({ edge, region })).toBe(url);
    expect(official(edge, region)).toBe(url);
  });
});

describe('a whole URL', () => {
  test.each([
    ['http://127.0.0.1:4010', 'http://127.0.0.1:4010'],
    ['https://proxy.example/twilio/', 'https://proxy.example/twilio'],
  ])('%s', (url, expected) => {
    expect(baseUrl({ url, edge: 'sydney' })).toBe(expected);
  });
});
