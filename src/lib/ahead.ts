// Concurrency over streams: work starts ahead of its consumer, and results come in the order of their sources. An error, or
// a consumer that stops, ends the source and waits for all work that was started, so that nothing goes on afterwards.

/**
 * Maps values concurrently: at most `max` are started and not yet consumed. Results keep the order of the source.
 * `onStop` is called when the consumer takes no more while work is under way, so that it can be ended early.
 */
export async function* mapAhead<In, Out>(
  source: AsyncIterable<In>,
  max: number,
  map: (value: In) => Promise<Out>,
  onStop: () => void = () => {},
): AsyncGenerator<Out, void, void> {
  const started: Promise<Out>[] = [];
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
      // The consumer sees a rejection in its turn; until then it must not count as unhandled.
      result.catch(() => {});
      started.push(result);
      signal();
      while (started.length >= max && !stopped) await changed.promise;
      if (stopped) break;
    }
  })().finally(() => {
    ended = true;
    signal();
  });
  producer.catch(() => {});

  try {
    for (;;) {
      const next = started[0];
      if (next !== undefined) {
        yield await next;
        started.shift();
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
    if (!ended || started.length > 0) onStop();
    await Promise.allSettled([...started, producer]);
  }
}
