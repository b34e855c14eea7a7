// npm's `twilio`, the official client, with the simulator in place of Twilio's host; nothing else about it is changed.

import twilio from 'twilio';
import type { RequestOptions } from 'twilio/lib/base/RequestClient.js';
import type { Simulator } from '../../src/simulator/server.ts';

export class RedirectingClient extends twilio.RequestClient {
  readonly #url: string;

  constructor(url: string) {
    super();
    this.#url = url;
  }

  override request<TData>(options: RequestOptions<TData>) {
    return super.request<TData>({ ...options, uri: options.uri.replace('https://intelligence.twilio.com', this.#url) });
  }
}

export function clientOf(simulator: Simulator, password = simulator.credentials.authToken) {
  return openClient(simulator, password).intelligence.v3;
}

/** The client itself, whose `request` gives an answer's body as it came. */
export function openClient({ url, credentials }: Simulator, password = credentials.authToken) {
  return twilio(credentials.accountSid, password, { httpClient: new RedirectingClient(url) });
}
