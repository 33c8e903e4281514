import type { ProofInput } from '../../packages/core/src/factors/registry.js';

/** Makes the proof for a code of an authenticator or a recovery code. */
export function proofOf(given: { code?: unknown; recoveryCode?: unknown }): ProofInput {
  if (given.recoveryCode === undefined) return { kind: 'totp', code: given.code };
  return { kind: 'recovery-code', code: given.recoveryCode };
}
