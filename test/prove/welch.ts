/**
 * The ways to call what is measured: each prepares a call, and the call alone is timed. They come in random order, so that whatever
 * slows the machine slows all of them.
 */
export type TimedCalls<Name extends string> = Record<Name, () => () => unknown>;

/** Two ways compared; `nanoseconds`: by how much the first is slower. */
export interface PairTimes {
  pair: string;
  t: number;
  nanoseconds: number;
}

/**
 * Welch's t of each pair of ways, from `samples` calls of each: how sure it is that one takes longer than the other, and by how
 * much. Beyond 4.5 the two are told apart. Calls slower than 9 of 10 of all are left out: a collection of garbage says nothing about the call.
 */
export function welchOfPairs<Name extends string>(
  calls: TimedCalls<Name>,
  samples: number,
): { pair: string; t: number; nanoseconds: number }[] {
  const names = Object.keys(calls) as Name[];
  const order = shuffled(names.flatMap((_, index) => new Array<number>(samples).fill(index)));
  const times = names.map(() => new Float64Array(samples));
  const taken = names.map(() => 0);
  const ways = names.map((name) => calls[name]);
  for (const index of order.subarray(0, Math.min(20_000, order.length))) ways[index]?.()();
  for (const index of order) {
    const call = (ways[index] as () => () => unknown)();
    const before = performance.now();
    call();
    const after = performance.now();
    (times[index] as Float64Array)[taken[index]!++] = after - before;
  }
  const all = Float64Array.from(times.flatMap((of) => [...of])).sort();
  const slowest = all[Math.floor(all.length * 0.9)] as number;
  const kept = times.map((of) => of.filter((time) => time <= slowest));
  return names.flatMap((name, index) =>
    names.slice(index + 1).map((other, distance) => {
      const [one, two] = [momentsOf(kept[index]!), momentsOf(kept[index + 1 + distance]!)];
      const difference = one.mean - two.mean;
      const t = difference / Math.sqrt(one.variance / one.count + two.variance / two.count);
      return { pair: `${name} / ${other}`, t, nanoseconds: difference * 1e6 };
    }),
  );
}

function momentsOf(values: Float64Array): { mean: number; variance: number; count: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1), count: values.length };
}

function shuffled(values: readonly number[]): Uint8Array {
  const order = Uint8Array.from(values);
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    const kept = order[last] as number;
    order[last] = order[other] as number;
    order[other] = kept;
  }
  return order;
}
