// F73: an application with its own fields where the kit might add some.
import { type RequestMfa, requestMfa } from '@mfa-kit/express';
import type { Request } from 'express';
import type { SessionData } from 'express-session';

declare global {
  namespace Express {
    interface Request {
      mfa: { required: boolean };
    }
  }
}
declare module 'express-session' {
  interface SessionData {
    mfa: number;
  }
}

export function own(req: Request, { mfa }: SessionData): [required: boolean, count: number, found: RequestMfa | undefined] {
  return [req.mfa.required, mfa, requestMfa(req)];
}
