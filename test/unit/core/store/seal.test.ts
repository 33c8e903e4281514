import { createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKeyring } from '../../../../packages/core/src/crypto/keyring.js';
import { newProfile, type Profile } from '../../../../packages/core/src/profile/profile.js';
import { keyIdOf, open, type SealedAs, seal } from '../../../../packages/core/src/store/seal.js';
import {
  ada,
  bob,
  createEnrolled,
  createFixture,
  expectOk,
  KEY,
  loginPending,
  OTHER_KEY,
  reasonOf,
} from '../../../support/core-fixture.js';

const material = (key: typeof KEY) => ({ id: key.id, secret: Buffer.from(key.secret, 'base64') });
const keyring = createKeyring([material(KEY)], 'mfa-kit');
const as: SealedAs = { realm: 'mfa-kit', userId: 'u', version: 'v1' };
const profile: Profile = { ...newProfile(), enrollBy: 42 };
const sealed = seal(profile, as, keyring);

describe('a sealed profile', () => {
  it('opens unchanged', () => {
    expect(open(sealed, as, keyring)).toEqual({ readable: true, profile });
  });

  it('CRY-1, CRY-2: is AES-256-GCM over the specified layout, bound to purpose, realm, user, version and key id', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    const ivAt = 2 + KEY.id.length;
    expect(bytes.toString('latin1', 0, ivAt)).toBe(`\u0001\u0007${KEY.id}`);
    const key = keyring.bytes('profile', KEY.id) ?? Buffer.alloc(0);
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(ivAt, ivAt + 12), { authTagLength: 16 });
    const belongsTo = ['mfa-kit/profile', as.realm, as.userId, as.version].flatMap((part) => [
      Buffer.from([0, 0, 0, part.length]),
      Buffer.from(part),
    ]);
    decipher.setAAD(Buffer.concat([...belongsTo, bytes.subarray(0, ivAt)]));
    decipher.setAuthTag(bytes.subarray(-16));
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(ivAt + 12, -16)), decipher.final()]);
    expect(JSON.parse(plaintext.toString())).toEqual(profile);
  });

  it('CRY-1, CRY-2: does not open with any bit of any byte changed', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 16, 128]) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8((changed[at] ?? 0) ^ bit, at);
        const opened = open(changed.toString('base64url'), as, keyring);
        if (opened.readable) throw new Error(`byte ${at} changed was not seen`);
        // The operator gets different reasons for the format, the key id and the rest.
        const why = at === 0 ? 'unknown_format' : at >= 2 && at < 2 + KEY.id.length ? 'unknown_key' : opened.why;
        expect(opened.why).toBe(why);
      }
    }
  });

  it('does not open if it was cut anywhere, or lengthened', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    for (let length = 0; length < bytes.length; length++) {
      expect(open(bytes.subarray(0, length).toString('base64url'), as, keyring).readable).toBe(false);
    }
    expect(open(Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url'), as, keyring).readable).toBe(false);
  });

  it('CRY-7: counts as tampered if it was cut off after its key id, even if the key is missing, so that nobody searches for that key', () => {
    const opened = (rest: number) =>
      open(Buffer.concat([Buffer.from('\u0001\u0004gone'), Buffer.alloc(rest)]).toString('base64url'), as, keyring);
    for (const rest of [0, 15, 27]) expect(opened(rest)).toEqual({ readable: false, why: 'tampered' });
    expect(opened(28)).toEqual({ readable: false, why: 'unknown_key' });
  });

  it.each([
    ['another user', { ...as, userId: 'v' }],
    ['a user that differs in case', { ...as, userId: 'U' }],
    ['another version', { ...as, version: 'v2' }],
    ['another realm', { ...as, realm: 'mfa-kit2' }],
    ['user and version run together', { ...as, userId: 'uv', version: '1' }],
    ['realm and user run together', { ...as, realm: 'mfa-kitu', userId: '' }],
  ])('T35, CRY-2: does not open as %s', (_, other) => {
    expect(open(sealed, other, keyring)).toEqual({ readable: false, why: 'tampered' });
  });

  it.each(['', 'AA', '!!!!', 'AQ', `${'A'.repeat(100)}`, 'null', '{"format":1}'])(
    'STO-7: does not open from a foreign value: %j',
    (value) => {
      expect(open(value, as, keyring).readable).toBe(false);
    },
  );

  it('STO-7: with another format inside is unknown and is not read', () => {
    const later = seal({ ...profile, format: 2 as never }, as, keyring);
    expect(open(later, as, keyring)).toEqual({ readable: false, why: 'unknown_format' });
  });

  it('CRY-1: never uses an IV twice', () => {
    const ivs = new Set<string>();
    for (let count = 0; count < 10_000; count++) {
      const bytes = Buffer.from(seal(profile, as, keyring), 'base64url');
      ivs.add(bytes.toString('hex', 2 + KEY.id.length, 14 + KEY.id.length));
    }
    expect(ivs.size).toBe(10_000);
  });

  it('CRY-3, CRY-4: opens with its key at any position, not with another secret under its id, and not with a key for another purpose', () => {
    const both = createKeyring([material(OTHER_KEY), material(KEY)], 'mfa-kit');
    expect(open(sealed, as, both).readable).toBe(true);
    const renamed = createKeyring([{ ...material(OTHER_KEY), id: KEY.id }], 'mfa-kit');
    expect(open(sealed, as, renamed)).toEqual({ readable: false, why: 'tampered' });
    expect(open(sealed, as, createKeyring([material(OTHER_KEY)], 'mfa-kit'))).toEqual({ readable: false, why: 'unknown_key' });
    const purposes = (['profile', 'device-token', 'pending-token', 'device-cookie'] as const).map((purpose) =>
      Buffer.from(keyring.bytes(purpose, KEY.id) ?? []).toString('hex'),
    );
    expect(new Set([...purposes, Buffer.from(KEY.secret, 'base64').toString('hex')]).size).toBe(5);
  });

  it('STO-1: has at most 48 KB, counted in bytes', () => {
    const withText = (text: string): Profile => ({ ...profile, versions: [text] });
    const room = 48 * 1024 - Buffer.byteLength(JSON.stringify(withText('')));
    expect(open(seal(withText('x'.repeat(room)), as, keyring), as, keyring).readable).toBe(true);
    for (const text of ['x'.repeat(room + 1), 'ä'.repeat(room / 2 + 1)]) {
      const outgrown = expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('48 KB') });
      expect(() => seal(withText(text), as, keyring)).toThrow(outgrown);
    }
  });
});

describe('the key id in a sealed value', () => {
  const naming = (id: string, { format = 1, length = id.length } = {}) =>
    Buffer.concat([Buffer.from([format, length]), Buffer.from(id, 'latin1')]).toString('base64url');

  it('CRY-3: is read even if the key is missing', () => {
    expect(keyIdOf(sealed)).toBe(KEY.id);
    for (const id of ['gone', 'A.b_c-9', 'x'.repeat(32)]) expect(keyIdOf(naming(id))).toBe(id);
  });

  it.each([
    ['an empty value', ''],
    ['another format', naming('gone', { format: 2 })],
    ['no id', naming('')],
    ['a cut id', naming('gone', { length: 5 })],
    ['more than 32 characters', naming('x'.repeat(33))],
    ['a blank before it', naming(' gone')],
    ['a blank behind it', naming('gone ')],
    ['a letter that no key id has', naming('gön')],
    ['a text of somebody else', '{"format":1}'],
  ])('does not exist in a foreign value: %s', (_name, value) => {
    expect(keyIdOf(value)).toBeUndefined();
  });
});

describe('rows that somebody changed', () => {
  async function damaged(change: (value: string) => string) {
    const fixture = await createEnrolled();
    const stored = await fixture.storage.read(ada.id);
    if (!stored) throw new Error('nothing stored');
    await fixture.storage.write(ada.id, { ...stored, value: change(stored.value) }, stored.version);
    fixture.events.length = 0;
    return fixture;
  }

  it.each([
    ['flipped', (value: string) => value.slice(0, -5) + (value.at(-5) === 'A' ? 'B' : 'A') + value.slice(-4), 'tampered'],
    ['of an unknown format', (value: string) => `Ag${value.slice(2)}`, 'unknown_format'],
    ['emptied', () => '', 'unknown_format'],
  ])('T34, CRY-7: %s: every flow is unavailable, the event says why, nothing is written', async (_, change, why) => {
    const fixture = await damaged(change);
    const { mfa, session, recoveryCodes, authenticator, clock } = fixture;
    fixture.resetCounts();
    const unavailable = { ok: false, reason: 'unavailable', retryAfterSeconds: 5 };
    expect((await mfa.beginLogin({ user: ada })).decision).toEqual({ access: 'unavailable', retryAfterSeconds: 5 });
    expect((await mfa.checkAccess({ user: ada, session })).access).toBe('unavailable');
    expect(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } })).toEqual(
      unavailable,
    );
    expect(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] } })).toEqual(
      unavailable,
    );
    expect(await mfa.startEnrollment({ user: ada, session })).toEqual(unavailable);
    expect(await mfa.endAllSessions({ user: ada, session })).toEqual(unavailable);
    await expect(mfa.passwordChanged({ userId: ada.id })).rejects.toMatchObject({ code: 'not_done' });
    expect(await mfa.getStatus({ user: ada })).toEqual(unavailable);
    expect(fixture.counts.writes).toBe(0);
    expect(fixture.events.filter((event) => event.name === 'profile_unreadable').every((event) => event.why === why)).toBe(true);
    expect(fixture.events.filter((event) => event.name === 'profile_unreadable')).toHaveLength(8);
  });

  it('T35: one user’s row in another’s place proves nothing', async () => {
    const fixture = await createEnrolled();
    const hers = await fixture.storage.read(ada.id);
    if (!hers) throw new Error('nothing stored');
    await fixture.storage.write(bob.id, hers, null);
    expect((await fixture.mfa.beginLogin({ user: bob })).decision.access).toBe('unavailable');
    expect(fixture.names()).toContain('profile_unreadable');
  });

  it('T34, CRY-3, THR-6: with a missing key are unavailable, cost no tries, and work when the key is back', async () => {
    const fixture = await createEnrolled();
    const { session } = await fixture.mfa.beginLogin({ user: ada });
    const without = createFixture({ keys: [OTHER_KEY], storage: fixture.storage, clock: fixture.clock.now });
    const code = fixture.authenticator.code(fixture.clock.now());
    for (let tries = 0; tries < 50; tries++) {
      expect(reasonOf(await without.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('unavailable');
    }
    expect(without.events[0]).toMatchObject({ name: 'profile_unreadable', why: 'unknown_key' });
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('ok');
  });

  it('CRY-3: in a rolling deployment with the new key second everywhere, then first, are sealed by the first key', async () => {
    const old = await createEnrolled(ada);
    const shared = { storage: old.storage, clock: old.clock.now };
    const both = createFixture({ ...shared, keys: [KEY, OTHER_KEY] });
    const moved = createFixture({ ...shared, keys: [OTHER_KEY, KEY] });
    const keyId = async () => Buffer.from((await old.storage.read(ada.id))?.value ?? '', 'base64url').toString('latin1', 2, 9);
    const login = async ({ mfa }: Pick<typeof old, 'mfa'>) => {
      old.clock.advance(60_000);
      const session = await loginPending(mfa);
      return reasonOf(
        await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: old.authenticator.code(old.clock.now()) } }),
      );
    };
    for (const process of [old, both, old, both]) expect(await login(process)).toBe('ok');
    for (const process of [both, moved, both, moved]) expect(await login(process)).toBe('ok');
    expect(await keyId()).toBe(OTHER_KEY.id);
    const after = createFixture({ ...shared, keys: [OTHER_KEY] });
    expect(await login(after)).toBe('ok');
  });
});

describe('a profile of a later version of the kit', () => {
  const asStored = (version: string): SealedAs => ({ realm: 'mfa-kit', userId: ada.id, version });

  async function withProfile(change: (profile: Profile) => object) {
    const fixture = await createEnrolled();
    const stored = await fixture.storage.read(ada.id);
    const opened = stored && open(stored.value, asStored(stored.version), keyring);
    if (!stored || !opened?.readable) throw new Error('not readable');
    const changed = change(opened.profile) as Profile;
    await fixture.storage.write(ada.id, { version: 'later', value: seal(changed, asStored('later'), keyring) }, stored.version);
    return fixture;
  }

  async function profileNow(fixture: Awaited<ReturnType<typeof createEnrolled>>): Promise<Profile & Record<string, unknown>> {
    const stored = await fixture.storage.read(ada.id);
    const opened = stored && open(stored.value, asStored(stored.version), keyring);
    if (!opened?.readable) throw new Error('not readable');
    return opened.profile as Profile & Record<string, unknown>;
  }

  it('STO-7: keeps unknown fields at every level, through every change', async () => {
    const fixture = await withProfile((before) => ({
      ...before,
      later: { deep: [1] },
      authenticators: before.authenticators.map((one) => ({ ...one, later: 1, data: { ...(one.data as object), later: 2 } })),
      budget: { ...before.budget, later: 3 },
      recoveryCodes: { ...before.recoveryCodes, later: 4 },
    }));
    const { mfa, clock, authenticator } = fixture;
    const session = await loginPending(mfa);
    await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '000000' } });
    const code = authenticator.code(clock.now());
    const verified = expectOk(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, rememberDevice: true }));
    const [id] = expectOk(await mfa.getStatus({ user: ada })).status.authenticators.map((one) => one.id);
    expectOk(await mfa.renameAuthenticator({ user: ada, session: verified.session, authenticatorId: id ?? '', name: 'x' }));
    expectOk(
      await mfa.verify({
        user: ada,
        session: verified.session,
        proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] },
      }),
    );
    expectOk(await mfa.endAllSessions({ user: ada, session: verified.session }));
    const after = await profileNow(fixture);
    expect(after).toMatchObject({
      later: { deep: [1] },
      authenticators: [{ later: 1, data: { later: 2 } }],
      budget: { later: 3 },
      recoveryCodes: { later: 4 },
    });
  });

  it('STO-7: with an authenticator of an unknown kind counts as enrolled, and none of that kind is lost', async () => {
    const passkey = { id: 'pk', kind: 'webauthn', name: 'Key', createdAt: 1, enrollmentId: 'e', data: { credential: 'xyz' } };
    const fixture = await withProfile((before) => ({ ...before, authenticators: [passkey] }));
    const { mfa } = fixture;
    const { decision, session } = await mfa.beginLogin({ user: ada });
    expect(decision).toMatchObject({ access: 'challenge', factors: ['recovery-code'] });
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '123456' } }))).toBe('invalid_code');
    expect(reasonOf(await mfa.startEnrollment({ user: ada, session }))).toBe('assurance_required');
    const verified = expectOk(
      await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } }),
    );
    const removal = { user: ada, session: verified.session, authenticatorId: 'pk' };
    expect(reasonOf(await mfa.removeAuthenticator(removal))).toBe('not_allowed');
    expect((await profileNow(fixture)).authenticators).toEqual([passkey]);
  });

  it('STO-7: does not show an enrollment of an unknown kind', async () => {
    let startedAt = 0;
    const fixture = await withProfile((before) => {
      startedAt = before.authenticators[0]?.createdAt ?? 0;
      const pending = { id: 'later', kind: 'webauthn', name: 'Key', startedAt, expiresAt: startedAt + 600_000, steppedUp: true };
      return { ...before, enrollments: [{ ...pending, data: { challenge: 'xyz' } }] };
    });
    const { mfa, recoveryCodes } = fixture;
    const session = await loginPending(mfa);
    const proof = { kind: 'recovery-code', code: recoveryCodes[0] } as const;
    const verified = expectOk(await mfa.verify({ user: ada, session, proof }));
    const own = { ...verified.session, enrollmentIds: ['later'] };
    expect((await profileNow(fixture)).enrollments).toHaveLength(1);
    expect(reasonOf(await mfa.currentEnrollment({ user: ada, session: own }))).toBe('enrollment_expired');
  });

  it('STO-1: of the largest possible size fits', async () => {
    const text = '"'.repeat(64);
    const ranges = Array.from({ length: 32 }, (_, n) => ({ from: 60_000_000 + 9 * n, to: 60_000_002 + 9 * n }));
    const budget = {
      quick: 99,
      lastWrongAt: 1e12 + 1,
      level: 20,
      levelAt: 1e12 + 1,
      highWaterAt: 1e12 + 1,
      halfReportedAt: 1e12 + 1,
      fullReportedAt: 1e12 + 1,
    };
    const id = 'x'.repeat(22);
    const data = { secret: 'A'.repeat(32), closed: ranges };
    const authenticator = {
      id,
      kind: 'totp',
      name: '🦊'.repeat(64),
      createdAt: 1e12 + 1,
      lastUsedAt: 1e12 + 1,
      enrollmentId: id,
      data,
    };
    const retiring = Array.from({ length: 4 }, () => ({ id, successorShownAt: 1e12 + 1 }));
    const device = {
      id,
      label: '🦊'.repeat(64),
      firstUsedAt: 1e12 + 1,
      lastUsedAt: 1e12 + 1,
      rememberedUntil: 1e12 + 1,
      rememberedAt: 1e12 + 1,
      budget,
      current: id,
      retiring,
      next: { id, mintedAt: 1e12 + 1 },
    };
    const enrollment = {
      id,
      kind: 'totp',
      name: text,
      startedAt: 1e12,
      expiresAt: 1e12,
      steppedUp: true,
      tokenId: id,
      budget,
      data,
    };
    const largest: Profile = {
      ...newProfile(),
      versions: Array.from({ length: 16 }, () => id),
      authenticators: Array.from({ length: 10 }, () => authenticator),
      enrollments: Array.from({ length: 3 }, () => enrollment),
      enrollmentStarts: Array.from({ length: 10 }, () => 1e12 + 1),
      recoveryCodes: {
        key: 'k'.repeat(43),
        digests: Array.from({ length: 20 }, () => 'd'.repeat(43)),
        createdAt: 1e12 + 1,
        lastUsed: { digest: 'd'.repeat(43), at: 1e12 + 1 },
      },
      devices: Array.from({ length: 20 }, () => device),
      budget,
      wrongCodes: {
        at: Array.from({ length: 5 }, () => 1e12 + 1),
        known: Array.from({ length: 10 }, () => 1e12 + 1),
        toldAt: 1e12 + 1,
      },
      usedTokens: Array.from({ length: 32 }, () => ({ id, expiresAt: 1e12 + 1 })),
      enrollBy: 1e12 + 1,
    };
    expect(open(seal(largest, as, keyring), as, keyring).readable).toBe(true);
  });
});
