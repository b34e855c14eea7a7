// Everything that the source has ever had of each conversation, version by version: what its rows would be, and what its
// list item shows. So it can be said of any stored conversation whether it is whole, how old it is, and whether a listing
// could have told that it is old.

import { createRandom } from '../../src/lib/random.ts';
import { presentDetail, presentItem, presentResult } from '../../src/simulator/present.ts';
import type { WireOperatorResult } from '../../src/simulator/results.ts';
import { defaultSwitches, type Switches } from '../../src/simulator/switches.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import type { Row } from '../oracle.ts';
import type { World } from '../world.ts';
import { digestOf, expectedRows } from './rows.ts';

export interface Version {
  /** Counts the changes of this source, all conversations together. */
  seq: number;
  atMs: number;
  /** Null where it was deleted. */
  digest: string | null;
  rows: Record<string, Row[]>;
  /** What a list item shows, whatever its order. */
  item: string;
  status: unknown;
  updatedAt: string | null;
}

export class History {
  readonly #versions = new Map<string, Version[]>();
  readonly #world: World;
  readonly #switches: Switches;
  /** As it is at the source, not as a switch shuffles it. */
  readonly #random = createRandom(1);
  #seq = 0;

  constructor(world: World, switches: Partial<Switches>) {
    this.#world = world;
    this.#switches = { ...defaultSwitches, ...switches, unstableOrder: 'none' };
    for (const id of world.source.ids()) this.record(id);
  }

  /** Notes what a conversation is now. */
  record(id: string): void {
    this.#seq += 1;
    const versions = this.#versions.get(id) ?? [];
    this.#versions.set(id, versions);
    const whole = this.#world.source.find(id);
    const base = { seq: this.#seq, atMs: this.#world.nowMs };
    if (whole === undefined) {
      versions.push({ ...base, digest: null, rows: {}, item: '', status: null, updatedAt: null });
      return;
    }
    const rows = expectedRows(this.present(whole));
    const { communications: _, ...head } = whole;
    versions.push({
      ...base,
      rows,
      digest: digestOf(rows),
      item: orderFree(JSON.parse(JSON.stringify(presentItem(head, this.#switches, this.#random)))),
      status: whole.status,
      updatedAt: whole.updatedAt ?? null,
    });
  }

  /** A conversation as its detail is served. */
  present(whole: WireConversationDetail): WireConversationDetail {
    return presentDetail(whole, this.#switches, this.#random) as WireConversationDetail;
  }

  /** A result as it is served. */
  presentResult(result: WireOperatorResult): WireOperatorResult {
    return presentResult(result, this.#switches, this.#random) as WireOperatorResult;
  }

  versions(id: string): Version[] {
    return this.#versions.get(id) ?? [];
  }

  current(id: string): Version | undefined {
    return this.#versions.get(id)?.at(-1);
  }

  ids(): string[] {
    return [...this.#versions.keys()];
  }

  /** The version current at an instant. */
  at(id: string, ms: number): Version | undefined {
    return this.versions(id).findLast(({ atMs }) => atMs <= ms);
  }

  /** The first version with these rows that is no older than another; undefined where there is none. */
  find(id: string, digest: string, fromSeq = 0): Version | undefined {
    return this.versions(id).find((version) => version.digest === digest && version.seq >= fromSeq);
  }
}

function orderFree(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(orderFree).sort().join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${orderFree(inner)}`).join()}}`;
}
