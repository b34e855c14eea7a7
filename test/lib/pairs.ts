// Every pair of values of any two dimensions, in few rows: what one switch does to another is tested without testing all
// combinations. Greedy and without chance: the same dimensions give the same rows.

/** Rows that together hold every pair of values of every two dimensions. */
export function pairwise<Row extends object>(dimensions: { [Name in keyof Row]: readonly Row[Name][] }): Row[] {
  const names = Object.keys(dimensions) as (keyof Row)[];
  const key = (a: keyof Row, i: number, b: keyof Row, j: number) => `${String(a)}=${i}&${String(b)}=${j}`;
  const open = new Set<string>();
  for (const [at, a] of names.entries()) {
    for (const b of names.slice(at + 1)) {
      for (const i of dimensions[a].keys()) for (const j of dimensions[b].keys()) open.add(key(a, i, b, j));
    }
  }
  const rows: Row[] = [];
  while (open.size > 0) {
    const chosen = new Map<keyof Row, number>();
    // The first open pair is in this row for certain; every other dimension takes the value that closes most pairs.
    const [first] = open;
    for (const part of (first ?? '').split('&')) {
      const [name = '', value] = part.split('=');
      chosen.set(name as keyof Row, Number(value));
    }
    for (const name of names) {
      if (chosen.has(name)) continue;
      let best = { value: 0, closes: -1 };
      for (const value of dimensions[name].keys()) {
        const closes = [...chosen].filter(
          ([other, at]) => open.has(key(name, value, other, at)) || open.has(key(other, at, name, value)),
        );
        if (closes.length > best.closes) best = { value, closes: closes.length };
      }
      chosen.set(name, best.value);
    }
    for (const [a, i] of chosen) for (const [b, j] of chosen) open.delete(key(a, i, b, j));
    rows.push(Object.fromEntries(names.map((name) => [name, dimensions[name][chosen.get(name) ?? 0]])) as Row);
  }
  return rows;
}
