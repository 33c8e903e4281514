import type { MfaUser } from '@mfa-kit/core';

export declare function currentUser(request: object): MfaUser | null;
