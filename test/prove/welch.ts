/**
 * The ways to call what is measured: each prepares a call, and the call alone is timed. They come in random order, so that whatever
 * slows the machine slows all of them, and a thousand are prepared before the first of them runs: what prepares a call leaves the
 * processor in a state of its own, which alone told apart ways that were the same.
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
export function welchOfPairs<Name extends string>(calls: TimedCalls<Name>, samples: number): PairTimes[] {
  const names = Object.keys(calls) as Name[];
  const order = shuffled(names.flatMap((_, index) => new Array<number>(samples).fill(index)));
  const ways = names.map((name) => calls[name]);
  const times = new Float64Array(order.length);
  for (let from = 0; from < order.length; from += 1_000) {
    const prepared = Array.from(order.subarray(from, from + 1_000), (way) => (ways[way] as () => () => unknown)());
    prepared.forEach((call, index) => {
      const before = performance.now();
      call();
      times[from + index] = performance.now() - before;
    });
  }
  const slowest = times.toSorted()[Math.floor(times.length * 0.9)] as number;
  const kept = names.map((_, way) => times.filter((time, index) => order[index] === way && time <= slowest));
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
