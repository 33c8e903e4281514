import type { RequestHandler } from 'express';

/** Lets the page of one other origin call the API, without cookies. It also answers the browser's preflight requests. */
export function allowOrigin(origin: string | undefined): RequestHandler {
  return (req, res, next) => {
    // There are no pages here: a browser that asks for one gets JSON, from the kit as well.
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
