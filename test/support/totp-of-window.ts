import { type TotpData, totpFactor } from '../../packages/core/src/factors/totp/totp.js';

/** The factor with one window, and with the given random bytes for a new secret. */
export function totpOfWindow(windowSteps: 0 | 1) {
  const { enroll, check, kind, traits } = totpFactor;
  return {
    kind,
    traits,
    begin: (random: Uint8Array): TotpData => enroll.begin(() => random),
    show: enroll.show,
    parse: (code: unknown) => totpFactor.parse({ code }),
    check: (data: TotpData, code: string, { now }: { now: number }) =>
      check(data, code, { now, options: { windowSteps, recoveryCodeCount: 10, recoveryCodesLowAt: 2 } }),
  };
}
