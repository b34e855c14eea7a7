// Killed at every point of a small sync, one by one, the program goes on from there: the next start ends with the rows of
// the source. `npm run test:crash` takes every point, `CRASH_POINTS=2/8` the second of eight parts of them; otherwise it is a spread
// of them, another one each day.

import { expect, test } from 'vitest';
import { type Kind, killAt, kinds, type Point, runUnharmed } from './points.ts';
import { Scene } from './scene.ts';

const asked = process.env['CRASH_POINTS'] === 'all' ? '1/1' : process.env['CRASH_POINTS'];
/** Which part of all points is tried, and of how many parts. */
const [part = 0, parts = 0] = asked?.split('/').map(Number) ?? [];
const every = parts > 0;
/** Points of each kind that are tried otherwise. */
const spread = 2;
/** As many at a time as keep two cores busy: one that is killed waits some seconds for its end. */
const atATime = 6;

const scenes = { 'a first sync': Scene.first, 'a later one, with changes of every kind': Scene.later };

test.each(Object.keys(scenes) as (keyof typeof scenes)[])(
  '%s',
  { timeout: every ? 6 * 3_600_000 : 600_000 },
  async (name) => {
    await using scene = await scenes[name]();
    const unharmed = await runUnharmed(scene);
    const points = kinds.flatMap((kind) => choose(kind, unharmed.points[kind]));
    const found: Record<Kind, number> = { statement: 0, 'its answer': 0, "the API's answer": 0 };
    const next = points.values();
    let tried = 0;
    await Promise.all(
      Array.from({ length: atATime }, async () => {
        for (const point of next) {
          if (await killAt(scene, point, unharmed)) found[point.kind] += 1;
          tried += 1;
          if (tried % 100 === 0) process.stdout.write(`${name}: ${tried} of ${points.length} points tried\n`);
        }
      }),
    );
    if (every && part === parts) for (const kind of kinds) await beyond(scene, kind, unharmed);
    process.stdout.write(`${name}: killed at ${describe(found)}, of ${describe(unharmed.points)}\n`);
    for (const kind of kinds) {
      const chosen = points.filter((point) => point.kind === kind).length;
      expect(found[kind]).toBeGreaterThanOrEqual(every ? Math.floor(chosen * 0.9) : 1);
    }
  },
);

/** One run may have a statement more than another: on to the first point that none comes to. */
async function beyond(scene: Scene, kind: Kind, unharmed: Parameters<typeof killAt>[2]): Promise<void> {
  for (let n = unharmed.points[kind] + 1; await killAt(scene, { kind, n }, unharmed); n++);
}

function choose(kind: Kind, count: number): Point[] {
  const all = Array.from({ length: count }, (_, at) => ({ kind, n: at + 1 }));
  if (every) return all.filter(({ n }) => n % parts === part % parts);
  const step = Math.floor(count / spread);
  const offset = Math.floor(Date.now() / 86_400_000) % step;
  return Array.from({ length: spread }, (_, at) => ({ kind, n: 1 + offset + at * step }));
}

const describe = (points: Record<Kind, number>) => kinds.map((kind) => `${points[kind]} × ${kind}`).join(', ');
