// What happens at the source, drawn by chance: conversations begin, go on, close, are reopened, redacted, deleted, come
// back. Each event is at least a second after the one before, as a change that a lagging detail hides has to be later
// than what it shows.

import type { Random } from '../../src/lib/random.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import type { World } from '../world.ts';
import type { History } from './history.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export interface Scene {
  world: World;
  history: History;
  random: Random;
  /** Details lag: only what moves `updatedAt`, or adds a result, can then be told from its list item. */
  lags: boolean;
  /** Deleted conversations, as they last were. */
  removed: WireConversationDetail[];
}

type Event = (scene: Scene, id: string) => string;

const words = ['Hello?', 'One moment, please', 'Danke schön', 'It does not work', '👍', 'tab\tand "quotes"'];

const events: [weight: number, event: Event][] = [
  [5, ({ world, random }) => create(world, random, 0)],
  // It shows late: its createdAt lies further back than any overlap.
  [1, ({ world, random }) => create(world, random, random.pick([5 * minute, 2 * hour, 2 * day, 50 * day]))],
  [6, ({ world, random }, id) => said(world.source.say(id, random.pick(words)), 'says something')],
  [
    1,
    ({ world, random }, id) =>
      said(world.source.say(id, random.pick(words), { silent: true }), 'says something, silently'),
  ],
  [3, ({ world }, id) => said(world.source.close(id), 'closes')],
  [1, ({ world }, id) => said(world.source.reopen(id), 'is reopened')],
  [1, ({ world }, id) => said(world.source.setStatus(id, 'INACTIVE'), 'is inactive')],
  [1, ({ world, lags }, id) => said(world.source.close(id, { silent: !lags }), 'closes, silently')],
  [2, ({ world }, id) => said(world.source.addResult(id), 'gets a result')],
  [3, ({ world }, id) => said(world.source.addResult(id, { silent: true }), 'gets a late result, silently')],
  [2, ({ world }, id) => said(world.source.addResult(id, { link: false }), 'gets a result that it does not show yet')],
  [2, linkResult],
  [2, removeResult],
  [
    1,
    ({ world, random }, id) =>
      said(world.source.redact(id, { text: `[redacted ${random.int(1, 99)}]` }), 'is redacted'),
  ],
  [
    2,
    ({ world, random }, id) =>
      said(world.source.redact(id, { silent: true, text: `[redacted ${random.int(1, 99)}]` }), 'is redacted, silently'),
  ],
  [2, removeParticipant],
  [2, alter],
  [3, remove],
  [2, restore],
];

const total = events.reduce((sum, [weight]) => sum + weight, 0);

/** Lets something happen. @returns what, in words. */
export function happen(scene: Scene): string {
  const { world, random, history } = scene;
  world.nowMs += random.int(1000, 4000);
  const ids = world.source.ids();
  // Mostly to what is recent: the newest are last.
  const recent = ids.slice(-12);
  const id = ids.length === 0 ? undefined : random.chance(0.7) ? random.pick(recent) : random.pick(ids);
  if (id === undefined) {
    const text = create(world, random, 0);
    history.record(text.split(' ')[0] ?? '');
    return text;
  }
  let roll = random.int(1, total);
  const event = events.find(([weight]) => {
    roll -= weight;
    return roll <= 0;
  })?.[1];
  const text = event?.(scene, id) ?? '';
  history.record(text.split(' ')[0] ?? '');
  return text;
}

function said({ id }: WireConversationDetail, what: string): string {
  return `${id} ${what}`;
}

function create(world: World, random: Random, agoMs: number): string {
  const at = new Date(world.nowMs - agoMs)
    .toISOString()
    .replace('Z', `${String(random.int(0, 999_999)).padStart(6, '0')}Z`);
  const customer = world.source.ids().length % 10;
  const { id } = world.source.create({
    createdAt: random.chance(0.2) ? `${at.slice(0, 19)}Z` : at,
    updatedAt: at,
    channels: random.pick([['CHAT'], ['VOICE', 'SMS'], []]),
    participants: [
      {
        ...{ id: 'conv_participant_customer', name: 'Ada', type: 'CUSTOMER' },
        addressValues: [`+1555010${customer}`, `+1555011${customer}`],
      },
      { id: 'conv_participant_agent', name: 'Ben', type: 'HUMAN_AGENT', addressValues: [] },
    ],
  });
  return `${id} begins${agoMs === 0 ? '' : `, as of ${at}`}`;
}

function removeParticipant({ world, random, lags }: Scene, id: string): string {
  const participants = world.source.get(id).participants ?? [];
  const participant = participants.length === 0 ? 'conv_participant_customer' : random.pick(participants).id;
  const silent = !lags && random.chance(0.5);
  return said(
    world.source.removeParticipant(id, participant, { silent }),
    `loses a participant${silent ? ', silently' : ''}`,
  );
}

/** Fields change, arrays are emptied, and something comes that nobody knows yet. */
function alter({ world, random }: Scene, id: string): string {
  const changes: Partial<WireConversationDetail> = random.pick([
    { name: `Order ${random.int(1, 9999)}` },
    { channels: [], channelIds: [] },
    { channels: ['SMS', 'X-RAY'], channelIds: ['CH1'] },
    { intelligenceConfigurationIds: [`configuration_${random.int(1, 9)}`] },
    { participants: [], communications: [] },
    { sentiment: { score: random.int(1, 9) } },
  ]);
  const value = { ...world.source.get(id), ...changes, updatedAt: world.source.stamp() };
  return said(world.source.put(value, { listedAt: value.createdAt }), `is altered: ${Object.keys(changes).join(', ')}`);
}

/** Shows a result that it had before. */
function linkResult({ world, lags }: Scene, id: string): string {
  const shown = new Set(world.source.get(id).operatorResultIds);
  const hidden = world.source.results(id).find((result) => !shown.has(result.id));
  if (hidden === undefined) return said(world.source.addResult(id), 'gets a result');
  return said(world.source.linkResult(id, hidden.id, { silent: !lags }), 'shows a result that it had');
}

/** A result is deleted, with its link or without. */
function removeResult({ world, random, lags }: Scene, id: string): string {
  const results = world.source.results(id);
  if (results.length === 0) return said(world.source.addResult(id), 'gets a result');
  const keepLink = random.chance(0.5);
  world.source.removeResult(random.pick(results).id, { keepLink, silent: !lags && random.chance(0.5) });
  return `${id} loses a result${keepLink ? ', and still shows its id' : ''}`;
}

function remove({ world, removed }: Scene, id: string): string {
  removed.push(world.source.get(id));
  world.source.remove(id);
  return `${id} is deleted`;
}

function restore(scene: Scene, id: string): string {
  const { world, random, removed } = scene;
  const former = removed.splice(random.int(0, Math.max(0, removed.length - 1)), 1)[0];
  if (former === undefined || world.source.find(former.id) !== undefined)
    return said(world.source.say(id, 'Nothing was deleted'), 'says something');
  const anew = random.chance(0.5);
  const at = world.source.stamp();
  world.source.put(anew ? { ...former, createdAt: at, updatedAt: at, communications: [] } : former);
  return `${former.id} is created again${anew ? ', anew' : ', as it was'}`;
}
