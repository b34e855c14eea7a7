// Live traffic for a source: conversations start, continue, pause, close and reopen; operator results come late,
// sometimes without a new `updatedAt`; sometimes something is redacted or deleted. Everything is an event in one queue,
// and `step(now)` runs what is due: tests call it with times of their own, `start()` with the clock's.

import { createRandom, type Random } from '../lib/random.ts';
import { drawEncounter } from './encounter.ts';
import { drawId, drawSid } from './ids.ts';
import { type Customer, customerOf } from './people.ts';
import { drawResultId, intelligenceConfigurationIds, operators } from './results.ts';
import type { Source } from './source.ts';
import { createTranscript } from './transcript.ts';

export interface TrafficOptions {
  seed?: number;
  /** The average number of conversations that start in a minute. Default 20. */
  startsPerMinute?: number;
  /** The average length of a turn in ms. Default 3,000. */
  turnMs?: number;
  /** The maximum delay of a late operator result after closing, in ms. Default 5 minutes. */
  lateResultMs?: number;
  /** The clock of `start()`; should be that of the source. */
  now?: () => number;
}

interface Appointment {
  readonly atMs: number;
  readonly keep: (atMs: number) => void;
}

const minute = 60_000;
/** Customers of live traffic have numbers from here on, which no seed reaches. */
const firstCustomer = 1_000_000;

/** The traffic of one source; nothing happens before the first step. */
export class Traffic implements Disposable {
  readonly #source: Source;
  readonly #random: Random;
  readonly #options: Required<TrafficOptions>;
  #agenda: Appointment[] = [];
  #isUnderWay = false;
  #customers = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Source, options: TrafficOptions = {}) {
    this.#source = source;
    this.#options = { seed: 1, startsPerMinute: 20, turnMs: 3000, lateResultMs: 5 * minute, now: Date.now, ...options };
    this.#random = createRandom(this.#options.seed, 0x7aff);
  }

  /** Runs everything that is due by an instant, in order of time. The first step only schedules. */
  step(nowMs: number): void {
    if (!this.#isUnderWay) this.#setOut(nowMs);
    for (let next = this.#agenda[0]; next !== undefined && next.atMs <= nowMs; next = this.#agenda[0]) {
      this.#agenda.shift();
      next.keep(next.atMs);
    }
  }

  /** Steps by the clock until stopped, without keeping the process alive. */
  start(intervalMs = 250): void {
    this.stop();
    this.#timer = setInterval(() => this.step(this.#options.now()), intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #setOut(nowMs: number): void {
    this.#isUnderWay = true;
    this.#planStart(nowMs);
    // Open conversations from the seed close soon.
    for (const entry of this.#source.timeline) {
      const { status } = entry.head();
      if (status === 'ACTIVE' || status === 'INACTIVE')
        this.#planClose(entry.key, nowMs + this.#random.int(minute, 30 * minute));
    }
  }

  #planStart(atMs: number): void {
    const waitMs = this.#around(minute / this.#options.startsPerMinute);
    this.#plan(atMs + waitMs, (startMs) => {
      this.#begin(startMs);
      this.#planStart(startMs);
    });
  }

  #begin(atMs: number): void {
    const random = this.#random;
    const channel = random.pick(['VOICE', 'SMS', 'WHATSAPP', 'CHAT', 'EMAIL']);
    const encounter = drawEncounter(random, this.#drawCustomer(), channel, atMs);
    const { id } = this.#source.create({
      name: encounter.subject.name,
      channels: [channel],
      channelIds: [drawSid('CA', random)],
      conversationConfigurationId: drawId('conv_configuration', createRandom(31, random.int(1, 4))),
      intelligenceConfigurationIds: [random.pick(intelligenceConfigurationIds)],
      participants: encounter.participants,
    });
    let turnAtMs = atMs;
    for (const { participantId, text, pace } of createTranscript(encounter, random)) {
      turnAtMs += this.#around(this.#options.turnMs * pace);
      this.#planFor(id, turnAtMs, () => this.#source.say(id, text, { participantId }));
    }
    if (random.chance(0.2)) this.#planFor(id, turnAtMs + 1, () => this.#source.setStatus(id, 'INACTIVE'));
    this.#planClose(id, turnAtMs + this.#around(this.#options.turnMs * 2));
  }

  /** Somebody new, or, in a quarter of all cases, somebody who was here before. */
  #drawCustomer(): Customer {
    const { seed } = this.#options;
    const isBack = this.#customers > 0 && this.#random.chance(0.25);
    return customerOf(seed, firstCustomer + (isBack ? this.#random.int(0, this.#customers - 1) : this.#customers++));
  }

  #planClose(id: string, atMs: number): void {
    this.#planFor(id, atMs, (closedMs) => {
      this.#source.close(id);
      const { lateResultMs, turnMs } = this.#options;
      for (const operator of this.#random.shuffle(operators).slice(0, this.#random.int(0, 3))) {
        const silent = this.#random.chance(0.5);
        this.#planFor(id, closedMs + this.#random.int(1000, lateResultMs), (madeMs) =>
          this.#source.addResult(id, { resultId: drawResultId(operator, madeMs, this.#random), silent }),
        );
      }
      if (this.#random.chance(0.03))
        this.#planFor(id, closedMs + lateResultMs, () => this.#source.redact(id, { silent: true }));
      // Long enough afterwards to have been stored.
      if (this.#random.chance(0.01)) this.#planFor(id, closedMs + lateResultMs * 2, () => this.#source.remove(id));
      if (this.#random.chance(0.03)) this.#planReopen(id, closedMs + this.#around(turnMs * 10));
    });
  }

  #planReopen(id: string, atMs: number): void {
    this.#planFor(id, atMs, (reopenedMs) => {
      this.#source.reopen(id);
      this.#source.say(id, 'Sorry, one more thing: could you confirm that in writing?');
      this.#planClose(id, reopenedMs + this.#around(this.#options.turnMs * 3));
    });
  }

  /** An event that is skipped if the conversation no longer exists. */
  #planFor(id: string, atMs: number, keep: (atMs: number) => void): void {
    this.#plan(atMs, (keptMs) => {
      if (this.#source.entry(id) !== undefined) keep(keptMs);
    });
  }

  #plan(atMs: number, keep: (atMs: number) => void): void {
    let position = this.#agenda.length;
    while (position > 0 && (this.#agenda[position - 1]?.atMs ?? 0) > atMs) position -= 1;
    this.#agenda.splice(position, 0, { atMs, keep });
  }

  /** A random whole number of ms with this mean, at least a quarter of it. */
  #around(meanMs: number): number {
    return Math.ceil(meanMs * (0.25 - 0.75 * Math.log(1 - this.#random.next())));
  }
}
