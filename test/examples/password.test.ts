import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DemoApp, EXAMPLES, startDemoApp } from '../support/demo-app.js';
import { type ScriptedClient, scriptedClient } from '../support/scripted-client.js';
import { expectStatus, logIn } from '../support/scripted-journey.js';

const NEXT = 'another horse battery';

describe.each(EXAMPLES)('POST /password of %s', (example) => {
  let app: DemoApp;
  let owner: ScriptedClient;
  let thief: ScriptedClient;
  let restore: () => void;

  beforeEach(async () => {
    app = await startDemoApp(example);
    [owner, thief] = [scriptedClient(app.origin), scriptedClient(app.origin)];
    await logIn(owner, app, 'ada');
    const { enrollmentId, uri } = expectStatus(await owner.post('/mfa/enroll'), 201).body;
    const authenticator = createAuthenticator(String(uri));
    expectStatus(await owner.post('/mfa/enroll/confirm', { enrollmentId, code: authenticator.code(app.now()) }), 200);
    app.advance(60_000);
    await logIn(thief, app, 'ada');
    expectStatus(await thief.post('/mfa/verify', { code: authenticator.code(app.now()) }), 200);
    const { storage } = app.host.mfa;
    const before = { ...storage };
    restore = () => void Object.assign(storage, before);
  });
  afterEach(() => app.close());

  const change = () => owner.post('/password', { current: app.password, next: NEXT });

  /** Makes writes of the storage fail from now on, so that the guard before the route still works. */
  function breakStorage(after = 0): void {
    let writes = 0;
    const { write } = app.host.mfa.storage;
    Object.assign(app.host.mfa.storage, {
      write: (...given: Parameters<typeof write>) =>
        writes++ < after ? write(...given) : Promise.reject(new Error('the storage is down')),
    });
  }

  it('F15: ends every session except the acting one', async () => {
    expectStatus(await change(), 200);
    expect((await thief.get('/cases')).status).toBe(401);
    expectStatus(await owner.get('/cases'), 200);
    expect(await app.host.users.checkPassword('ada', NEXT)).not.toBeNull();
  });

  it('F15: reports a failure and does not change the password while the storage is down', async () => {
    breakStorage();
    const answer = await change();
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(await app.host.users.checkPassword('ada', NEXT)).toBeNull();
    expect(await app.host.users.checkPassword('ada', app.password)).not.toBeNull();
    restore();
    expectStatus(await thief.get('/cases'), 200);
    expectStatus(await change(), 200);
    expect((await thief.get('/cases')).status).toBe(401);
  });

  it('F15: reports a failure if the storage fails after the other sessions have already ended', async () => {
    breakStorage(1);
    expect((await change()).status).toBeGreaterThanOrEqual(500);
    restore();
    expect((await thief.get('/cases')).status).toBe(401);
    expect(await app.host.users.checkPassword('ada', NEXT)).not.toBeNull();
  });
});
