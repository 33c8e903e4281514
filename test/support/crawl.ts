import { Agent, request as httpRequest } from 'node:http';

/** Where to crawl, and with which credentials. */
export interface Crawl {
  origin: string;
  routes: readonly string[];
  headers: Record<string, string>;
  /** The requests that may be answered, for example `GET /login`. Everything else must be refused. */
  allowed: readonly string[];
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

type Spelling = (path: string) => string;

/** Variants of a path that a proxy, a typo or an attacker may produce. */
const SPELLINGS: Spelling[] = [
  (path) => path,
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => `/.${path}`,
  (path) => path.replace(/^\/(.)/, '/%2f$1'),
  (path) => path.toUpperCase(),
  (path) => `${path}.json`,
];
/** Rarer variants. */
const ODD_SPELLINGS: Spelling[] = [
  (path) => `/login/..${path}`,
  (path) => `/%2e${path}`,
  (path) => path.replace(/(.)$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
  (path) => `${path}?x=/login`,
  (path) => `${path}?_method=GET`,
  (path) => `${path};/login`,
  (path) => `${path}%00`,
  (path) => `${path}/login`,
  (path) => `${path}\\..\\login`,
];

/** Headers that override the method in some frameworks. */
const OVERRIDE = { 'x-http-method-override': 'GET', 'x-http-method': 'GET', 'x-method-override': 'GET' };

/** Requests every route with every method in every variant. Returns what was answered and should not have been. */
export async function crawl({ origin, routes, headers, allowed }: Crawl): Promise<string[]> {
  const wrong: string[] = [];
  for (const route of routes) {
    for (const method of METHODS) {
      // The logout would end the session that is tested.
      if (route === '/logout' && method === 'POST') continue;
      const spellings = method === 'GET' || method === 'POST' ? [...SPELLINGS, ...ODD_SPELLINGS] : SPELLINGS;
      const paths = spellings.map((spell) => spell(route)).filter((path) => path.startsWith('/'));
      const answers = await Promise.all(
        paths.map((path) => ask({ origin, method, path, headers: { ...OVERRIDE, ...headers, origin } })),
      );
      answers.forEach((answer, index) => {
        const path = paths[index] ?? '';
        const asRouted = `${method === 'HEAD' ? 'GET' : method} ${routed(path)}`;
        if (answer.status >= 500 || (opens(method, answer) && !allowed.includes(asRouted)))
          wrong.push(`${method} ${path}: ${answer.status} ${answer.location}`);
      });
    }
  }
  return wrong;
}

interface Answer {
  status: number;
  location: string;
  body: string;
}

/** Whether an answer is more than a refusal. */
function opens(method: string, { status, location, body }: Answer): boolean {
  if (status >= 400) return false;
  if (status === 303 && /^\/(login|mfa\/(challenge(\?(maxAge=\d+|rememberedDevice=no))?|enroll))$/.test(location)) return false;
  // A framework answers OPTIONS itself, with the methods of a path and nothing of the route.
  return method !== 'OPTIONS' || !/^[A-Z, ]*$/.test(body);
}

/** The route as the most lenient framework matches it: without query, trailing slash, letter case and escapes. */
function routed(path: string): string {
  const plain = path.replace(/\?.*/, '').replace(/%([46][0-9a-f]|7[0-9a])/gi, decodeURIComponent);
  return plain.replace(/(.)\/$/, '$1').toLowerCase();
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Sends a request with an unnormalized path. */
function ask(input: { origin: string; method: string; path: string; headers: Record<string, string> }): Promise<Answer> {
  const { hostname, port } = new URL(input.origin);
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { hostname, port, method: input.method, path: input.path, headers: input.headers, agent },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', body }),
        );
      },
    );
    sent.once('error', (error) => {
      // The server may close an idle connection at the moment when it is reused.
      if (sent.reusedSocket) resolve(ask(input));
      else reject(error);
    });
    sent.end();
  });
}
