import type { Assurance, AuthenticatorSummary, DeviceSummary, Enrollment, MfaOptions, MfaSession } from '@mfa-kit/core';
import { answerEndpoint, createHttpKit, type HttpKit, type HttpOptions } from '@mfa-kit/core/http';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator, type VirtualAuthenticator } from '@mfa-kit/core/testing';
import type { MfaPage, PageFrame } from '../../../../packages/core/src/pages/page.js';
import { ada, bob, createEnrolled, type Enrolled, MINUTE, type TestUser } from '../../../support/core-fixture.js';
import { exchangeOf, sessionOf } from './exchange.js';

export const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0';

type Options = Partial<HttpOptions<TestUser, string>>;
type Kit = HttpKit<TestUser, string>;

/** An application without a framework: ada is enrolled and proved a code two minutes ago, bob is not enrolled. */
export interface TestApp extends Enrolled {
  kit: Kit;
  /** How many reads the storage still answers; further ones throw. */
  faults: { readsLeft: number };
  /** A browser in which `user` is logged in, with this MFA state in its session. */
  browser(user: TestUser | null, state?: unknown): Client;
  /** A browser right after the password check. */
  logIn(user?: TestUser): Promise<Client>;
  /** A client with neither session nor cookies. */
  tool(user?: TestUser | null, assurance?: Assurance): Client;
  pendingToken(user?: TestUser): Promise<string>;
  /** Moves the clock to a period without a used code and returns its code. */
  code(authenticator?: VirtualAuthenticator): string;
}

export async function createTestApp(options: Options = {}, core: Partial<MfaOptions<TestUser>> = {}): Promise<TestApp> {
  const memory = memoryStorage();
  const faults = { readsLeft: Number.POSITIVE_INFINITY };
  const storage: typeof memory = {
    ...memory,
    async read(userId) {
      if (faults.readsLeft-- <= 0) throw new Error('the storage is down');
      return memory.read(userId);
    },
  };
  const fixture = await createEnrolled(ada, { storage, ...core });
  const users = new Map([ada, bob].map((user) => [user.id, user]));
  const kit = createHttpKit<TestUser, string>(fixture.mfa, {
    loginUrl: '/login',
    homeUrl: '/home',
    userById: (id) => users.get(id),
    // A host that renders its own pages: it returns what a page would show.
    pages: { render: (page, frame) => JSON.stringify({ page, frame }) },
    ...options,
  });
  const browser = (user: TestUser | null, state?: unknown) => new Client(kit, { user, session: sessionOf(state) });
  return {
    ...fixture,
    kit,
    faults,
    browser,
    logIn: async (user = ada) => browser(user, (await fixture.mfa.beginLogin({ user })).session),
    tool: (user = null, assurance) => new Client(kit, { user, assurance: assurance ?? null, session: null, headers: BARE }),
    pendingToken: async (user = ada) => (await fixture.mfa.beginLogin({ user })).pendingToken ?? '',
    code(authenticator = fixture.authenticator) {
      fixture.clock.advance(MINUTE);
      return authenticator.code(fixture.clock.now());
    },
  };
}

/** The fields of all members of a union. The test expects a certain member. */
type FieldsOf<Union> = {
  [Name in Union extends unknown ? keyof Union : never]: Union extends { [Key in Name]?: infer Value } ? Value : never;
};

/** What a JSON answer may hold, and what `render` received. */
interface Body extends FieldsOf<Enrollment> {
  status: number;
  reason: string;
  waitSeconds: number;
  returnTo: string;
  enrolled: boolean;
  enrollmentId: string;
  assurance: Assurance;
  challenge: { rememberDays: number; recoveryOffered: boolean };
  authenticator: AuthenticatorSummary;
  authenticators: AuthenticatorSummary[];
  devices: (DeviceSummary & { current: boolean })[];
  recoveryCodes: string[];
  recoveryCodesId: string;
  recoveryCodesUnsaved?: true;
  deviceToken: string;
  /** Added by the host of the test. */
  accessToken: string;
  page: FieldsOf<MfaPage>;
  frame: Required<PageFrame>;
}

export interface Seen {
  status: number;
  header(name: string): string | undefined;
  text: string;
  /** What was sent, if it is JSON. */
  body: Body;
  /** The lines of `Set-Cookie`. */
  cookies: string[];
}

const BROWSER = { 'sec-fetch-site': 'same-origin', 'user-agent': FIREFOX };
const BARE = { 'user-agent': 'acme-cli/1.0' };
const HTML = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

interface Standing {
  user: TestUser | null;
  session: ReturnType<typeof sessionOf> | null;
  assurance?: Assurance | null;
  headers?: Record<string, string>;
}

/** Calls the endpoints, and keeps its session and its cookies. */
export class Client {
  readonly cookies = new Map<string, string>();
  readonly session: ReturnType<typeof sessionOf> | null;
  user: TestUser | null;

  constructor(
    readonly kit: Kit,
    readonly standing: Standing,
  ) {
    this.session = standing.session;
    this.user = standing.user;
  }

  /** The MFA state that the session has now. */
  get state(): FieldsOf<MfaSession> {
    return this.session?.state as FieldsOf<MfaSession>;
  }

  /** The return path in the cookie. */
  get way(): string | undefined {
    const [, , path] = this.cookies.get('__Host-mfa_return')?.split('.') ?? [];
    return path && Buffer.from(path, 'base64url').toString('utf8');
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Seen> {
    return this.request('GET', path, undefined, headers);
  }

  post(path: string, fields: object = {}, headers: Record<string, string> = {}): Promise<Seen> {
    return this.request('POST', path, fields, { 'content-type': 'application/json', ...headers });
  }

  /** Requests a page: `Accept` names text/html, the body is a form. */
  page(method: 'GET' | 'POST', path: string, fields: Record<string, string> = {}, headers = {}): Promise<Seen> {
    if (method === 'GET') return this.request(method, path, undefined, { ...HTML, ...headers });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.request(method, path, new URLSearchParams(fields).toString(), { ...HTML, ...form, ...headers });
  }

  exchange(given: { method?: string; url?: string; body?: unknown; headers?: Record<string, string> } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(cookie && { cookie }), ...(this.standing.headers ?? BROWSER), ...given.headers };
    return exchangeOf({ ...this.standing, ...given, user: this.user, headers });
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Seen> {
    const exchange = this.exchange({ method, url: `/mfa${path}`, body, headers });
    const answer = await answerEndpoint(this.kit, exchange, path.split('?')[0] ?? '');
    for (const line of exchange.cookies) this.keep(line);
    for (const entry of answer.headers) checkHeader(entry);
    const header = (name: string) => answer.headers.find(([key]) => key.toLowerCase() === name)?.[1];
    return { status: answer.status, header, text: answer.body, body: parse(answer.body), cookies: exchange.cookies };
  }

  private keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (line.includes('Max-Age=0;')) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** Throws for a header that no framework could put on a response. */
function checkHeader(entry: [string, string]): void {
  const [name, value] = entry;
  if (entry.length !== 2 || !/^[A-Z][A-Za-z-]+$/.test(name) || typeof value !== 'string') throw new Error(`no header: ${entry}`);
}

/** Where a proof by form leads in the end, by way of the kit's own page, to which the answer must lead. */
export async function returnPathAfter(client: Client, proven: Seen): Promise<string | undefined> {
  if (redirectOf(proven).join() !== '303,/mfa/done') return undefined;
  const done = await client.page('GET', '/done');
  return /^0; url=(.+)$/.exec(done.header('refresh') ?? '')?.[1];
}

/** Returns status and location of a redirect. */
export function redirectOf({ status, header }: Seen): [number, string | undefined] {
  return [status, header('location')];
}

/** Enrolls `client`'s user over JSON: the user who just logged in, or one more authenticator. */
export async function enrollBy(client: Client, now: () => number, fields: object = {}): Promise<Seen & { uri: string }> {
  const started = await client.post('/enroll', fields);
  const code = createAuthenticator(started.body.uri).code(now());
  const confirmed = await client.post('/enroll/confirm', { ...fields, enrollmentId: started.body.enrollmentId, code });
  return { ...confirmed, uri: started.body.uri };
}

function parse(text: string): Body {
  return JSON.parse(text.startsWith('{') ? text : '{}');
}
