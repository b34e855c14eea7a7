// The simulator as a process of its own, told what to do by the one that forked it: orders in, one answer each. It serves
// bodies that it made beforehand, and keeps no record of requests but counts and the instants of the first and last.

import { startPushes } from '../src/simulator/pushes.ts';
import { defaultCredentials, type Simulator, startSimulator } from '../src/simulator/server.ts';
import { Source } from '../src/simulator/source.ts';
import { madeConversations, type Order, type Shape } from './conversations.ts';
import type { Counters, Orders, StartOptions } from './simulator.ts';

const { accountSid } = defaultCredentials;
const asked: { firstMs: number | null; lastMs: number | null } = { firstMs: null, lastMs: null };
const order: Order = { turn: 0 };
let simulator: Simulator | undefined;

/** Every request asks for the time first. */
function now(): number {
  const nowMs = Date.now();
  asked.firstMs ??= nowMs;
  asked.lastMs = nowMs;
  return nowMs;
}

function started(): Simulator {
  if (simulator === undefined) throw new Error('the simulator was not started');
  return simulator;
}

const carryOut: { [Name in keyof Orders]: (given: Orders[Name]['given']) => Promise<Orders[Name]['answer']> } = {
  async start({ shape, untilMs, switches = {}, warm = false }: StartOptions) {
    const source = new Source({ accountId: accountSid, now: Date.now });
    source.fill(madeConversations(accountSid, shape, untilMs, order));
    const cacheBytes = bytesOf(shape);
    const resultCacheBytes = shape.conversations * 6_000;
    const caches = { detailCacheBytes: warm ? cacheBytes : 0, itemCacheBytes: cacheBytes, resultCacheBytes };
    simulator = await startSimulator({ source, switches, now, keepRecords: false, ...caches });
    if (warm) simulator.warm();
    reset();
    return { url: simulator.url };
  },
  async counters(): Promise<Counters> {
    const { byEndpoint, byStatus, maxInFlight, bodyBytes } = started().requests;
    const { user, system } = process.cpuUsage();
    return {
      list: byEndpoint.list,
      detail: byEndpoint.detail,
      resultList: byEndpoint.resultList,
      ok: byStatus.get(200) ?? 0,
      refused: byStatus.get(429) ?? 0,
      maxInFlight,
      bodyBytes,
      cpuMs: (user + system) / 1000,
      ...asked,
    };
  },
  async reset() {
    reset();
  },
  async turn(switches) {
    started().turn(switches);
  },
  async reorder(turn) {
    order.turn = turn;
    // Forgets the bodies that are made.
    started().turn({});
  },
  async listResults() {
    const { url, credentials } = started();
    const login = Buffer.from(`${credentials.accountSid}:${credentials.authToken}`).toString('base64');
    let count = 0;
    for (let token: string | undefined = ''; token !== undefined; ) {
      const page = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
      const headers = { authorization: `Basic ${login}` };
      const answer = await fetch(`${url}/v3/OperatorResults?pageSize=1000${page}`, { headers });
      const { items, meta } = (await answer.json()) as { items: unknown[]; meta: { nextToken?: string } };
      count += items.length;
      token = meta.nextToken;
    }
    return count;
  },
  async ids(count) {
    return started().source.ids().slice(0, count);
  },
  async change({ created, said }) {
    const { source } = started();
    // What lies in the second that has just begun is for the listing after the next.
    const createdAt = new Date(Date.now() - 5_000).toISOString();
    for (let n = 0; n < created; n += 1) source.create({ createdAt, updatedAt: createdAt });
    for (const key of newestOpen(source, created + said).slice(created)) source.say(key, 'One more thing, if I may.');
  },
  async push({ url, target, perSecond, count }) {
    const { source } = started();
    const ids = source.ids();
    const sentMs: Record<string, number> = {};
    await using pushes = startPushes({ source, url, target, authToken: defaultCredentials.authToken });
    const startMs = Date.now();
    for (let at = 0; at < count; at += 1) {
      const dueMs = startMs + (at * 1000) / perSecond;
      if (dueMs > Date.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - Date.now()));
      const id = ids[Math.floor((at * ids.length) / count)] ?? '';
      sentMs[id] = Date.now();
      if (at % 2 === 0) source.say(id, 'One more thing, if I may.');
      else source.addResult(id);
    }
    await pushes.settled();
    return { sentMs, statuses: Object.fromEntries(pushes.statuses) };
  },
};

function newestOpen({ timeline }: Source, count: number): string[] {
  const open: string[] = [];
  for (let at = timeline.length - 1; at >= 0 && open.length < count; at -= 1) {
    const entry = timeline.at(at);
    if (entry !== undefined && entry.head().status !== 'CLOSED') open.push(entry.key);
  }
  return open;
}

function reset(): void {
  started().requests.reset();
  Object.assign(asked, { firstMs: null, lastMs: null });
}

/** Room for every body, and some. */
function bytesOf({ conversations, communications = 20, textLength = 98 }: Shape): number {
  return conversations * (2_000 + communications * (textLength + 250));
}

process.on('message', ({ id, name, given }: { id: number; name: keyof Orders; given: never }) => {
  const answer = (carryOut[name] as (given: never) => Promise<unknown>)(given);
  answer.then(
    (value) => process.send?.({ id, value }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
