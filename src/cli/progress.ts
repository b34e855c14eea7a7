// The progress of a sync, for whoever watches: a bar on a terminal, a plain line every few seconds elsewhere. How much is
// left is measured in time still to be listed, since nobody knows how many conversations it holds.

import type { Counts } from '../sync/context.ts';

export interface Progress {
  show(counts: Counts): void;
  end(): void;
}

const lineEveryMs = 5_000;
const barEveryMs = 100;
const barWidth = 24;

/** Hides the cursor, and has the terminal cut off what is too long for its line. */
const begin = '\u001b[?25l\u001b[?7l';
const clearLine = '\r\u001b[K';
const restore = '\u001b[?7h\u001b[?25h';

/** Shows progress on a stream. `interactive`: it is a terminal. */
export function createProgress(stream: NodeJS.WritableStream, interactive: boolean): Progress {
  const startedAtMs = performance.now();
  let shownAtMs = interactive ? Number.NEGATIVE_INFINITY : startedAtMs;
  let drawn = interactive;
  if (drawn) stream.write(`${begin}${clearLine}listing`);
  return {
    show(counts) {
      const nowMs = performance.now();
      if (nowMs - shownAtMs < (interactive ? barEveryMs : lineEveryMs)) return;
      shownAtMs = nowMs;
      const seconds = (nowMs - startedAtMs) / 1000;
      stream.write(interactive ? `${clearLine}${bar(counts, seconds)}` : line(counts, seconds));
    },
    end() {
      if (drawn) stream.write(`${clearLine}${restore}`);
      drawn = false;
    },
  };
}

/** The drawing comes last: a narrow terminal cuts it off first. */
function bar(counts: Counts, seconds: number): string {
  const share = Math.min(1, counts.secondsListed / Math.max(counts.secondsToList, 1));
  const drawing = '█'.repeat(Math.round(share * barWidth)).padEnd(barWidth, '░');
  const rate = Math.round(counts.fetched / Math.max(seconds, 1));
  return `${say(counts)} · ${rate}/s · ${Math.floor(share * 100)} % of the time span${remaining(counts, seconds)} ${drawing}`;
}

function line(counts: Counts, seconds: number): string {
  return `${say(counts)}, ${Math.round(counts.fetched / seconds)}/s${remaining(counts, seconds)}\n`;
}

/** What has been done, in words. */
export function say(counts: Counts): string {
  const parts = [`${counts.listed} listed`, `${counts.fetched} fetched`, `${counts.changed} stored`];
  if (counts.deleted > 0) parts.push(`${counts.deleted} deleted`);
  if (counts.lost > 0) parts.push(`${counts.lost} with lost rows`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.results > 0) parts.push(`${counts.results} results stored`);
  return parts.join(', ');
}

function remaining({ secondsToList, secondsListed }: Counts, seconds: number): string {
  // Conversations are not spread evenly over time: a small part says little about the rest.
  if (secondsListed < secondsToList * 0.1 || secondsListed >= secondsToList) return '';
  const left = (seconds * (secondsToList - secondsListed)) / secondsListed;
  return left < 90 ? ` · about ${Math.ceil(left)} s left` : ` · about ${Math.ceil(left / 60)} min left`;
}
