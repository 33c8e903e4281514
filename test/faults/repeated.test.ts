import { createAuthenticator, type VirtualAuthenticator } from '@mfa-kit/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Client } from '../express/client.js';
import { type Host, startHost, versions } from '../express/host.js';
import { expectOk, MINUTE } from '../support/core-fixture.js';
import { countOperations, ROUNDS } from '../support/proof.js';
import { type RepeatingProxy, startRepeatingProxy } from '../support/repeating-proxy.js';

const [{ express }] = versions;
const PROVING = ROUNDS > 3;
/** Six flows for each person. */
const PEOPLE = PROVING ? 170 : 8;
const MOST_DELAY_MS = PROVING ? 2_000 : 40;
/** What a person does if a request was lost, late or a duplicate. */
const MOST_TRIES = 60;

interface Person {
  name: string;
  id: string;
  client: Client;
  authenticator?: VirtualAuthenticator;
  enrollmentId?: string;
  recoveryCodes: string[];
  renewedCodes: string[];
  /** The number of the next flow. */
  flow: number;
  recovering: boolean;
}

/** One attempt at a flow; true if it was completed. */
type Flow = (person: Person) => Promise<boolean>;

describe('d-6: with each POST lost or sent up to four times, late and out of order', () => {
  let host: Host;
  let proxy: RepeatingProxy;
  const people: Person[] = [];

  beforeAll(async () => {
    host = await startHost({ express });
    proxy = await startRepeatingProxy(host.origin, MOST_DELAY_MS, Math.random);
    for (let index = 0; index < PEOPLE; index++) {
      const name = `person-${index}`;
      host.users.set(name, { id: `user-${index}`, name: `${name}@example.com` });
      people.push({
        name,
        id: `user-${index}`,
        client: new Client(proxy),
        recoveryCodes: [],
        renewedCodes: [],
        flow: 0,
        recovering: false,
      });
    }
  });
  afterAll(async () => {
    await proxy.close();
    await host.close();
  });

  it('FLT-6, I1, I2, I4, I5, I7: everybody completes the flows, and the storage is as after one request of each', async () => {
    for (let tries = 0; people.some(({ flow }) => flow < flows.length); tries++) {
      expect(tries, 'tries until everybody is through').toBeLessThan(MOST_TRIES);
      host.clock.advance(MINUTE + 1000);
      const from = host.events.length;
      const began = host.clock.now();
      await Promise.all(people.filter(({ flow }) => flow < flows.length).map(advance));
      await proxy.drain();
      await checkRound(from, began);
    }
    for (const person of people) await checkEnd(person);
    expect(host.errors, 'errors that reached the host').toEqual([]);
  }, 600_000);

  async function advance(person: Person): Promise<void> {
    const done = await (flows[person.flow] as Flow)(person);
    if (done) person.flow += 1;
  }

  /** I1: one code has one success. I4: no session is marked without its own success. */
  async function checkRound(from: number, began: number): Promise<void> {
    const events = host.events.slice(from);
    const marked = await markedSessions(began);
    for (const { id } of people) {
      const own = events.filter((event) => event.userId === id);
      const proofs = own.filter(({ name }) => name === 'verified' || name === 'authenticator_enrolled');
      expect(proofs.length, `successes of ${id} with one code`).toBeLessThanOrEqual(1);
      const opened = own.filter(({ name }) => name === 'device_used');
      expect(marked.get(id) ?? 0, `marked sessions of ${id}`).toBeLessThanOrEqual(proofs.length + opened.length);
    }
  }

  /** The sessions of each user with a current proof. */
  async function markedSessions(began: number): Promise<Map<string, number>> {
    const sessions = await new Promise<object[]>((resolve) => {
      host.store.all((_error, all) => resolve(Object.values(all ?? {})));
    });
    const marked = new Map<string, number>();
    for (const { mfa } of sessions as { mfa?: { state: string; assurance?: { userId: string; verifiedAt: number } } }[]) {
      if (mfa?.state !== 'verified' || (mfa.assurance?.verifiedAt ?? 0) < began) continue;
      const id = mfa.assurance?.userId ?? '';
      marked.set(id, (marked.get(id) ?? 0) + 1);
    }
    return marked;
  }

  async function checkEnd({ id, name, recoveryCodes, renewedCodes }: Person): Promise<void> {
    const user = { id, name };
    const { status } = expectOk(await host.mfa.getStatus({ user }));
    const used = host.events.filter((event) => event.userId === id && event.name === 'recovery_code_used').length;
    expect(status.authenticators, 'authenticators').toHaveLength(1);
    expect(used, 'uses of the one recovery code that was sent').toBe(1);
    expect(status.recoveryCodesLeft, 'codes left of the set that came last').toBe(10);
    expect(status.devices.filter(({ rememberedUntil }) => rememberedUntil !== undefined)).toEqual([]);
    const { session } = await host.mfa.beginLogin({ user });
    const old = await host.mfa.verify({ user, session, proof: { kind: 'recovery-code', code: recoveryCodes[1] } });
    expect(old, 'a code of the set that was replaced').toMatchObject({ ok: false, reason: 'invalid_code' });
    const shown = await host.mfa.verify({ user, session, proof: { kind: 'recovery-code', code: renewedCodes[0] } });
    expect(shown, 'I7: a code of the set that was shown last').toMatchObject({ ok: true, recoveryCodesLeft: 9 });
  }

  const flows: Flow[] = [
    async function enrolls(person) {
      const { client } = person;
      if (person.enrollmentId === undefined) {
        if (!(await logsIn(person))) return false;
        const started = await post(person, '/mfa/enroll', {});
        if (started.status !== 201) return false;
        person.enrollmentId = String(started.body.enrollmentId);
        person.authenticator = createAuthenticator(started.body.uri);
      }
      const confirmed = await post(person, '/mfa/enroll/confirm', { enrollmentId: person.enrollmentId, code: code(person) });
      if (confirmed.status === 200) {
        person.recoveryCodes = confirmed.body.recoveryCodes;
        expect((await client.get('/cases')).status, 'I7: the guard, after the confirmation').toBe(200);
        return true;
      }
      // The answer of the successful copy was lost, so support resets the user, who has not seen the recovery codes.
      const { status } = expectOk(await host.mfa.getStatus({ user: { id: person.id, name: person.name } }));
      expect([0, 1]).toContain(status.authenticators.length);
      await proxy.drain();
      delete person.enrollmentId;
      await host.mfa.resetMfa({ userId: person.id, actor: 'support', reason: 'the answer was lost' });
      return false;
    },
    (person) => provesBy(person, () => ({ code: code(person), rememberDevice: true })),
    async function comesBackRemembered(person) {
      const answer = await post(person, `/login?user=${person.name}`);
      if (answer.body?.decision?.access !== 'allow') return false;
      expect((await person.client.get('/cases')).body.via).toBe('remembered-device');
      return true;
    },
    async function usesRecoveryCode(person) {
      if (!person.recovering && !(await logsIn(person))) return false;
      person.recovering = true;
      await post(person, '/mfa/verify', { recoveryCode: person.recoveryCodes[0] });
      await proxy.drain();
      const used = host.events.filter(({ name, userId }) => name === 'recovery_code_used' && userId === person.id);
      expect(used.length, 'I2: uses of one recovery code').toBeLessThanOrEqual(1);
      return used.length === 1;
    },
    async function renewsRecoveryCodes(person) {
      if (!(await provesBy(person, () => ({ code: code(person) })))) return false;
      host.clock.advance(1);
      const renewed = await post(person, '/mfa/recovery-codes', {});
      if (renewed.status !== 200) return false;
      person.renewedCodes = renewed.body.recoveryCodes;
      return true;
    },
    async function signsOutEverywhere(person) {
      if (!(await provesBy(person, () => ({ code: code(person) })))) return false;
      const ended = await post(person, '/mfa/sessions/end', {});
      return ended.status === 204;
    },
  ];

  async function provesBy(person: Person, proof: () => object): Promise<boolean> {
    if (!(await logsIn(person))) return false;
    const answer = await post(person, '/mfa/verify', proof());
    if (answer.status !== 200) return false;
    expect((await person.client.get('/cases')).status, 'I7: the guard, after a proof that was accepted').toBe(200);
    return true;
  }

  /** Starts a new browser session and keeps the device token. */
  async function logsIn(person: Person): Promise<boolean> {
    person.client.cookies.delete('sid');
    return (await post(person, `/login?user=${person.name}`)).status === 200;
  }

  function code({ authenticator }: Person): string {
    return authenticator?.code(host.clock.now()) ?? '000000';
  }

  /** Sends lost requests again, as people do. */
  async function post({ client }: Person, path: string, body?: object): Promise<Answer> {
    for (;;) {
      countOperations();
      const answer = await client.post(path, body);
      if (answer.status !== 504) return answer;
    }
  }
});
