import type { Requirement } from '@mfa-kit/core';

/** What a decorator of the kit says of a handler or of its class; the handler's word counts before the class's. */
export type MfaMark = ({ kind: 'skip' } & { requirement?: never }) | { kind: 'require'; requirement: Requirement };

/** Key of the metadata that holds an {@link MfaMark}. */
export const MFA_MARK = '@mfa-kit/nest:mark';
