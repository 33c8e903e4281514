/** A goal that a ratio must not pass. */
export function atMost(name, ratio, bound) {
  return { name, ratio, bound: `<=${bound}`, ok: ratio.median <= bound };
}

/** A goal that a ratio must reach. */
export function atLeast(name, ratio, bound) {
  return { name, ratio, bound: `>=${bound}`, ok: ratio.median >= bound };
}

/** A goal with a lower and an upper limit. */
export function within(name, ratio, low, high) {
  return { name, ratio, bound: `${low}..${high}`, ok: low <= ratio.median && ratio.median <= high };
}
