// HTML from templates in which every value is escaped. Only the result of another template is inserted as it is, so nobody can
// forget to escape. Attribute values must be in double quotes.

import { formatInstant } from '../../status/format.ts';

/** Markup that is safe to send: made by `html` alone. */
export class Html {
  readonly #text: string;
  private constructor(text: string) {
    this.#text = text;
  }

  /** Puts values into markup; see `html`. */
  static of(parts: TemplateStringsArray, values: readonly Value[]): Html {
    return new Html(parts.reduce((text, part, index) => text + show(values[index - 1]) + part));
  }

  toString(): string {
    return this.#text;
  }
}

/** Null, undefined and false give no text. */
export type Value = Html | string | number | null | undefined | false | readonly Value[];

/** A template. Its values are escaped, except other templates and lists of them. */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return Html.of(parts, values);
}

/** An instant, in words that are the shorter the nearer it is to `now`; both ISO. */
export function time(iso: string, now: string): Html {
  return html`<time datetime="${iso}">${formatInstant(iso, now)}</time>`;
}

function show(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.map(show).join('');
  return escapeText(String(value));
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeText(text: string): string {
  // Characters that no HTML document may contain, and those that turn the direction of what follows them.
  const clean = text.replace(/[^\P{Cc}\t\n\r]|[\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
  return clean.replace(/[&<>"']/g, (found) => entities[found] ?? '');
}
