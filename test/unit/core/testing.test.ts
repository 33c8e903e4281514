import { createClock, verifiedSession } from '@mfa-kit/core/testing';
import { describe, expect, it } from 'vitest';
import { ada, createAuthenticator, createFixture, expectOk, loginPending } from '../../support/core-fixture.js';

describe('the helpers for a host’s tests', () => {
  it('enroll a user through the real flows', async () => {
    const fixture = createFixture();
    const { session, authenticator, recoveryCodes } = await verifiedSession(fixture.mfa, ada);
    expect((await fixture.mfa.checkAccess({ user: ada, session, requirement: { maxAgeSeconds: 5 } })).access).toBe('allow');
    expect(recoveryCodes).toHaveLength(10);
    fixture.clock.advance(60_000);
    const code = authenticator.code(fixture.clock.now());
    expectOk(await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } }));
  });

  it('say why they could not enroll', async () => {
    const fixture = createFixture();
    await verifiedSession(fixture.mfa, ada);
    await expect(verifiedSession(fixture.mfa, ada)).rejects.toThrow(/assurance_required.*without authenticators/);
    await expect(verifiedSession(fixture.mfa, { ...ada, mfa: 'off' })).rejects.toThrow(/login_again/);
  });

  it('create an authenticator from the QR code or the typed key, in any case and spacing', () => {
    const key = 'GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ';
    const uri = `otpauth://totp/Acme:ada?secret=${key.replaceAll(' ', '')}&issuer=Acme`;
    for (const from of [uri, key, key.toLowerCase(), key.replaceAll(' ', '')]) {
      expect(createAuthenticator(from).code(59_000)).toBe('287082');
    }
    expect(() => createAuthenticator('otpauth://totp/Acme:ada')).toThrow(/"secret"/);
  });

  it('create a clock that stands still until it is moved', () => {
    const clock = createClock(5);
    clock.advance(10);
    expect(clock.now()).toBe(15);
    clock.advance(-20);
    expect(clock.now()).toBe(-5);
    clock.set(7);
    expect(clock.now()).toBe(7);
  });
});
