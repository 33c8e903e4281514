import type { MfaStorage } from '@mfa-kit/core';

export declare function openStorage(): Promise<MfaStorage>;
export declare function closeStorage(storage: MfaStorage): Promise<void>;
