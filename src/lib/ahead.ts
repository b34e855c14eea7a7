// Concurrency over streams: work is begun ahead of its consumer, and results come out in the order of their sources.
// An error, or a consumer that stops, ends the source and waits for what was begun, so that nothing runs on unseen.

/**
 * Maps values concurrently, at most `most` begun and not yet taken by the consumer; results keep the order of the source.
 * `onLeft` is told when the consumer will take no more of what was begun, to end that early.
 */
export async function* mapAhead<In, Out>(
  source: AsyncIterable<In>,
  most: number,
  map: (value: In) => Promise<Out>,
  onLeft: () => void = () => {},
): AsyncGenerator<Out, void, void> {
  const begun: Promise<Out>[] = [];
  let changed = Promise.withResolvers<void>();
  const signal = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  let stopped = false;
  let ended = false;

  const producer = (async () => {
    for await (const value of source) {
      if (stopped) break;
      const result = map(value);
      // Seen by the consumer in its turn; until then a rejection must not count as unhandled.
      result.catch(() => {});
      begun.push(result);
      signal();
      while (begun.length >= most && !stopped) await changed.promise;
      if (stopped) break;
    }
  })().finally(() => {
    ended = true;
    signal();
  });
  producer.catch(() => {});

  try {
    for (;;) {
      const next = begun[0];
      if (next !== undefined) {
        yield await next;
        begun.shift();
        signal();
      } else if (ended) {
        return await producer;
      } else {
        await changed.promise;
      }
    }
  } finally {
    stopped = true;
    signal();
    if (!ended || begun.length > 0) onLeft();
    await Promise.allSettled([...begun, producer]);
  }
}
