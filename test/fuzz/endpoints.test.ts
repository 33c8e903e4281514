import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyring, type KeyPurpose } from '../../packages/core/src/crypto/keyring.js';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { POSTS as CHANGES } from '../support/contract-paths.js';
import { KEY, OTHER_KEY } from '../support/core-fixture.js';
import { fc } from '../support/fast-check.js';
import { countOperations, ROUNDS } from '../support/proof.js';
import { tokenMutants } from '../support/token-mutants.js';
import { breakOff, type Fuzzed, hosts, type RawAnswer, sendRaw } from './hosts.js';

const POSTS = CHANGES.map((path) => `/mfa${path}`);
const GETS = ['/mfa', '/mfa/enroll', '/mfa/challenge', '/mfa/assets/style.css', '/mfa/nothing', '/cases'];
/** The allowed answers to a user who has proven only the password, for any request. */
const REFUSALS = [204, 303, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429];
const secret = Buffer.from(KEY.secret, 'base64');
const keyring = createKeyring([{ id: KEY.id, secret }], 'mfa-kit');
const keyOf = (purpose: KeyPurpose) => keyring.bytes(purpose, KEY.id) ?? new Uint8Array();

describe.each(hosts)('every endpoint of $name', ({ start }) => {
  let host: Fuzzed;
  let client: Client;
  let pending: Client;
  let deviceCookie: string;
  let deviceToken: string;
  let recoveryCodes: string[];

  beforeAll(async () => {
    host = await start();
    const enrolled = await enroll(host);
    client = enrolled.client;
    recoveryCodes = enrolled.recoveryCodes;
    expectStatus(
      await logIn(host, 'ada', client).then(() => client.post('/mfa/verify', { code: enrolled.code(), rememberDevice: true })),
      200,
    );
    [deviceCookie, deviceToken] = [...client.cookies].find(([name]) => name.includes('mfa_device')) as [string, string];
    pending = await logIn(host);
  });
  afterAll(() => host.close());

  /** Access is denied, and there was no error. */
  async function expectHarmless(answer: RawAnswer, what: string): Promise<void> {
    countOperations();
    expect([0, ...REFUSALS, 200], `${what}: ${answer.body.slice(0, 200)}`).toContain(answer.status);
    expect(answer.body, what).not.toMatch(/"assurance"|"recoveryCodes"|"manualKey"|at \w+ \(|node_modules/);
  }

  function cookieOf(of: Client): string {
    return [...of.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  it('HTTP-7, T46, SES-4: refuses arbitrary bodies without an error', async () => {
    const type = fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data',
      '',
    );
    const field = fc.constantFrom(
      'code',
      'recoveryCode',
      'pendingToken',
      'enrollmentId',
      'id',
      'name',
      'rememberDevice',
      '__proto__',
      'x',
    );
    const json = fc
      .dictionary(field, fc.oneof(fc.jsonValue(), fc.constantFrom('000000', '{"$ne":null}', '', null, [], {})))
      .map((one) => JSON.stringify(one));
    const form = fc.array(fc.tuple(field, fc.string({ unit: 'binary' }))).map((pairs) => new URLSearchParams(pairs).toString());
    const bytes = fc.uint8Array({ maxLength: 6_000 }).map((given) => Buffer.from(given));
    const body = fc.oneof(json, form, bytes, fc.string({ unit: 'binary', maxLength: 200 }), fc.json());
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...POSTS), type, body, async (path, contentType, sent) => {
        const headers = {
          accept: 'application/json',
          'sec-fetch-site': 'same-origin',
          cookie: cookieOf(pending),
          ...(contentType ? { 'content-type': contentType } : {}),
        };
        await expectHarmless(await sendRaw(host.origin, { method: 'POST', path, headers, body: sent }), `${path} ${contentType}`);
      }),
      { numRuns: 20 * ROUNDS },
    );
    expect(host.faults()).toEqual([]);
  }, 120_000);

  it('SES-4, HTTP-5: arbitrary headers, cookies, methods and paths give no access and no error', async () => {
    const name = fc.constantFrom(
      'cookie',
      'accept',
      'referer',
      'origin',
      'authorization',
      'mfa-device',
      'x-forwarded-for',
      'user-agent',
      'sec-fetch-site',
      'content-type',
      'content-length',
      'transfer-encoding',
    );
    const text = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 80 }),
      fc.string({ unit: 'binary', maxLength: 40 }).map((one) =>
        Buffer.from(one, 'utf8')
          .toString('latin1')
          .replace(/[\r\n\0]/g, ' '),
      ),
      fc.constantFrom(
        'sid=',
        'sid=s%3Ax.y',
        `${deviceCookie}=`,
        `${deviceCookie}=${deviceToken}; ${deviceCookie}=x`,
        'Bearer a.b.c',
        '%',
        '=;=;=',
        'text/html;q=x',
        `sid=${'x'.repeat(4_000)}`,
      ),
    );
    const headers = fc.dictionary(name, text, { maxKeys: 5 });
    const tail = fc.constantFrom('', '/', '//', '?code=000000&code=1', '?a[b]=1', '/%2e%2e/cases', ';x=1', '?%ff', '#x');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
        fc.constantFrom(...POSTS, ...GETS),
        tail,
        headers,
        async (method, path, end, given) => {
          await expectHarmless(
            await sendRaw(host.origin, { method, path: path + end, headers: given }),
            `${method} ${path}${end} ${JSON.stringify(given)}`,
          );
        },
      ),
      { numRuns: 20 * ROUNDS },
    );
    expect(host.faults()).toEqual([]);
  }, 120_000);

  it('HTTP-7, FLT-4: a request that ends within its body gives no access and is not logged as an error', async () => {
    const before = host.events.length;
    for (const path of POSTS) {
      const headers = {
        'content-type': 'application/json',
        'content-length': '20',
        'sec-fetch-site': 'same-origin',
        cookie: cookieOf(client),
      };
      await breakOff(host.origin, { path, headers, body: '{"id":' });
    }
    expect(host.faults()).toEqual([]);
    expect(host.events.slice(before)).toEqual([]);
  });

  it('DEV-2, T30: more than seventy mutants of a device cookie give no access', async () => {
    expect(
      (await new Client(host).post('/login?user=ada', undefined, { cookie: `${deviceCookie}=${deviceToken}` })).body.decision
        .access,
    ).toBe('allow');
    const all = mutantsOf(deviceToken, 'device-token', 'pending-token').filter(([, token]) => typeof token === 'string') as [
      string,
      string,
    ][];
    expect(all.length).toBeGreaterThan(70);
    for (const [name, token] of all) {
      const headers = { 'sec-fetch-site': 'same-origin', accept: 'application/json', cookie: `${deviceCookie}=${token}` };
      const before = host.events.length;
      const answer = await sendRaw(host.origin, { method: 'POST', path: '/login?user=ada', headers });
      countOperations();
      if (answer.status === 0 || !isRead(token)) continue;
      expect([name, JSON.parse(answer.body).decision?.access]).toEqual([name, 'challenge']);
      const refused = host.events.slice(before).filter((event) => event.name === 'device_refused');
      expect(refused.length, `${name}: the event`).toBeLessThanOrEqual(1);
    }
    expect(host.faults()).toEqual([]);
  }, 120_000);

  it('T21, SES-5, T30: more than seventy mutants of a pending token are refused, even with a right proof', async () => {
    const begun = await host.mfa.beginLogin({ user: { id: 'user-ada', name: 'ada@example.com' } });
    const token = begun.pendingToken ?? '';
    const all = mutantsOf(token, 'pending-token', 'device-token');
    expect(all.length).toBeGreaterThan(70);
    const verify = (pendingToken: unknown) =>
      sendRaw(host.origin, {
        method: 'POST',
        path: '/mfa/verify',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ pendingToken, recoveryCode: recoveryCodes[3] }),
      });
    for (const [name, mutant] of all) {
      const answer = await verify(mutant);
      countOperations();
      expect([400, 401, 403], `${name}: ${answer.body}`).toContain(answer.status);
    }
    expect((await verify(token)).status, 'the token itself').toBe(200);
    expect(host.faults()).toEqual([]);
  }, 120_000);

  function mutantsOf(token: string, purpose: KeyPurpose, other: KeyPurpose): [string, unknown][] {
    const [header, claims] = token
      .split('.')
      .map((part, index) => (index < 2 ? JSON.parse(Buffer.from(part, 'base64url').toString()) : null));
    const foreignSecret = Buffer.from(OTHER_KEY.secret, 'base64');
    return tokenMutants({
      token,
      header,
      claims,
      realm: 'mfa-kit',
      key: keyOf(purpose),
      otherKindKey: keyOf(other),
      secret,
      foreignSecret,
    });
  }
});

/** Whether a token can be sent as a cookie, because a header drops spaces around it, and an empty one is no cookie. */
function isRead(token: string): boolean {
  return token.trim() === token && token !== '' && !/[\n;]/.test(token);
}
