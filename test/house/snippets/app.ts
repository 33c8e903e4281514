import type { Mfa, MfaEvent } from '@mfa-kit/core';
import express from 'express';

export { default as passport } from 'passport';

export const app = express();
export declare const mfa: Mfa;
export declare function eventsSince(instant: string): Promise<MfaEvent[]>;

declare global {
  namespace NodeJS {
    interface ProcessEnv {
      MFA_KEY: string;
      SESSION_SECRET: string;
    }
  }
  namespace Express {
    interface User {
      id: string;
      email: string;
      mfaEnrolled: boolean;
    }
  }
  function pay(req: express.Request, res: express.Response): void;
}
