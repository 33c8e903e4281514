/** One submission of a code of a step, as its sender saw it. */
export interface Try {
  step: number;
  accepted: boolean;
  /** Milliseconds on one clock. */
  invokedAt: number;
  returnedAt: number;
}

/**
 * Why a history of one authenticator cannot be that of a register which only advances (linearizability); an empty list says that
 * it can.
 *
 * No step is accepted twice and no refusal is without ground. Successes then have one possible order, by step; a refusal comes
 * after the first success that closed its step; and nothing comes before what had ended when it began. There is an order for all
 * of it if these demands form no circle.
 */
export function disorder(tries: readonly Try[]): string[] {
  const accepted = tries.filter((one) => one.accepted).sort((a, b) => a.step - b.step);
  const twice = accepted.filter((one, index) => accepted[index - 1]?.step === one.step);
  const closing = (step: number) => accepted.find((one) => one.step >= step);
  const groundless = tries.filter((one) => !one.accepted && !closing(one.step));
  if (twice.length + groundless.length > 0) {
    return [
      ...twice.map(({ step }) => `step ${step} was accepted twice`),
      ...groundless.map(({ step }) => `step ${step} was refused, and nothing had closed it`),
    ];
  }
  const comesBefore = (a: Try, b: Try): boolean =>
    a.returnedAt < b.invokedAt || (b.accepted ? a.accepted && a.step < b.step : a === closing(b.step));
  return circle(tries, comesBefore).map(
    ({ step, accepted: ok }) => `step ${step} was ${ok ? 'accepted' : 'refused'} out of order`,
  );
}

/** What is left when everything is taken away that nothing left must come before. */
function circle(tries: readonly Try[], comesBefore: (a: Try, b: Try) => boolean): readonly Try[] {
  const free = tries.filter((one) => !tries.some((other) => other !== one && comesBefore(other, one)));
  if (free.length === 0) return tries;
  return circle(
    tries.filter((one) => !free.includes(one)),
    comesBefore,
  );
}
