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
type DrawnOf<Kind extends EnrollableKind> = (typeof registry)[Kind]['enroll'] extends {
  draw: (shown: never) => Promise<infer Drawn>;
}
  ? Drawn
  : unknown;

/** What a screen shows of a started enrollment of a kind. */
export type ShownEnrollment<Kind extends EnrollableKind> = ShownOf<Kind> & DrawnOf<Kind>;

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

/** A proof as flat fields, one for each kind. */
export type FlatProof = { [Kind in FactorKind as (typeof registry)[Kind]['bodyField']]?: unknown };

type WordsOf<Kind extends FactorKind> = (typeof registry)[Kind] extends { words: infer Words } ? Words : never;

/** The words that factors bring along, by kind. */
export type WordsOfFactors = { [Kind in FactorKind as WordsOf<Kind> extends never ? never : Kind]: WordsOf<Kind> };

/** All factors, in the order in which a challenge names them. */
export const FACTORS = Object.values(registry) as unknown as readonly [Factor, ...Factor[]];

/** The factor of a kind; undefined for a kind that this version does not know. */
export function factorOf(kind: unknown): Factor | undefined {
  return typeof kind === 'string' && Object.hasOwn(registry, kind) ? registry[kind as FactorKind] : undefined;
}

/** A factor whose authenticators people set up. */
export type EnrollableFactor = Factor & { enroll: NonNullable<Factor['enroll']> };

/** Those of {@link FACTORS} whose authenticators people set up. */
export const ENROLLABLE: readonly EnrollableFactor[] = FACTORS.filter((factor) => factor.enroll) as EnrollableFactor[];

/** The factor of a kind that people set up. Without a kind it is the first one; for anything else undefined. */
export function enrollableFactor(kind?: unknown): EnrollableFactor | undefined {
  return kind === undefined ? ENROLLABLE[0] : ENROLLABLE.find((factor) => factor.kind === kind);
}

/** What a screen shows of a started enrollment beside its own fields. */
export async function drawEnrollment<Started extends Enrollment>(enrollment: Started): Promise<DrawnOf<Started['kind']>> {
  return (await enrollableFactor(enrollment.kind)?.enroll.draw?.(enrollment)) as DrawnOf<Started['kind']>;
}

/**
 * The proof in flat fields. A form may have a field for each kind, so an empty field beside a filled one was not given. Two filled ones
 * are no proof.
 */
export function proofOf(fields: FlatProof, factors: readonly Factor[] = FACTORS): ProofInput {
  const textOf = ({ bodyField }: Factor): unknown => fields[bodyField as keyof FlatProof];
  const given = factors.filter((factor) => textOf(factor) !== undefined);
  const filled = given.filter((factor) => textOf(factor) !== '');
  const factor = filled[0] ?? given[0] ?? factors[0] ?? FACTORS[0];
  const text = filled.length > 1 ? undefined : textOf(factor);
  return { kind: factor.kind, ...factor.proofFrom(text) } as ProofInput;
}

/** The words that factors bring along, by kind. */
export function wordsOfFactors(): WordsOfFactors {
  return Object.fromEntries(FACTORS.flatMap(({ kind, words }) => (words ? [[kind, words]] : []))) as unknown as WordsOfFactors;
}
