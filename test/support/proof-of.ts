import type { ProofInput } from '../../packages/core/src/factors/registry.js';

/** The proof that a code of an authenticator or a recovery code is. */
export function proofOf(given: { code?: unknown; recoveryCode?: unknown }): ProofInput {
  if (given.recoveryCode === undefined) return { kind: 'totp', code: given.code };
  return { kind: 'recovery-code', code: given.recoveryCode };
}
