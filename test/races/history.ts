/** One submission of a code of a step, as its sender sees it. */
export interface Try {
  step: number;
  accepted: boolean;
  /** Milliseconds on a common clock. */
  invokedAt: number;
  returnedAt: number;
}

/**
 * Returns why the history of one authenticator is not linearizable as a register that only advances; an empty list if it is.
 *
 * No step may be accepted twice, and no refusal may be without a reason. Then successes have only one possible order, by step; a
 * refusal comes after the first success that closed its step; and nothing comes before an attempt that had ended when it started.
 * An order exists if these constraints form no cycle.
 */
export function disorder(tries: readonly Try[]): string[] {
  const accepted = tries.filter((one) => one.accepted).sort((a, b) => a.step - b.step);
  const twice = accepted.filter((one, index) => accepted[index - 1]?.step === one.step);
  const closing = (step: number) => accepted.find((one) => one.step >= step);
  const groundless = tries.filter((one) => !one.accepted && !closing(one.step));
  if (twice.length + groundless.length > 0) {
    return [
      ...twice.map(({ step }) => `step ${step} was accepted twice`),
      ...groundless.map(({ step }) => `step ${step} was refused although nothing had closed it`),
    ];
  }
  const comesBefore = (a: Try, b: Try): boolean =>
    a.returnedAt < b.invokedAt || (b.accepted ? a.accepted && a.step < b.step : a === closing(b.step));
  return circle(tries, comesBefore).map(
    ({ step, accepted: ok }) => `step ${step} was ${ok ? 'accepted' : 'refused'} out of order`,
  );
}

/** Repeatedly removes attempts without a predecessor. The rest forms cycles. */
function circle(tries: readonly Try[], comesBefore: (a: Try, b: Try) => boolean): readonly Try[] {
  const free = tries.filter((one) => !tries.some((other) => other !== one && comesBefore(other, one)));
  if (free.length === 0) return tries;
  return circle(
    tries.filter((one) => !free.includes(one)),
    comesBefore,
  );
}
