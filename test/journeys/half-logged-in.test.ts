import { Agent, request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireOathtool } from '../support/authenticator.js';
import { type DemoApp, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { type ScriptedClient, scriptedClient } from '../support/scripted-client.js';
import { type EnrolledApp, expectStatus, logIn, logInAndEnroll } from '../support/scripted-journey.js';

/** What anybody may ask for. */
const OPEN = ['GET /', 'GET /login', 'GET /healthz', 'GET /demo.css', 'GET /icon.svg', 'POST /logout'];
/** What somebody may who has proven the password and not yet the second factor. */
const CHALLENGED = [...OPEN, 'GET /mfa/challenge'];
/** And who has no second factor yet. */
const ENROLLING = [...OPEN, 'GET /mfa/enroll', 'POST /mfa/enroll'];

const ROUTES = [
  ...['/', '/login', '/logout', '/healthz', '/demo.css', '/icon.svg', '/cases', '/payouts', '/account', '/password', '/nothing'],
  ...['/mfa', '/mfa/enroll', '/mfa/enroll/confirm', '/mfa/enroll/cancel', '/mfa/challenge', '/mfa/verify', '/mfa/recovery-codes'],
  ...['/mfa/authenticators/rename', '/mfa/authenticators/remove', '/mfa/devices/revoke', '/mfa/sessions/end', '/mfa/nothing'],
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The same route as a proxy, a typo or an attacker may spell it. */
const SPELLINGS: ((path: string) => string)[] = [
  (path) => path,
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => `/.${path}`,
  (path) => `/login/..${path}`,
  (path) => `/%2e${path}`,
  (path) => path.replace(/^\/(.)/, '/%2f$1'),
  (path) => path.replace(/(.)$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
  (path) => path.toUpperCase(),
  (path) => `${path}?x=/login`,
  (path) => `${path};/login`,
  (path) => `${path}%00`,
  (path) => `${path}/login`,
  (path) => `${path}\\..\\login`,
];

describeWith(requireOathtool(), 'a half-logged-in session', () => {
  let app: DemoApp;
  let authenticator: EnrolledApp;

  beforeAll(async () => {
    app = await startDemoApp();
    authenticator = await logInAndEnroll(scriptedClient(app.origin), app, 'ada');
  });
  afterAll(() => app.close());

  it.each(['application/json', 'text/html'])('opens nothing but the challenge and what is open to all (%s)', async (accept) => {
    const client = scriptedClient(app.origin);
    await logIn(client, app, 'ada');
    expect(await crawl(client, accept, CHALLENGED)).toEqual([]);
    // It was half logged in until the end: what is missing was the code alone.
    expectStatus(await client.post('/mfa/verify', { code: await authenticator.nextCode() }), 200);
    expect((await client.get('/cases')).status).toBe(200);
  });

  it('opens nothing but the set-up where nothing is enrolled', async () => {
    const fresh = await startDemoApp();
    try {
      const client = scriptedClient(fresh.origin);
      await logIn(client, fresh, 'ada');
      expect(await crawl(client, 'application/json', ENROLLING)).toEqual([]);
    } finally {
      await fresh.close();
    }
  });

  it('and no session at all opens what is open to all', async () => {
    expect(await crawl(scriptedClient(app.origin), 'text/html', OPEN)).toEqual([]);
  });
});

/** Asks for every route by every method in every spelling; gives what answered and should not have. */
async function crawl(client: ScriptedClient, accept: string, allowed: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const { origin } = client;
  for (const route of ROUTES) {
    for (const method of METHODS) {
      // The logout itself would end what is tested.
      if (route === '/logout' && method === 'POST') continue;
      const paths = SPELLINGS.map((spell) => spell(route));
      const answers = await Promise.all(paths.map((path) => ask({ origin, method, path, headers: { accept, cookie, origin } })));
      answers.forEach(({ status, location }, index) => {
        const asRouted = `${method === 'HEAD' ? 'GET' : method} ${routed(paths[index] ?? '')}`;
        const sentAway = status === 303 && /^\/(login|mfa\/(challenge|enroll))$/.test(location);
        // Express answers OPTIONS itself, with the methods of a path and nothing of the route.
        const opened = status < 400 && !sentAway && method !== 'OPTIONS';
        if (status >= 500 || (opened && !allowed.includes(asRouted)))
          wrong.push(`${method} ${paths[index]}: ${status} ${location}`);
      });
    }
  }
  return wrong;
}

/** The route as Express finds it: without query, trailing slash, case. */
function routed(path: string): string {
  return path
    .replace(/\?.*/, '')
    .replace(/(.)\/$/, '$1')
    .toLowerCase();
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** A request whose path nobody tidies up. */
function ask(input: {
  origin: string;
  method: string;
  path: string;
  headers: Record<string, string>;
}): Promise<{ status: number; location: string }> {
  const { hostname, port } = new URL(input.origin);
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { hostname, port, method: input.method, path: input.path, headers: input.headers, agent },
      (response) => {
        response.resume();
        response.once('end', () => resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '' }));
      },
    );
    sent.once('error', reject);
    sent.end();
  });
}
