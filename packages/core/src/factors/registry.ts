import type { FactorKind } from '../assurance.js';
import type { Factor } from './factor.js';
import { recoveryCodeFactor } from './recovery-code/recovery-code.js';
import { totpFactor } from './totp/totp.js';

const registry = {
  totp: totpFactor,
  'recovery-code': recoveryCodeFactor,
} satisfies { [Kind in FactorKind]: { readonly kind: Kind } };

/** A line whose factor cannot be found has no types, so that the compiler complains about that line and nowhere else. */
type Registered<Kind extends FactorKind> = [0] extends [1 & (typeof registry)[Kind]] ? never : (typeof registry)[Kind];

/** Kinds whose authenticators people set up. */
export type EnrollableKind = { [Kind in FactorKind]: Registered<Kind> extends { enroll: object } ? Kind : never }[FactorKind];

/** The kind that is set up if none is asked for. */
export type DefaultKind = 'totp';

type ShownOf<Kind extends EnrollableKind> = ReturnType<Registered<Kind>['enroll']['show']>;
type DrawnOf<Kind extends EnrollableKind> = Registered<Kind>['enroll'] extends { draw: (shown: never) => Promise<infer Drawn> }
  ? Drawn
  : object;

/** What a screen shows of a started enrollment of a kind. */
export type ShownEnrollment<Kind extends EnrollableKind> = ShownOf<Kind> & DrawnOf<Kind>;

/** A started enrollment: what it shows, once, to the session that began it. */
export type Enrollment<Kind extends EnrollableKind = EnrollableKind> = {
  [Each in Kind]: {
    id: string;
    kind: Each;
    /** Epoch milliseconds. */
    expiresAt: number;
  } & ShownOf<Each>;
}[Kind];

/** A proof that somebody gave: its kind, and the fields that the factor of that kind reads. */
export type ProofInput = { [Kind in FactorKind]: { kind: Kind } & ProofFields<Kind> }[FactorKind];

type ProofFields<Kind extends FactorKind> = Parameters<Registered<Kind>['parse']>[0];

/** A proof as flat fields, one for each kind. */
export type FlatProof = { [Kind in FactorKind as Registered<Kind>['bodyField']]?: unknown };

type WordsOf<Kind extends FactorKind> = Registered<Kind> extends { words: infer Words } ? Words : never;

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

const DEFAULT_KIND: DefaultKind = 'totp';

/** Those of {@link FACTORS} whose authenticators people set up. */
export const ENROLLABLE: readonly EnrollableFactor[] = FACTORS.filter((factor) => factor.enroll) as EnrollableFactor[];

/** The factor of a kind that people set up. Without a kind it is the default; for anything else undefined. */
export function enrollableFactor(kind?: unknown): EnrollableFactor | undefined {
  return ENROLLABLE.find((factor) => factor.kind === (kind ?? DEFAULT_KIND));
}

/** What a screen shows of a started enrollment beside its own fields. */
export async function drawEnrollment(enrollment: Enrollment): Promise<object> {
  return ((await enrollableFactor(enrollment.kind)?.enroll.draw?.(enrollment)) ?? {}) as object;
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
