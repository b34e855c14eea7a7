// Progress as it is written: on a terminal a bar that leaves nothing behind, elsewhere a few plain lines.

import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createProgress } from '../../src/cli/progress.ts';
import { createCounts } from '../../src/sync/context.ts';

function progressTo(interactive: boolean) {
  const stream = new PassThrough({ encoding: 'utf8' });
  const progress = createProgress(stream, interactive);
  return { progress, written: () => String(stream.read() ?? '') };
}

const halfDone = { ...createCounts(), listed: 30, fetched: 20, changed: 10, secondsToList: 200, secondsListed: 100 };

test('a bar on a terminal: one line, drawn over and over, and cleared in the end', () => {
  const { progress, written } = progressTo(true);
  progress.show(halfDone);
  progress.show(halfDone);
  const drawn = written();
  expect(drawn.match(/30 listed, 20 fetched, 10 stored · 20\/s · 50 % of the time span.* █{12}░{12}/g)).toHaveLength(1);
  expect(drawn).not.toContain('\n');
  progress.end();
  progress.end();
  expect(written()).toBe('\r\u001b[K\u001b[?7h\u001b[?25h');
});

test('elsewhere: no line before some seconds are over, and nothing that moves a cursor', () => {
  const { progress, written } = progressTo(false);
  progress.show(halfDone);
  progress.end();
  expect(written()).toBe('');
});
