import type { Mfa } from '@mfa-kit/core';
import express from 'express';

export { default as passport } from 'passport';

export const app = express();
export declare const mfa: Mfa;

declare global {
  namespace Express {
    interface User {
      id: string;
      email: string;
      mfaEnrolled: boolean;
    }
  }
  function pay(req: express.Request, res: express.Response): void;
}
