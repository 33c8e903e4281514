import type { FactorKind } from '../assurance.js';
import type { Factor } from './factor.js';
import { recoveryCodeFactor } from './recovery-code/recovery-code.js';
import { totpFactor } from './totp/totp.js';

const registry = {
  totp: totpFactor,
  'recovery-code': recoveryCodeFactor,
} satisfies { [Kind in FactorKind]: { readonly kind: Kind } };

/** Kinds whose authenticators people set up. */
export type EnrollableKind = {
  [Kind in FactorKind]: (typeof registry)[Kind] extends { enroll: object } ? Kind : never;
}[FactorKind];

type ShownOf<Kind extends EnrollableKind> = ReturnType<(typeof registry)[Kind]['enroll']['show']>;

/** A started enrollment: what it shows, once, to the session that began it. */
export type Enrollment = {
  [Kind in EnrollableKind]: {
    id: string;
    kind: Kind;
    /** Epoch milliseconds. */
    expiresAt: number;
  } & ShownOf<Kind>;
}[EnrollableKind];

/** A proof that somebody gave: its kind, and the fields that the factor of that kind reads. */
export type ProofInput = { [Kind in FactorKind]: { kind: Kind } & ProofFields<Kind> }[FactorKind];

type ProofFields<Kind extends FactorKind> = Parameters<(typeof registry)[Kind]['parse']>[0];

/** All factors, in the order in which a challenge names them. */
export const FACTORS: readonly Factor[] = Object.values(registry);

/** The factor of a kind; undefined for a kind that this version does not know. */
export function factorOf(kind: unknown): Factor | undefined {
  return typeof kind === 'string' && Object.hasOwn(registry, kind) ? registry[kind as FactorKind] : undefined;
}
