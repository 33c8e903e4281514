import type { RequestHandler } from 'express';

/** Lets pages of one other origin call the API, without cookies. Also answers the browser's preflight requests. */
export function allowOrigin(origin: string | undefined): RequestHandler {
  return (req, res, next) => {
    // This API has no pages, so browsers get JSON, also from the kit.
    req.headers.accept = 'application/json';
    res.vary('Origin');
    if (origin !== undefined && req.headers.origin === origin) {
      res.set('Access-Control-Allow-Origin', origin);
      res.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, MFA-Device');
      res.set('Access-Control-Allow-Methods', 'GET, POST');
    }
    if (req.method === 'OPTIONS') res.status(204).end();
    else next();
  };
}
