import { type Assurance, type MfaSession, makeAssurance, viaOf } from '../../assurance.js';
import { MfaError } from '../../errors.js';
import { FACTORS, factorOf, type ProofInput } from '../../factors/registry.js';
import type { Profile } from '../../profile/profile.js';
import type { ParsedProof } from './check-proof.js';

/** Returns the factor of a proof and the proof in its normal form, or null if it cannot be a proof. */
export function readProof(proof: ProofInput): ParsedProof & { value: unknown } {
  const factor = factorOf((proof as Partial<ProofInput> | undefined)?.kind);
  if (factor) return { factor, value: factor.parse({ ...proof }) };
  const kinds = FACTORS.map(({ kind }) => `"${kind}"`).join(' or ');
  throw new MfaError('invalid_argument', `The proof needs a kind: ${kinds}. Write proof: { kind, code }.`);
}

/** The assurance of a proof that was just accepted. It names the device of the proof or, without one, that of the session. */
export function assuranceOfProof(
  { user, session, now }: { user: { id: string }; session: MfaSession; now: number },
  { factor }: Pick<ParsedProof, 'factor'>,
  proven: { profile: Profile; deviceId?: string | undefined },
): Assurance {
  const { profile } = proven;
  const deviceId = proven.deviceId ?? deviceOf(session, profile);
  return makeAssurance(viaOf(factor.kind), { userId: user.id, epoch: profile.epoch, verifiedAt: now, deviceId });
}

function deviceOf(session: MfaSession, profile: Profile): string | undefined {
  const deviceId = session.state === 'verified' ? session.assurance.deviceId : undefined;
  return deviceId !== undefined && profile.devices.some(({ id }) => id === deviceId) ? deviceId : undefined;
}
