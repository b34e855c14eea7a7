// What all pages have in common: head, header, the place of the content, and footer.

import type { Summary } from '../../status/describe.ts';
import { type Html, html } from './html.ts';

/** How often the page is refreshed; without JavaScript half as often, since everything is loaded again. */
export const refreshSeconds = 5;

export interface Frame {
  title: string;
  tone: Summary['tone'];
  /** Names the page's script and style by what they contain; a page that had others is loaded anew. */
  assets: string;
  /** From the page to `/`: empty, or `../`. */
  base: string;
  /** Whose page it is. */
  header: Html | false;
  main: readonly Html[];
  footnote: string;
}

export function renderFrame({ title, tone, assets, base, header, main, footnote }: Frame): string {
  const document = html`<!doctype html>
<html lang="en" data-assets="${assets}" data-refresh="${refreshSeconds}">
<head>
<meta charset="utf-8">
<title>${title} · conversation-sync</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${base}status/${tone}.svg" type="image/svg+xml">
<link rel="stylesheet" href="${base}status/page.css?v=${assets}">
<script src="${base}status/page.js?v=${assets}" defer></script>
<noscript><meta http-equiv="refresh" content="${refreshSeconds * 2}"></noscript>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><p class="product">conversation-sync</p>${header}</header>
<p id="away" role="alert" hidden>The worker has not answered since <span id="away-since"></span>. What you see is from then.</p>
<p id="said" role="status" class="unseen"></p>
<main id="main" tabindex="-1">
${main}
</main>
<footer><p>All times are UTC. ${footnote}</p>
<nav aria-label="For programs"><a href="${base}readyz">readyz</a> <a href="${base}livez">livez</a> <a href="${base}metrics">metrics</a></nav></footer>
</body>
</html>
`;
  return document.toString();
}

/** Told apart by their shapes, not by their colours alone. */
export const glyphs = {
  good: html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="M7 12.5l3.5 3.5L17 8.5"/></svg>`,
  busy: html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="M12 6.5v10M7.5 12.5l4.5 4.5 4.5-4.5"/></svg>`,
  bad: html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true"><path class="triangle" d="M12 2L23 21.5H1z"/><path d="M12 9v6M12 18v.5"/></svg>`,
};
