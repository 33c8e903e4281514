import { expect } from 'vitest';
import { enroll, expectStatus, logIn, type Served } from '../express/client.js';

/** A short journey. The endpoints and the guard must answer as they do without these features. */
export async function walk(served: Served, prefix = ''): Promise<void> {
  const fresh = await logIn(served);
  const refused = await fresh.get('/cases');
  expect([refused.status, refused.headers.get('content-type')]).toEqual([403, 'application/problem+json; charset=utf-8']);
  expect(refused.body).toEqual({
    type: 'urn:mfa-kit:problem:enroll',
    title: expect.any(String),
    status: 403,
    reason: 'enroll',
  });
  const { code, client } = await enroll(served);
  const browser = await logIn(served);
  const led = await browser.page('GET', '/cases?page=2');
  expect([led.status, led.headers.get('location'), led.text]).toEqual([303, `${prefix}/mfa/challenge`, '']);
  const prompt = expectStatus(await browser.page('GET', '/mfa/challenge'), 200);
  expect(prompt.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(prompt.text).toContain(`action="${prefix}/mfa/verify"`);
  expect((await browser.post('/mfa/verify', { code: '000000' })).body).toMatchObject({ status: 422, reason: 'invalid_code' });
  const right = await browser.page('POST', '/mfa/verify', { code: code() });
  expect(await browser.returnPathAfter(right)).toBe(`${prefix}/cases?page=2`);
  expectStatus(await browser.get('/cases'), 200);
  const stale = await client.post('/payouts', {});
  if (stale.status !== 201) expect(stale.headers.get('www-authenticate')).toContain('insufficient_user_authentication');
  expectStatus(await browser.get('/mfa/assets/page.css'), 200);
  expect((await browser.get('/mfa/nothing')).body).toMatchObject({ reason: 'not_found' });
  expect((await browser.get('/mfa')).body).toMatchObject({ enrolled: true });
}
