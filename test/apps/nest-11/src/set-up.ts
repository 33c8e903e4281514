import { randomBytes } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import session from 'express-session';
import passport from 'passport';

/** Sets up what the application needs before its routes, also in tests. */
export function setUp(app: INestApplication): void {
  const secret = process.env.SESSION_SECRET ?? randomBytes(32).toString('hex');
  app.use(session({ secret, resave: false, saveUninitialized: false }), passport.initialize(), passport.session());
}
