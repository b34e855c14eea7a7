// Settings in, the API's base URL out: whole as given, or the host that the official client would build from edge and
// region. Pure; the tests hold it to that client's own builder.

const host = ['intelligence', 'twilio.com'] as const;

export interface BaseUrlSettings {
  edge?: string | undefined;
  region?: string | undefined;
  /** Another base URL, whole; edge and region are then not looked at. */
  url?: string | undefined;
}

/**
 * The API's base URL, without a slash at its end. Empty settings count as none; an edge alone implies region `us1`
 * (twilio 6.2, `lib/base/BaseTwilio.js`, `getHostname`). Throws RangeError, naming the setting and what it takes.
 */
export function baseUrl(settings: BaseUrlSettings): string {
  if (settings.url) return wholeUrl(settings.url);
  const edge = label('TWILIO_EDGE', settings.edge);
  const region = label('TWILIO_REGION', settings.region) ?? (edge === undefined ? undefined : 'us1');
  const [product, domain] = host;
  return `https://${[product, edge, region, domain].filter((part) => part !== undefined).join('.')}`;
}

function wholeUrl(text: string): string {
  const wanted = 'takes an http or https URL, without user, query or fragment';
  const url = URL.parse(text);
  // The text itself stays out of the message: it may hold a password.
  if (url === null || !/^https?:$/.test(url.protocol)) throw new RangeError(`TWILIO_INTELLIGENCE_URL ${wanted}`);
  if (url.username || url.password || url.search || url.hash) throw new RangeError(`TWILIO_INTELLIGENCE_URL ${wanted}`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function label(setting: string, value: string | undefined): string | undefined {
  if (!value) return undefined;
  // Anything else would let a setting choose the host that the key is sent to.
  if (!/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(value)) {
    throw new RangeError(`${setting} takes letters, digits and hyphens, such as sydney or au1, not "${value}"`);
  }
  return value.toLowerCase();
}
