import { createAuthenticator, type TestClock } from '@mfa-kit/core/testing';

/** What a client needs of an application, of any framework. */
export interface Served {
  origin: string;
  clock: TestClock;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the test expects
  body: any;
  cookies: string[];
}

export interface Sent {
  headers?: Record<string, string>;
  /** An object goes as JSON, URLSearchParams as a form, bytes and text as they are. */
  body?: object | string | Uint8Array | URLSearchParams;
}

/** A browser (or a script with its cookies) that keeps what it gets, and sends what a same-origin page sends. */
export class Client {
  readonly cookies = new Map<string, string>();
  accept = 'application/json';

  constructor(
    readonly host: Pick<Served, 'origin'>,
    readonly headers: Record<string, string> = { 'sec-fetch-site': 'same-origin', 'user-agent': FIREFOX },
  ) {}

  get(path: string, sent: Sent = {}): Promise<Answer> {
    return this.request('GET', path, sent);
  }

  post(path: string, body?: Sent['body'], headers?: Record<string, string>): Promise<Answer> {
    return this.request('POST', path, { ...(body !== undefined && { body }), ...(headers && { headers }) });
  }

  /** As a browser's page does: Accept names text/html, the body is a form. */
  page(method: 'GET' | 'POST', path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) {
    const body = method === 'POST' ? { body: new URLSearchParams(fields) } : {};
    return this.request(method, path, { ...body, headers: { accept: 'text/html,*/*;q=0.8', ...headers } });
  }

  async request(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const plain = typeof body === 'string' || body instanceof Uint8Array || body instanceof URLSearchParams;
    const response = await fetch(this.host.origin + path, {
      method,
      redirect: 'manual',
      headers: {
        accept: this.accept,
        ...(cookie && { cookie }),
        ...(body !== undefined && !plain && { 'content-type': 'application/json' }),
        ...this.headers,
        ...headers,
      },
      ...(body !== undefined && { body: plain ? (body as BodyInit) : JSON.stringify(body) }),
    });
    const cookies = response.headers.getSetCookie();
    for (const line of cookies) this.keep(line);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text), cookies };
  }

  private keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/max-age=0(;|$)/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

export const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0';

export interface Enrolled {
  client: Client;
  recoveryCodes: string[];
  enrollmentId: string;
  /** The code of a period that no code was used of: moves the clock there. */
  code(): string;
  uri: string;
}

/** Logs in and enrolls over JSON. */
export async function enroll(host: Served, name = 'ada', client = new Client(host)): Promise<Enrolled> {
  expectStatus(await client.post(`/login?user=${name}`), 200);
  const started = expectStatus(await client.post('/mfa/enroll', {}), 201);
  const authenticator = createAuthenticator(started.body.uri);
  const { enrollmentId, uri } = started.body;
  const sent = { enrollmentId, code: authenticator.code(host.clock.now()) };
  const confirmed = expectStatus(await client.post('/mfa/enroll/confirm', sent), 200);
  return {
    client,
    enrollmentId,
    uri,
    recoveryCodes: confirmed.body.recoveryCodes,
    code() {
      host.clock.advance(60_000);
      return authenticator.code(host.clock.now());
    },
  };
}

/** A new browser, logged in up to the prompt. */
export async function logIn(host: Pick<Served, 'origin'>, name = 'ada', client = new Client(host)): Promise<Client> {
  expectStatus(await client.post(`/login?user=${name}`), 200);
  return client;
}

export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.text.slice(0, 400)}`);
  return answer;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
