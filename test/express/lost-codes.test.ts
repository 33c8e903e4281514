import { connect } from 'node:net';
import { createAuthenticator, type VirtualAuthenticator } from '@mfa-kit/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, expectStatus, logIn } from './client.js';
import { type Host, type HostOptions, startHost, versions } from './host.js';

const OFFER = '/mfa/recovery-codes';
const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

describe.each(versions)('recovery codes that the user never received, on Express $version', ({ express }) => {
  let host: Host;
  afterEach(() => host.close());

  /** Sends a request and disconnects before the answer. Returns when the application has stored the change. */
  async function sendAndHangUp(client: Client, path: string, body: string, type: string): Promise<void> {
    const { port } = new URL(host.origin);
    const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const lines = [
      `POST ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      'Sec-Fetch-Site: same-origin',
      `Accept: ${type === FORM ? 'text/html' : JSON_TYPE}`,
      `Cookie: ${cookie}`,
      `Content-Type: ${type}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const writes = host.counts.writes;
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
        const waiting = setInterval(() => {
          if (host.counts.writes === writes) return;
          clearInterval(waiting);
          socket.destroy();
          resolve();
        }, 1);
      });
    });
  }

  async function start(options: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({ express, ...options });
  }

  /** A login and a started enrollment that only needs its code. */
  async function begin(): Promise<{ client: Client; app: VirtualAuthenticator; sent: { enrollmentId: string; code: string } }> {
    const client = await logIn(host);
    const { uri, enrollmentId } = expectStatus(await client.post('/mfa/enroll', {}), 201).body;
    const app = createAuthenticator(uri);
    return { client, app, sent: { enrollmentId, code: app.code(host.clock.now()) } };
  }

  /** The next login in a browser, up to the page after the code. */
  async function nextLogin(app: VirtualAuthenticator): Promise<{ client: Client; location: string | null }> {
    host.clock.advance(60_000);
    const client = await logIn(host);
    expectStatus(await client.page('GET', '/cases'), 303);
    const verified = await client.page('POST', '/mfa/verify', { code: app.code(host.clock.now()) });
    return { client, location: expectStatus(verified, 303).headers.get('location') };
  }

  /** Presses "Show new codes" on the page of the offer, and returns the codes. */
  async function takeOffer(client: Client): Promise<string[]> {
    const offer = expectStatus(await client.page('GET', OFFER), 200);
    expect(offer.text).toContain('may not have reached you');
    const shown = expectStatus(
      await client.page('POST', '/mfa/recovery-codes', fieldsOf(offer.text, '/mfa/recovery-codes')),
      200,
    );
    const saved = fieldsOf(shown.text, '/mfa/recovery-codes/saved');
    expect(saved.id).toMatch(/^[\w-]{22}$/);
    expectStatus(await client.page('POST', '/mfa/recovery-codes/saved', saved), 303);
    return [...shown.text.matchAll(/<code><span>(.*?)<\/span><span>(.*?)<\/span>/g)].map(([, one, two]) => `${one}${two}`);
  }

  it.each([
    ['JSON', JSON_TYPE],
    ['a form', FORM],
  ])(
    'F84: if the connection drops after a confirmation sent as %s, the old session stays ended and the next login offers new codes',
    async (_, type) => {
      await start();
      const { client, app, sent } = await begin();
      const body = type === FORM ? new URLSearchParams(sent).toString() : JSON.stringify(sent);
      await sendAndHangUp(client, '/mfa/enroll/confirm', body, type);
      await host.mfa.settled();
      // The same request again, with the session that has ended in the meantime.
      await expect.poll(async () => (await client.post('/mfa/enroll/confirm', sent)).status).toBe(401);
      const next = await nextLogin(app);
      expect(next.location).toBe(OFFER);
      // The user is not forced to answer, because the application is open.
      expectStatus(await next.client.get('/cases'), 200);
      const codes = await takeOffer(next.client);
      expect(codes).toHaveLength(10);
      expect((await nextLogin(app)).location).not.toBe(OFFER);
      const last = await logIn(host);
      expectStatus(await last.post('/mfa/verify', { recoveryCode: codes[0] }), 200);
    },
  );

  it('F84: if the connection drops after new codes were made, they are offered again, and after a No at the next login', async () => {
    await start();
    const { client, app, sent } = await begin();
    const { recoveryCodesId } = expectStatus(await client.post('/mfa/enroll/confirm', sent), 200).body;
    expectStatus(await client.post('/mfa/recovery-codes/saved', { id: recoveryCodesId }), 204);
    const first = await nextLogin(app);
    expect(first.location).not.toBe(OFFER);
    await sendAndHangUp(first.client, '/mfa/recovery-codes', '{}', JSON_TYPE);
    for (let login = 0; login < 2; login++) {
      const next = await nextLogin(app);
      expect(next.location).toBe(OFFER);
      expect((await next.client.get('/mfa')).body).toMatchObject({ recoveryCodesUnsaved: true, recoveryCodesLeft: 10 });
      expect((await next.client.page('GET', '/mfa')).text).toContain('You may not have seen these codes');
    }
    const { client: last } = await nextLogin(app);
    expect(await takeOffer(last)).toHaveLength(10);
    expect((await last.get('/mfa')).body).not.toHaveProperty('recoveryCodesUnsaved');
  });

  it('F84: a form that is sent twice, so that the browser drops the first answer, leads straight to new codes', async () => {
    await start();
    const { client, sent } = await begin();
    expectStatus(await client.page('POST', '/mfa/enroll/confirm', sent), 200);
    const second = await client.page('POST', '/mfa/enroll/confirm', sent);
    expect([second.status, second.headers.get('location')]).toEqual([303, OFFER]);
    expect(await takeOffer(client)).toHaveLength(10);
    expect((await client.page('POST', '/mfa/enroll/confirm', sent)).headers.get('location')).toBe(
      '/mfa?notice=already_confirmed',
    );
    // The browser's back button.
    expect((await client.page('GET', OFFER)).headers.get('location')).toBe('/mfa');
  });

  it('F84: "I have saved them" applies to the codes on its page, even if another tab has made newer ones', async () => {
    await start();
    const { client, app, sent } = await begin();
    expectStatus(await client.post('/mfa/enroll/confirm', sent), 200);
    const next = await nextLogin(app);
    expect(next.location).toBe(OFFER);
    const [offer, overview] = [await next.client.page('GET', OFFER), await next.client.page('GET', '/mfa')];
    const { recoveryCodesId } = (await next.client.get(OFFER)).body;
    // The other tab makes new codes, but the answer is lost.
    await sendAndHangUp(next.client, '/mfa/recovery-codes', '{}', JSON_TYPE);
    for (const { text } of [offer, overview]) {
      const fields = fieldsOf(text, '/mfa/recovery-codes/saved');
      expect(fields.id).toBe(recoveryCodesId);
      const refused = await next.client.page('POST', '/mfa/recovery-codes/saved', fields);
      expect([refused.status, refused.text.includes('You may not have seen these codes')]).toEqual([409, true]);
    }
    const told = (await next.client.get('/mfa')).body;
    expect(told.recoveryCodesUnsaved).toBe(true);
    expectStatus(await next.client.post('/mfa/recovery-codes/saved', { id: told.recoveryCodesId }), 204);
    const saved = (await next.client.get('/mfa')).body;
    expect([saved.recoveryCodesUnsaved, saved.recoveryCodesId]).toEqual([undefined, undefined]);
  });

  it.each<[string, NonNullable<HostOptions['kit']>]>([
    ['throws', { pages: { render: (page) => (page.name === 'recovery-codes' ? fail() : page.name) } }],
    ['returns no string', { pages: { render: (page) => (page.name === 'recovery-codes' ? (null as never) : page.name) } }],
    [
      'never answers',
      { pages: { render: (page) => (page.name === 'recovery-codes' ? new Promise<never>(() => {}) : page.name) } },
    ],
    ['throws in onVerified', { onVerified: () => fail() }],
  ])('F84: if the host %s while the codes are shown, the next login offers new ones', async (_, kit) => {
    let broken = true;
    const { pages, onVerified } = kit;
    await start({
      kit: {
        pages: { render: (page, ...rest) => (broken && pages?.render ? pages.render(page, ...rest) : `page ${page.name}`) },
        onVerified: (...given) => (broken ? onVerified?.(...given) : undefined),
      },
    });
    const { client, app, sent } = await begin();
    const answer = await client.page('POST', '/mfa/enroll/confirm', sent);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(answer.text).not.toMatch(/[0-9A-Z]{4}-[0-9A-Z]{4}-/);
    broken = false;
    const next = await nextLogin(app);
    expect(next.location).toBe(OFFER);
    expect((await next.client.page('GET', OFFER)).text).toBe('page recovery-codes-offer');
  });

  it('F84: a client with tokens learns it with its proof, and can confirm the codes itself', async () => {
    await start({
      session: null,
      kit: {
        user: (req) => (req.get('x-proof') ? host.users.get('ada') : null),
        assurance: (req) => JSON.parse(req.get('x-proof') ?? 'null'),
      },
    });
    const tool = new Client(host, {});
    const bearer = (assurance: unknown) => ({ authorization: 'Bearer x', 'x-proof': JSON.stringify(assurance) });
    const pendingToken = async () => (await host.mfa.beginLogin({ user: host.users.get('ada') as never })).pendingToken ?? '';
    const token = await pendingToken();
    const { uri, enrollmentId } = expectStatus(await tool.post('/mfa/enroll', { pendingToken: token }), 201).body;
    const app = createAuthenticator(uri);
    const sent = { enrollmentId, code: app.code(host.clock.now()), pendingToken: token };
    expectStatus(await tool.post('/mfa/enroll/confirm', sent), 200);
    expect((await tool.post('/mfa/enroll/confirm', sent)).body).toMatchObject({ status: 409, reason: 'already_confirmed' });
    const proven = async () => {
      host.clock.advance(60_000);
      const proof = { pendingToken: await pendingToken(), code: app.code(host.clock.now()) };
      return expectStatus(await tool.post('/mfa/verify', proof), 200).body;
    };
    const told = await proven();
    expect(told.recoveryCodesUnsaved).toBe(true);
    const made = expectStatus(await tool.post('/mfa/recovery-codes', {}, bearer(told.assurance)), 200).body;
    const saved = await tool.post('/mfa/recovery-codes/saved', { id: made.recoveryCodesId }, bearer(made.assurance));
    expect([saved.status, saved.text]).toEqual([204, '']);
    expect(await proven()).not.toHaveProperty('recoveryCodesUnsaved');
    const outdated = await tool.post('/mfa/recovery-codes/saved', { id: 'A'.repeat(22) }, bearer(made.assurance));
    expect(outdated.body).toMatchObject({ status: 409, reason: 'recovery_codes_outdated' });
  });
});

function fail(): never {
  throw new Error('the template is broken');
}

/** The hidden fields of the form that posts to `action`. */
function fieldsOf(page: string, action: string): Record<string, string> {
  const [, form = ''] = page.split(`action="${action}"`);
  const fields = [...(form.split('</form>')[0] ?? '').matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name, value]) => [name, value]));
}
