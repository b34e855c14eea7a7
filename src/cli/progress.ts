// Progress of a sync, for whoever watches: a bar on a terminal, a plain line every few seconds elsewhere. How much is left
// is told by the stretch of time still to be listed, since nobody knows how many conversations it holds.

import { type Options, SingleBar } from 'cli-progress';
import type { Counts } from '../sync/context.ts';

export interface Progress {
  show(counts: Counts): void;
  end(): void;
}

const lineEveryMs = 5_000;
const saveCursor = '\u001b7';

/** Shows progress on a stream; `interactive` is whether somebody looks at a terminal. */
export function createProgress(stream: NodeJS.WritableStream, interactive: boolean): Progress {
  return interactive ? createBar(stream) : createLines(stream);
}

function createBar(stream: NodeJS.WritableStream): Progress {
  const startedAtMs = performance.now();
  const options: Options = {
    stream,
    // What a narrow terminal cuts off is what can best be done without.
    format: '{stored} · {rate}/s · {percentage} % of the time span{left} {bar}',
    hideCursor: true,
    // It would stop at a signal by itself, and then be drawn once more by whatever is still being stored.
    gracefulExit: false,
    clearOnComplete: true,
    etaBuffer: 50,
    barsize: 24,
  };
  const bar = new SingleBar(options);
  bar.start(1, 0, { stored: 'listing', rate: 0, left: '' });
  return {
    show(counts) {
      const seconds = (performance.now() - startedAtMs) / 1000;
      const rate = Math.round(counts.fetched / Math.max(seconds, 1));
      bar.setTotal(Math.max(counts.secondsToList, 1));
      bar.update(counts.secondsListed, { stored: say(counts), rate, left: remaining(counts, seconds) });
    },
    end() {
      // It goes back to where it began in order to clear itself; lines written meanwhile have moved it down.
      stream.write(saveCursor);
      bar.stop();
    },
  };
}

function createLines(stream: NodeJS.WritableStream): Progress {
  const startedAtMs = performance.now();
  let shownAtMs = startedAtMs;
  return {
    show(counts) {
      const nowMs = performance.now();
      if (nowMs - shownAtMs < lineEveryMs) return;
      shownAtMs = nowMs;
      const seconds = (nowMs - startedAtMs) / 1000;
      stream.write(`${say(counts)}, ${Math.round(counts.fetched / seconds)}/s${remaining(counts, seconds)}\n`);
    },
    end() {},
  };
}

/** What has been done, in words. */
export function say(counts: Counts): string {
  const parts = [`${counts.listed} listed`, `${counts.fetched} fetched`, `${counts.changed} stored`];
  if (counts.deleted > 0) parts.push(`${counts.deleted} deleted`);
  if (counts.lost > 0) parts.push(`${counts.lost} with lost rows`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  return parts.join(', ');
}

function remaining({ secondsToList, secondsListed }: Counts, seconds: number): string {
  // Little of the span says little of the rest: conversations do not lie evenly in time.
  if (secondsListed < secondsToList * 0.1 || secondsListed >= secondsToList) return '';
  const left = (seconds * (secondsToList - secondsListed)) / secondsListed;
  return left < 90 ? ` · about ${Math.ceil(left)} s left` : ` · about ${Math.ceil(left / 60)} min left`;
}
