// Keeps the flow of pushed conversations going, beside the passes and under the same lease. This process wakes it when it has taken a
// webhook. Those that other replicas have taken are looked for once a second, which works with every pooler. After a failure it
// waits, and begins again.

import { wait } from '../lib/wait.ts';
import { LeaseLost } from '../sync/model.ts';
import { openPushFlow, type PushFlowOptions } from '../sync/pushed.ts';
import type { Log } from './log.ts';

/** Wakes up the one who waits. A ring that finds nobody waiting ends the next wait at once. */
export interface Bell {
  ring(): void;
  /** Waits for a ring, or so long. @throws the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let isRung = false;
  let wake = () => {};
  return {
    ring() {
      isRung = true;
      wake();
    },
    async wait(ms, signal) {
      const over = new AbortController();
      wake = () => over.abort();
      if (!isRung) await wait(ms, AbortSignal.any([signal, over.signal])).catch(() => {});
      signal.throwIfAborted();
      isRung = false;
    },
  };
}

export interface PushesOptions extends Omit<PushFlowOptions, 'monotonicMs'> {
  bell: Bell;
  log: Log;
}

const lookEveryMs = 1_000;
const togetherMs = 20;
const retryMs = { first: 1_000, most: 60_000 };

/** Works until the signal is aborted. @throws LeaseLost, or the signal's reason. */
export async function followPushes(options: PushesOptions): Promise<never> {
  const { signal, log } = options;
  for (let failures = 0; ; failures += 1) {
    const startedAtMs = performance.now();
    try {
      await followUntilFailure(options);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof LeaseLost) throw error;
      log.error({ err: error }, 'what webhooks announced could not be fetched; it is tried again');
      if (performance.now() - startedAtMs > retryMs.most) failures = 0;
    }
    await wait(Math.min(retryMs.most, retryMs.first * 2 ** failures), signal);
  }
}

async function followUntilFailure({ bell, log: _, signal: outer, ...parts }: PushesOptions): Promise<never> {
  const ended = new AbortController();
  const signal = AbortSignal.any([outer, ended.signal]);
  await untilTimeIsKnown(parts.context, signal);
  const flow = openPushFlow({ ...parts, signal, monotonicMs: () => performance.now() });
  try {
    for (;;) {
      const nextMs = (await Promise.race([flow.look(), flow.failure])) ?? lookEveryMs;
      // Many webhooks within a moment are looked at together.
      await wait(togetherMs, signal);
      await Promise.race([bell.wait(Math.min(lookEveryMs, nextMs), signal), flow.failure]);
    }
  } finally {
    ended.abort(new Error('the flow has ended'));
    await flow.idle();
  }
}

/** The API's time is known once the first pass has asked for it. */
async function untilTimeIsKnown({ api }: PushFlowOptions['context'], signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      api.now();
      return;
    } catch {
      await wait(200, signal);
    }
  }
}
