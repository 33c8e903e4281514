import { median } from '../measure.mjs';

/**
 * Compares two sides in turn. Returns two ratios for each pair, one by elapsed time and one by CPU time: how many calls the second side
 * makes while the first makes one.
 *
 * A pair is many short batches of the sides in turn (A B, B A, ...), so that other load on the machine affects both. Load only makes a
 * batch slower, so the first quartile of a side's batches counts.
 */
export async function measurePairs(before, after, { pairs, batches, warmup }, cpu) {
  const sides = [before, after];
  for (let called = 0, turn = 0; called < warmup; called += before.calls, turn++) await playTurn(sides, turn, cpu);
  const ratios = { elapsed: [], processor: [] };
  for (let pair = 0; pair < pairs; pair++) {
    const taken = [newTaken(), newTaken()];
    for (let turn = 0; turn < batches; turn++) await playTurn(sides, pair + turn, cpu, taken);
    for (const [name, values] of Object.entries(ratios)) values.push(quick(taken[0][name]) / quick(taken[1][name]));
  }
  return ratios;
}

/** The first quartile of the batches. */
function quick(batches) {
  return [...batches].sort((a, b) => a - b)[batches.length >> 2];
}

const newTaken = () => ({ elapsed: [], processor: [] });

/** CPU microseconds that this process has used. */
export function ownCpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function playTurn(sides, turn, cpu, taken) {
  const order = turn % 2 === 0 ? [0, 1] : [1, 0];
  for (const which of order) {
    await sides[which].prepare();
    const used = await cpu();
    const start = performance.now();
    await sides[which].run();
    const elapsed = performance.now() - start;
    const processor = (await cpu()) - used;
    taken?.[which].elapsed.push(elapsed);
    taken?.[which].processor.push(processor);
  }
}

/** The median with its 95 % interval, computed by resampling the measured pairs (bootstrap). */
export function estimate(ratios) {
  const drawn = [];
  // A fixed generator, so that the same pairs always give the same interval.
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let round = 0; round < 2000; round++) drawn.push(median(ratios.map(() => ratios[Math.floor(next() * ratios.length)])));
  drawn.sort((a, b) => a - b);
  return { median: median(ratios), low: drawn[50], high: drawn[1949], pairs: ratios.length };
}
