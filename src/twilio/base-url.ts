// The API's base URL from the settings, which the configuration has validated: complete as given, or with the host that
// the official client builds from edge and region. Pure; a test compares it with that client.

export interface BaseUrlSettings {
  edge?: string | undefined;
  region?: string | undefined;
  /** Another base URL, complete; edge and region are ignored then. */
  url?: string | undefined;
}

/** The base URL, without a slash at its end. An edge alone implies region `us1` (twilio 6.2, `lib/base/BaseTwilio.js`, `getHostname`). */
export function baseUrl({ edge, region, url }: BaseUrlSettings): string {
  if (url) return url.replace(/\/+$/, '');
  const host = ['intelligence', edge, region || (edge ? 'us1' : undefined), 'twilio.com'];
  return `https://${host.filter(Boolean).join('.').toLowerCase()}`;
}
