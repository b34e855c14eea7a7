// An instant in HTML, for people and for programs.

import { formatInstant } from '../../status/format.ts';
import { type Html, html } from './html.ts';

/** The instant, in words that are the shorter the nearer it is to `now`; both ISO. */
export function time(iso: string, now: string): Html {
  return html`<time datetime="${iso}">${formatInstant(iso, now)}</time>`;
}
