// Conversations with something secret in every shape that the API's answers may have, expected or not.

import fc from 'fast-check';
import type { Json } from '../../src/lib/json.ts';

/** Where a text is expected: a text, or anything else. `keys`: what an object has, if it is one. */
const wild = (...keys: string[]) =>
  fc.oneof(
    fc.constantFrom<Json>('secret', null, 7, true),
    fc.array(fc.constantFrom<Json>('secret', null, 7, { text: 'secret' })),
    fc.dictionary(fc.constantFrom(...keys), fc.constantFrom<Json>('secret', ['secret'], { text: 'secret' }, null)),
  );
const anything = wild('text', 'name', 'id', '__proto__');
/** A conversation of any shape that an answer may have. */
export const wildConversation = (id = 'c') =>
  fc.record(
    {
      id: fc.constant(id),
      createdAt: fc.constant('2026-06-08T20:41:53Z'),
      name: anything,
      participants: fc.array(fc.record({ id: fc.constant('p'), name: anything, addressValues: anything })),
      // What content holds besides its text has no column, and is `extra`.
      communications: fc.array(fc.record({ id: fc.constant('m'), content: wild('text') })),
    },
    { requiredKeys: ['id', 'createdAt'] },
  );
