// What goes wrong between the program and the API, drawn by chance: everything that ends by itself, or is cleared. A
// silence is left out: it would cost real time.

import type { Random } from '../../src/lib/random.ts';
import type { Fault, FaultRule } from '../../src/simulator/faults.ts';

/** One to three rules. */
export function drawFaults(random: Random, ids: string[]): FaultRule[] {
  return Array.from({ length: random.int(1, 3) }, () => {
    const rule = drawRule(random);
    return rule.on === 'detail' && ids.length > 0 && random.chance(0.3) ? { ...rule, id: random.pick(ids) } : rule;
  });
}

function drawRule(random: Random): FaultRule {
  const on = random.pick(['list', 'firstPage', 'nextPage', 'detail', 'detail', 'any', 'resultList', 'result'] as const);
  const when: Partial<FaultRule> = random.pick([
    { rate: 0.05 },
    { rate: 0.2 },
    { nth: random.int(1, 8) },
    { every: random.int(4, 7) },
    { times: random.int(1, 12) },
    { forMs: random.int(1, 60) * 1000 },
  ]);
  // A key that is refused, or a server that is away, is so for every request, and for a while.
  if (random.chance(0.15)) {
    const status = random.pick([401, 403, 503]);
    return { on: 'any', fault: { kind: 'status', status }, forMs: random.int(1, 90) * 1000 };
  }
  if (random.chance(0.1)) {
    return { on: 'list', widerThanSeconds: random.pick([3600, 86_400]), fault: { kind: 'status', status: 504 } };
  }
  if (random.chance(0.05)) {
    const offsetMs = random.pick([-1, 1]) * random.pick([120_000, 86_400_000]);
    return { on, fault: { kind: 'date', offsetMs }, times: 1 };
  }
  if (random.chance(0.05)) return { on: 'list', fault: { kind: 'huge', bytes: 6_000_000 }, times: random.int(1, 3) };
  return { on, fault: drawFault(random, on), ...when };
}

function drawFault(random: Random, on: FaultRule['on']): Fault {
  return random.pick<Fault>([
    { kind: 'status', status: random.pick([500, 502, 503, 504, 408]) },
    { kind: 'status', status: 429 },
    { kind: 'status', status: 429, retryAfter: String(random.int(0, 20)) },
    { kind: 'status', status: random.pick([400, 404, 410]) },
    { kind: 'reset', at: random.pick(['head', 'body']) },
    { kind: 'truncate', how: random.pick(['length', 'chunked']) },
    { kind: 'invalidJson' },
    { kind: 'html' },
    on === 'detail' ? { kind: 'noDate' } : { kind: 'expireToken' },
    { kind: 'delay', ms: random.int(1, 8) },
  ]);
}
