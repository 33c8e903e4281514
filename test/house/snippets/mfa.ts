import type { expressMfa } from '@mfa-kit/express';

export { mfa } from './app.js';
export declare const mfaFor: ReturnType<typeof expressMfa>['mfaFor'];
export declare const requireMfa: ReturnType<typeof expressMfa>['requireMfa'];
