import { request } from 'node:http';
import { createAuthenticator, type TestClock } from '@mfa-kit/core/testing';

/** What a client needs to know about an application of any framework. */
export interface Served {
  origin: string;
  clock: TestClock;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test expects other fields
  body: any;
  cookies: string[];
}

export interface Sent {
  headers?: Record<string, string>;
  /** Sends an object as JSON, URLSearchParams as a form, bytes and text unchanged. */
  body?: object | string | Uint8Array | URLSearchParams;
}

/** A browser (or a script with its cookies) that keeps cookies and sends what a same-origin page sends. */
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

  /** Sends a request as a browser's page does: Accept includes text/html, and the body is a form. */
  page(method: 'GET' | 'POST', path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) {
    const body = method === 'POST' ? { body: new URLSearchParams(fields) } : {};
    // Over plain http a browser sends none of these headers.
    const navigation: Record<string, string> = this.headers['sec-fetch-site']
      ? { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
      : {};
    return this.request(method, path, { ...body, headers: { accept: 'text/html,*/*;q=0.8', ...navigation, ...headers } });
  }

  /** Returns where the page `/mfa/done` leads after a proof by form; undefined if the answer does not redirect there. */
  async returnPathAfter(proven: Answer): Promise<string | undefined> {
    if (proven.status !== 303 || !proven.headers.get('location')?.endsWith('/done')) return undefined;
    const done = await this.page('GET', '/mfa/done');
    return /^0; url=(.+)$/.exec(done.headers.get('refresh') ?? '')?.[1];
  }

  async request(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const plain = typeof body === 'string' || body instanceof Uint8Array || body instanceof URLSearchParams;
    const form = body instanceof URLSearchParams && 'application/x-www-form-urlencoded;charset=UTF-8';
    const type = form || (typeof body === 'string' && 'text/plain;charset=UTF-8') || (!plain && 'application/json');
    const response = await send(this.host.origin + path, {
      method,
      headers: {
        accept: this.accept,
        ...(cookie && { cookie }),
        ...(body !== undefined && type && { 'content-type': type }),
        ...this.headers,
        ...headers,
      },
      ...(body !== undefined && {
        body: plain ? (body instanceof URLSearchParams ? body.toString() : body) : JSON.stringify(body),
      }),
    });
    const { status, text } = response;
    const cookies = response.headers.getSetCookie();
    for (const line of cookies) this.keep(line);
    return { status, headers: response.headers, text, body: parse(text), cookies };
  }

  /** Keeps cookies that another client received. */
  keepAll(lines: string | string[] | undefined): void {
    for (const line of [lines ?? []].flat()) this.keep(line);
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
  /** Advances the clock to an unused period and returns its code. */
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
  expectStatus(await client.post('/mfa/recovery-codes/saved', { id: confirmed.body.recoveryCodesId }), 204);
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

/** A new browser after the password, at the prompt. */
export async function logIn(host: Pick<Served, 'origin'>, name = 'ada', client = new Client(host)): Promise<Client> {
  expectStatus(await client.post(`/login?user=${name}`), 200);
  return client;
}

export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.text.slice(0, 400)}`);
  return answer;
}

/** Sends exactly the given headers, because `fetch` would add `Sec-Fetch-Mode: cors` to every request. */
function send(
  target: string,
  { method, headers, body }: { method: string; headers: Record<string, string>; body?: string | Uint8Array },
): Promise<{ status: number; headers: Headers; text: string }> {
  const length =
    body !== undefined && !('transfer-encoding' in headers) ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  return new Promise((resolve, reject) => {
    const sending = request(new URL(target), { method, headers: { ...length, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const received = new Headers();
        for (const [name, values] of Object.entries(response.headersDistinct)) {
          for (const value of values ?? []) received.append(name, value);
        }
        resolve({ status: response.statusCode ?? 0, headers: received, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
