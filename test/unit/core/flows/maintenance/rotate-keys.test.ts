import { describe, expect, it } from 'vitest';
import { peek, poke } from '../../../../faults/core-faulty-storage.js';
import {
  ada,
  bob,
  createEnrolled,
  createFixture,
  DAY,
  expectOk,
  KEY,
  loginPending,
  loginWithCode,
  OTHER_KEY,
  reasonOf,
} from '../../../../support/core-fixture.js';
import { interleavingStorage } from '../../../../support/interleaving-storage.js';
import { backUp, plant, populated, sealedByKey } from '../../../../support/population.js';
import { proofOf } from '../../../../support/proof-of.js';

const rotated = { keys: [OTHER_KEY, KEY] };

describe('rotateKeys', () => {
  it('CRY-3: seals again what another key has sealed, and a second walk finds nothing to do', async () => {
    const storage = await populated(120);
    await plant(storage, 'new', { key: OTHER_KEY });
    const { mfa, counts, resetCounts } = createFixture({ ...rotated, storage });
    expect(await mfa.rotateKeys()).toMatchObject({
      complete: true,
      dryRun: false,
      writingKey: OTHER_KEY.id,
      users: 121,
      resealed: 120,
      current: 1,
    });
    expect(counts).toEqual({ reads: 121, writes: 120, removes: 0, lists: 2 });
    expect(await sealedByKey(storage)).toEqual({ [OTHER_KEY.id]: 121 });
    resetCounts();
    expect(await mfa.rotateKeys()).toMatchObject({ resealed: 0, current: 121 });
    expect(counts.writes).toBe(0);
  });

  it('stores nothing in a dry run, and reports what it would do', async () => {
    const storage = await populated(3);
    const { mfa, counts, events } = createFixture({ ...rotated, storage });
    const dry = await mfa.rotateKeys({ dryRun: true });
    expect(dry).toMatchObject({ complete: true, dryRun: true, resealed: 3, current: 0 });
    expect(dry).not.toHaveProperty('removable');
    expect(counts.writes).toBe(0);
    expect(await sealedByKey(storage)).toEqual({ [KEY.id]: 3 });
    expect(events).toEqual([]);
  });

  it('changes nothing in a profile, including fields of a newer version, and notifies nobody', async () => {
    const fixture = await createEnrolled();
    await loginWithCode(fixture, { rememberDevice: true });
    await poke(fixture.storage, ada.id, (profile) => ({ ...profile, ...{ passkeys: [1, { two: 3 }] } }));
    const before = await peek(fixture.storage, ada.id);
    const there = createFixture({ ...rotated, storage: fixture.storage });
    expect((await there.mfa.rotateKeys()).resealed).toBe(1);
    expect(there.events).toEqual([]);
    const back = createFixture({ keys: [KEY, OTHER_KEY], storage: fixture.storage });
    expect((await back.mfa.rotateKeys()).resealed).toBe(1);
    const after = await peek(fixture.storage, ada.id);
    const lineage = after?.versions;
    expect(after).toEqual({ ...before, versions: lineage });
    expect(lineage?.slice(2)).toEqual(before?.versions);
    expect(after).toHaveProperty('passkeys', [1, { two: 3 }]);
  });

  it('makes the old key unnecessary: sessions, codes and recovery codes work, and a browser that returned since stays remembered', async () => {
    const fixture = await createEnrolled();
    const browser = await loginWithCode(fixture, { rememberDevice: true });
    const other = await loginWithCode(fixture, { rememberDevice: true });
    const clock = fixture.clock.now;
    const both = createFixture({ ...rotated, storage: fixture.storage, clock });
    expect((await both.mfa.rotateKeys()).resealed).toBe(1);
    const renewed = await both.mfa.beginLogin({ user: ada, deviceToken: browser.token });
    expect(renewed.decision.access).toBe('allow');

    const alone = createFixture({ keys: [OTHER_KEY], storage: fixture.storage, clock });
    expect((await alone.mfa.checkAccess({ user: ada, session: browser.session })).access).toBe('allow');
    expect((await alone.mfa.beginLogin({ user: ada, deviceToken: renewed.device?.token ?? '' })).decision.access).toBe('allow');
    const session = await loginPending(alone.mfa);
    expect(
      reasonOf(await alone.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } })),
    ).toBe('ok');
    // A browser that did not return in between is asked once more, but not locked out.
    const forgotten = await alone.mfa.beginLogin({ user: ada, deviceToken: other.token });
    expect(forgotten.decision.access).toBe('challenge');
    expect(alone.events).toContainEqual(expect.objectContaining({ name: 'device_refused', why: 'invalid' }));
  });

  it('reports which keys may be removed, and until when browsers hold tokens signed by them', async () => {
    const storage = await populated(2);
    const { mfa, clock } = createFixture({ ...rotated, storage });
    const removable = { keyIds: [KEY.id], tokensEndAt: clock.now() + 90 * DAY };
    expect(await mfa.rotateKeys()).toMatchObject({ removable });
    expect(await mfa.rotateKeys({ dryRun: true })).toMatchObject({ removable });
  });

  it.each([
    ['there is but one key', { keys: [KEY] }, {}],
    ['the walk did not begin at the start', rotated, { cursor: '0' }],
    ['a dry run found some left', rotated, { dryRun: true }],
    ['the walk did not end', rotated, { signal: AbortSignal.abort() }],
  ])('allows the removal of no key if %s', async (_, keys, input) => {
    const { mfa } = createFixture({ ...keys, storage: await populated(2) });
    expect(await mfa.rotateKeys(input)).not.toHaveProperty('removable');
  });

  it.each([
    ['a record that does not open', (value: string) => value.slice(0, -5) + (value.at(-5) === 'A' ? 'B' : 'A') + value.slice(-4)],
    ['a record that is cut off', (value: string) => value.slice(0, 60)],
  ])('F33: does not allow the removal of a key that %s names, but of others', async (_, damage) => {
    const third = { id: 'third', secret: 'm0Qx3vB8nR1tY6kW9pL2sD5fG7hJ4aZeUiCoOzXcNwE=' };
    const storage = await populated(3);
    const stored = await storage.read(bob.id);
    expect(stored).toBeNull();
    await plant(storage, bob.id);
    const hers = await storage.read(bob.id);
    await storage.write(bob.id, { version: 'damaged', value: damage(hers?.value ?? '') }, hers?.version ?? null);
    const { mfa, clock } = createFixture({ keys: [OTHER_KEY, KEY, third], storage });
    const rotated = await mfa.rotateKeys();
    expect(rotated).toMatchObject({ complete: true, resealed: 3, unreadable: { count: 1, userIds: [bob.id] } });
    expect(rotated.removable).toEqual({ keyIds: ['third'], tokensEndAt: clock.now() + 90 * DAY });
    const two = createFixture({ keys: [OTHER_KEY, KEY], storage });
    expect(await two.mfa.rotateKeys()).not.toHaveProperty('removable');
    await two.mfa.resetMfa({ userId: bob.id, actor: 'support', reason: 'the record is damaged' });
    expect((await two.mfa.rotateKeys()).removable?.keyIds).toEqual([KEY.id]);
  });

  it('F33: allows the removal of no key while a record does not name its key, or could not be read', async () => {
    const storage = await populated(2);
    await storage.write(bob.id, { version: 'newer', value: 'AgAA' }, null);
    const { mfa } = createFixture({ ...rotated, storage });
    expect(await mfa.rotateKeys()).not.toHaveProperty('removable');
  });

  it('leaves profiles under a missing key unchanged, and they open when the key is back', async () => {
    const lost = { ...OTHER_KEY, id: 'lost' };
    const storage = await populated(2, lost);
    await plant(storage, bob.id);
    const rows = await backUp(storage);
    const third = { id: 'third', secret: 'm0Qx3vB8nR1tY6kW9pL2sD5fG7hJ4aZeUiCoOzXcNwE=' };
    const { mfa } = createFixture({ storage, keys: [third, KEY] });
    expect(await mfa.rotateKeys()).toMatchObject({ resealed: 1, unreadable: { count: 2 } });
    expect(await createFixture({ storage, keys: [third, lost] }).mfa.rotateKeys()).toMatchObject({ resealed: 2, current: 1 });
    await rows.back();
    expect(await sealedByKey(storage)).toEqual({ lost: 2, [KEY.id]: 1 });
  });
});

describe('rotateKeys during live traffic', () => {
  it('d-7, CRY-3, I1: counts codes and recovery codes once each while keys change back and forth, and refuses none because of it', async () => {
    const storage = createFixture().storage;
    const users = Array.from({ length: 6 }, (_, index) => ({ id: `live-${index}`, name: 'x' }));
    const people = await Promise.all(users.map((user) => createEnrolled(user, { storage })));
    const clock = people[0]!.clock.now;
    // Two processes with the old key first, two with the new one first, as during a deployment.
    const processes = [[KEY, OTHER_KEY], rotated.keys, [KEY, OTHER_KEY], rotated.keys].map((keys) =>
      createFixture({ keys, storage, clock }),
    );
    let done = false;
    let rewritten = 0;
    const walking = [processes[0]!, processes[1]!].map(async ({ mfa }) => {
      while (!done) {
        rewritten += (await mfa.rotateKeys()).resealed;
        // Nobody rotates keys without a pause. This does not test who wins an endless race.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    const answers = await Promise.all(
      people.map(async ({ authenticator, recoveryCodes }, index) => {
        const user = users[index]!;
        const session = await loginPending(processes[0]!.mfa, user);
        const said: string[] = [];
        for (const proof of [{ code: authenticator.code(clock()) }, ...recoveryCodes.map((recoveryCode) => ({ recoveryCode }))]) {
          await new Promise((resolve) => setImmediate(resolve));
          const tried = processes.map(async ({ mfa }) => reasonOf(await mfa.verify({ user, session, proof: proofOf(proof) })));
          said.push((await Promise.all(tried)).sort().join(' '));
        }
        return said;
      }),
    );
    done = true;
    await Promise.all(walking);
    expect(rewritten).toBeGreaterThan(users.length);
    for (const said of answers) {
      expect(said).toHaveLength(11);
      // On a busy machine one of the other three may return "busy", which says nothing about the code.
      for (const four of said) expect(four.replaceAll('busy', 'invalid_code')).toBe('invalid_code invalid_code invalid_code ok');
    }
  });

  it('discards what it read before a verification wrote', async () => {
    const fixture = await createEnrolled();
    const storage = interleavingStorage(fixture.storage);
    const { mfa } = createFixture({ ...rotated, storage });
    storage.hold(({ method, at }) => method === 'write' && at === 'before');
    const walking = mfa.rotateKeys();
    const held = await storage.nextHeld();
    const session = await loginPending(fixture.mfa);
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('ok');
    expectOk(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } }));
    storage.releaseAll();
    held.release();
    expect(await walking).toMatchObject({ resealed: 1, failed: { count: 0 } });
    expect(await sealedByKey(fixture.storage)).toEqual({ [OTHER_KEY.id]: 1 });
    const now = createFixture({ ...rotated, storage: fixture.storage, clock: fixture.clock.now });
    expect(reasonOf(await now.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('invalid_code');
    expect(
      reasonOf(await now.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } })),
    ).toBe('invalid_code');
    expect(expectOk(await now.mfa.getStatus({ user: ada })).status.recoveryCodesLeft).toBe(9);
  });

  it('does not bring back a user who is forgotten while it holds the profile', async () => {
    const fixture = await createEnrolled();
    const storage = interleavingStorage(fixture.storage);
    const { mfa } = createFixture({ ...rotated, storage });
    storage.hold(({ method, at }) => method === 'write' && at === 'before');
    const walking = mfa.rotateKeys();
    const held = await storage.nextHeld();
    expectOk(await fixture.mfa.forgetUser({ userId: ada.id }));
    storage.releaseAll();
    held.release();
    expect(await walking).toMatchObject({ complete: true, users: 0, resealed: 0 });
    expect(await fixture.storage.read(ada.id)).toBeNull();
  });
});
