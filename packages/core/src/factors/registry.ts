import type { FactorKind } from '../assurance.js';
import type { Factor } from './factor.js';
import { recoveryCodeFactor } from './recovery-code/recovery-code.js';
import { totpFactor } from './totp/totp.js';

const registry = {
  totp: totpFactor,
  'recovery-code': recoveryCodeFactor,
} satisfies { [Kind in FactorKind]: { readonly kind: Kind } };

/** A line with an unknown factor gets no types, so the compiler reports that line and nothing else. */
type Registered<Kind extends FactorKind> = [0] extends [1 & (typeof registry)[Kind]] ? never : (typeof registry)[Kind];

/** Kinds whose authenticators users set up. */
export type EnrollableKind = { [Kind in FactorKind]: Registered<Kind> extends { enroll: object } ? Kind : never }[FactorKind];

/** The kind that is set up by default. */
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

/** A proof as input: its kind, and the fields that the factor of that kind reads. */
export type ProofInput = { [Kind in FactorKind]: { kind: Kind } & ProofFields<Kind> }[FactorKind];

type ProofFields<Kind extends FactorKind> = Parameters<Registered<Kind>['parse']>[0];

/** A proof as flat fields, one for each kind. */
export type FlatProof = { [Kind in FactorKind as Registered<Kind>['bodyField']]?: unknown };

type WordsOf<Kind extends FactorKind> = Registered<Kind> extends { words: infer Words } ? Words : never;

/** The texts of the factors, by kind. */
export type WordsOfFactors = { [Kind in FactorKind as WordsOf<Kind> extends never ? never : Kind]: WordsOf<Kind> };

/** All factors, in the order in which a challenge names them. */
export const FACTORS = Object.values(registry) as unknown as readonly [Factor, ...Factor[]];

/** The factor of a kind; undefined for a kind that this version does not know. */
export function factorOf(kind: unknown): Factor | undefined {
  return typeof kind === 'string' && Object.hasOwn(registry, kind) ? registry[kind as FactorKind] : undefined;
}

/** A factor whose authenticators users set up. */
export type EnrollableFactor = Factor & { enroll: NonNullable<Factor['enroll']> };

const DEFAULT_KIND: DefaultKind = 'totp';

/** Those of {@link FACTORS} whose authenticators users set up. */
export const ENROLLABLE: readonly EnrollableFactor[] = FACTORS.filter((factor) => factor.enroll) as EnrollableFactor[];

/** Returns the factor of a kind that users set up. Without a kind, returns the default; undefined for anything else. */
export function enrollableFactor(kind?: unknown): EnrollableFactor | undefined {
  return ENROLLABLE.find((factor) => factor.kind === (kind ?? DEFAULT_KIND));
}

/** Returns what a screen shows of a started enrollment in addition to its own fields. */
export async function drawEnrollment(enrollment: Enrollment): Promise<object> {
  return ((await enrollableFactor(enrollment.kind)?.enroll.draw?.(enrollment)) ?? {}) as object;
}

/**
 * Reads the proof from flat fields. A form may have a field for each kind, so an empty field next to a filled one counts as not sent. Two
 * filled ones are not a proof.
 */
export function proofOf(fields: FlatProof, factors: readonly Factor[] = FACTORS): ProofInput {
  const textOf = ({ bodyField }: Factor): unknown => fields[bodyField as keyof FlatProof];
  const given = factors.filter((factor) => textOf(factor) !== undefined);
  const filled = given.filter((factor) => textOf(factor) !== '');
  const factor = filled[0] ?? given[0] ?? factors[0] ?? FACTORS[0];
  const text = filled.length > 1 ? undefined : textOf(factor);
  return { kind: factor.kind, ...factor.proofFrom(text) } as ProofInput;
}

/** Returns the texts of the factors, by kind. */
export function wordsOfFactors(): WordsOfFactors {
  return Object.fromEntries(FACTORS.flatMap(({ kind, words }) => (words ? [[kind, words]] : []))) as unknown as WordsOfFactors;
}
