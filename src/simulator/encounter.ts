// Who meets in a conversation, and how it goes: a customer, who answers first (an AI agent, a person who is at work, or
// nobody), who takes over, and how it ends.

import type { Random } from '../lib/random.ts';
import type { WireParticipant } from '../twilio/wire.ts';
import { drawId } from './ids.ts';
import { type Agent, aiAgents, type Customer, peopleAtWork, relativeOf } from './people.ts';
import type { Subject } from './talk/phrasebook.ts';

export interface Speaker {
  readonly agent: Agent;
  readonly participantId: string;
}

export interface Encounter {
  readonly customer: Customer;
  readonly customerId: string;
  readonly subject: Subject;
  readonly isCall: boolean;
  /** Who answers; undefined if nobody does. */
  readonly first: Speaker | undefined;
  /** Who takes over, if anybody does. */
  readonly second: Speaker | undefined;
  /** Whether the customer leaves before the end. */
  readonly isAbandoned: boolean;
  /** As the API lists them: who answered first is not always before who took over. */
  readonly participants: WireParticipant[];
}

/** The encounter of a customer at an instant. */
export function drawEncounter(random: Random, customer: Customer, channel: string, atMs: number): Encounter {
  const { phrasebook } = customer.market;
  const isCall = channel === 'VOICE';
  const asked: WireParticipant = {
    id: drawId('conv_participant', random),
    name: customer.name,
    type: 'CUSTOMER',
    addressValues: [customer.address],
    ...(customer.profileId && { profileId: customer.profileId }),
  };
  const agents = drawAgents(random, peopleAtWork(atMs, phrasebook), isCall);
  const listed = agents.map((agent): [Agent, WireParticipant] => [agent, participantOf(agent, random)]);
  const [first, second] = listed.map(([agent, { id }]) => ({ agent, participantId: id }));
  const isAnswered = first !== undefined && (first.agent.type === 'AI_AGENT' || random.chance(0.96));
  const isReversed = second !== undefined && random.chance(first?.agent.type === 'AI_AGENT' ? 0.1 : 0.5);
  const participants = [asked, ...listed.map(([, participant]) => participant)];
  if (isReversed) participants.push(...participants.splice(1, 1));
  if (second === undefined && random.chance(0.1)) {
    const name = relativeOf(customer, random);
    participants.push({ id: drawId('conv_participant', random), name, type: 'UNKNOWN', addressValues: [] });
  }
  return {
    customer,
    customerId: asked.id,
    subject: random.pick(phrasebook.subjects),
    isCall,
    first: isAnswered ? first : undefined,
    second: isAnswered ? second : undefined,
    isAbandoned: random.chance(0.05),
    participants,
  };
}

/** Who answers and who takes over; none if nobody is at work and no AI agent answers either. */
function drawAgents(random: Random, atWork: readonly Agent[], isCall: boolean): Agent[] {
  if (random.chance(atWork.length === 0 ? 0.85 : isCall ? 0.33 : 0.5)) {
    const ai = aiAgents[isCall ? 1 : 0];
    return atWork.length > 0 && random.chance(0.45) ? [ai, random.pick(atWork)] : [ai];
  }
  const [first, second] = random.shuffle(atWork);
  return [first, random.chance(0.15) ? second : undefined].filter((agent) => agent !== undefined);
}

function participantOf({ name, type, address }: Agent, random: Random): WireParticipant {
  return { id: drawId('conv_participant', random), name, type, addressValues: [address] };
}
