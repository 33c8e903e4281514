const LEAST_ROUNDS = 3;

/**
 * Compares sides in turn: in each round every side runs one batch, in an order that changes from round to round, so that other load on
 * the machine affects all of them. Ratios are computed within a round, and their median is reported.
 *
 * The first `warmup` rounds are dropped (a number of such rounds, or `{ rounds, count, inFlight }` of other rounds), because V8 compiles
 * only functions that are called often, and a cold side would be measured as in its first minutes in production. No round begins after
 * `seconds` (half of them for the warm-up), but three are always measured.
 *
 * A side is `{ name, prepare?(count), run(index), cpu?() }`; `prepare` prepares `count` calls and is not timed. `cpu` returns the
 * CPU microseconds that the measured process has used. With it, CPU time is measured as well, which other load on the machine disturbs
 * less.
 */
export async function compare(sides, { rounds, count, inFlight = 1, warmup = 1, seconds = Infinity }) {
  const costs = new Map(sides.map(({ name }) => [name, []]));
  for (const { name, cpu } of sides) if (cpu) costs.set(cpuOf(name), []);
  const started = performance.now();
  const isLate = (part) => performance.now() - started > seconds * part * 1000;
  const warm = typeof warmup === 'number' ? { rounds: warmup, count, inFlight } : warmup;
  for (let round = 0; round < warm.rounds && !isLate(0.5); round++) await playRound(sides, round, warm);
  for (let round = 0; round < rounds && !(round >= LEAST_ROUNDS && isLate(1)); round++)
    await playRound(sides, round, { count, inFlight, costs });
  return costs;
}

async function playRound(sides, round, { count, inFlight, costs }) {
  const order = round % 2 === 0 ? sides : [...sides].reverse();
  for (const side of order) {
    await side.prepare?.(count);
    const used = await side.cpu?.();
    const cost = inFlight === 1 ? await oneByOne(side, count) : await atOnce(side, count, inFlight);
    const usedAfter = await side.cpu?.();
    costs?.get(side.name).push(cost);
    if (side.cpu) costs?.get(cpuOf(side.name)).push((usedAfter - used) / count);
  }
}

/** The name of a side's CPU time. */
export function cpuOf(name) {
  return `${name}, processor`;
}

/** The median time of single calls in microseconds, so that a pause of the machine affects one call and not the batch. */
async function oneByOne(side, count) {
  const taken = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await side.run(index);
    taken[index] = (performance.now() - start) * 1000;
  }
  return median([...taken]);
}

/** Elapsed microseconds per call, with `inFlight` calls running at a time. */
export async function atOnce(side, count, inFlight) {
  let next = 0;
  const worker = async () => {
    while (next < count) await side.run(next++);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return ((performance.now() - start) * 1000) / count;
}

/** The same for synchronous calls of microseconds, timed as a whole batch. */
export function compareCalls(sides, { rounds, count, warmup = 100 }) {
  const costs = new Map(sides.map(({ name }) => [name, []]));
  for (let round = -warmup; round < rounds; round++) {
    const order = round % 2 === 0 ? sides : [...sides].reverse();
    for (const { name, run } of order) {
      const start = performance.now();
      for (let index = 0; index < count; index++) run(index);
      const cost = ((performance.now() - start) * 1000) / count;
      if (round >= 0) costs.get(name).push(cost);
    }
  }
  return costs;
}

/** Median and quartiles of `a / b`, round by round. */
export function ratioOf(costs, a, b) {
  const over = costs.get(b);
  return spread(costs.get(a).map((cost, round) => cost / over[round]));
}

export function spread(values) {
  const sorted = [...values].sort((x, y) => x - y);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return { median: median(sorted), low: at(0.25), high: at(0.75) };
}

export function median(values) {
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
