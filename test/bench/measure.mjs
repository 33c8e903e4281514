const LEAST_ROUNDS = 3;

/**
 * Compares sides by turns: in each round every side runs one batch, in an order that changes from round to round, so that what
 * the machine does meanwhile meets all of them. Ratios are taken within a round; reported is their median.
 *
 * Before that come `warmup` rounds that are not kept (a number of such rounds, or `{ rounds, count, inFlight }` of another kind): V8
 * compiles what is called often, so a side that was called a few hundred times only would be measured as it runs in production for its
 * first minutes. After `seconds` no more rounds begin (half of them for the warm-up), but three are always measured.
 *
 * A side is `{ name, prepare?(count), run(index), cpu?() }`; `prepare` gets ready for so many calls, and is not timed. With `cpu`, the
 * microseconds that the measured process has used so far, what a call takes of the processor is counted beside the time: other work
 * on the machine disturbs it less.
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

/** The name under which the processor's part of a side is kept. */
export function cpuOf(name) {
  return `${name}, processor`;
}

/** The median of what single calls took, in microseconds: a pause of the machine is one call's, not the batch's. */
async function oneByOne(side, count) {
  const taken = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await side.run(index);
    taken[index] = (performance.now() - start) * 1000;
  }
  return median([...taken]);
}

/** Elapsed microseconds a call, with so many calls under way at any moment. */
export async function atOnce(side, count, inFlight) {
  let next = 0;
  const worker = async () => {
    while (next < count) await side.run(next++);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return ((performance.now() - start) * 1000) / count;
}

/** The same for calls that take microseconds and do not wait: a batch is timed as one. */
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
