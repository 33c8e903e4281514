import { setTimeout as sleep } from 'node:timers/promises';
import type { MfaEvent, MfaStorage } from '@mfa-kit/core';
import { createClock } from '@mfa-kit/core/testing';
import { afterAll, expect, it } from 'vitest';
import { createKeyring } from '../../packages/core/src/crypto/keyring.js';
import { createProfileStore } from '../../packages/core/src/store/profile-store.js';
import { createWarnings } from '../../packages/core/src/warnings/warnings.js';
import { createFixture, HOUR, KEY, loginPending } from '../support/core-fixture.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { countOperations } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { peek } from './core-faulty-storage.js';
import { type NetworkStore, networkStores } from './network-stores.js';
import { answerOf, call, comesIn, type Prepared, prepareOn, type Scenario, scenarios, stateOf } from './scenarios.js';

interface NetworkFault {
  name: string;
  /** What happens at the n-th storage call, and at the one after it. `others` writes the same record as another process. */
  strike: [(proxy: FaultProxy) => void, ((proxy: FaultProxy, others: () => Promise<unknown>) => unknown)?];
  /** After this time nothing of the fault arrives any more. */
  settledMs?: number;
  /** Nothing that is sent during it arrives. */
  swallows?: true;
  /** One call is lost and the network works again at once. The write is found or repeated, and the user notices nothing. */
  brief?: true;
  /** Runs on every store, even in a quick run. */
  everywhere?: true;
}

/** One operation and the storage call at which the fault happens. */
interface Case {
  scenario: Scenario;
  n: number;
  prepared: Prepared;
}

/** An operation has four seconds (DESIGN section 3); the rest is the machine's. */
const DEADLINE_MS = 5_500;
const HEALED_MS = 5_000;
/** A call that throws if it failed waits two seconds for the host's sinks, and two more for the event about a failed `notify`. */
const SINKS_MS = 4_000;
/** A reset also waits for `markEnrolled`, and for the read and the write after it. */
const TELL_MS = 4_000;

const faults: NetworkFault[] = [
  { name: 'cut before the request', strike: [(proxy) => proxy.fail('cut', 'next')], brief: true },
  { name: 'cut before the reply', strike: [(proxy) => proxy.fail('lose the reply', 'next')], brief: true },
  {
    name: 'cut before the reply, and then another process writes',
    strike: [(proxy) => proxy.fail('lose the reply', 'next'), (_, others) => others()],
    brief: true,
    everywhere: true,
  },
  { name: 'slow by 300 ms', strike: [(proxy) => proxy.delay(150)], brief: true },
  {
    name: 'gone for a second, every connection cut',
    strike: [
      (proxy) => {
        proxy.refuse();
        setTimeout(() => proxy.pass(), 1000);
      },
    ],
    everywhere: true,
  },
  { name: 'half open: a request swallowed', strike: [(proxy) => proxy.fail('swallow', 'next')] },
  { name: 'half open: a reply swallowed', strike: [(proxy) => proxy.fail('swallow the reply', 'next')] },
  { name: 'a request 2.6 s late', strike: [(proxy) => proxy.fail({ lateMs: 2_600 }, 'next')], settledMs: 3_000 },
  {
    name: 'a request 4.5 s late, and nothing else comes through',
    strike: [(proxy) => proxy.fail({ lateMs: 4_500 }, 'next'), (proxy) => proxy.fail('swallow', 'all')],
    settledMs: 5_000,
    swallows: true,
  },
  { name: 'a black hole', strike: [(proxy) => proxy.blackHole()], swallows: true },
  { name: 'every reply swallowed', strike: [(proxy) => proxy.fail('swallow the reply', 'all')] },
];

const keyring = createKeyring([{ id: KEY.id, secret: Buffer.from(KEY.secret, 'base64') }], 'mfa-kit');
const warnings = createWarnings({ adapter: undefined, keyIds: keyring.ids, clock: () => 0 });
const LONG = process.env.MFA_KIT_ROUNDS !== undefined;
let users = 0;

for (const [index, { name, open }] of networkStores.entries()) {
  // The first store runs all cases. The others run the most harmful ones, and all of them with `npm run prove`.
  const whole = index === 0 || LONG;
  breakNetworkOf(name, await open(), {
    some: whole ? faults : faults.filter(({ everywhere }) => everywhere),
    calls: whole ? [1, 2] : [2],
  });
}

function breakNetworkOf(
  store: string,
  opened: NetworkStore | null,
  { some, calls }: { some: readonly NetworkFault[]; calls: readonly number[] },
): void {
  describeWith(
    opened,
    `d-3, FLT-1, FLT-3, STO-4, I1-I9, I12: the network to ${store} breaks, at each call of every flow`,
    (server) => {
      const { direct } = server;
      afterAll(() => server.close());

      it.each(some)(
        '$name',
        // Allows three attempts, because a busy machine may miss a deadline of seconds.
        { timeout: 120_000, retry: 2 },
        async (fault) => {
          const user = () => ({ id: `network-${process.pid}-${++users}`, name: 'somebody@example.com' });
          const cases: Case[] = [];
          // Before the first fault, because the computations here would delay the other answers.
          for (const scenario of scenarios) {
            for (const n of calls) cases.push({ scenario, n, prepared: await prepareOn(direct, scenario, user()) });
          }
          const ended = await Promise.allSettled(cases.map((one) => suffer(fault, one)));
          const broken = ended.flatMap((one) => (one.status === 'rejected' ? [String(one.reason?.message ?? one.reason)] : []));
          expect(broken).toEqual([]);
        },
      );

      async function suffer(fault: NetworkFault, { scenario, n, prepared }: Case): Promise<void> {
        const at = `${scenario.name}, call ${n}`;
        const before = await peek(direct, prepared.user.id);
        const proxy = await startFaultProxy(server.port);
        const { storage, close } = await server.connect(proxy.port);
        try {
          let struckAt = 0;
          const clock = createClock(prepared.now);
          const { events, hostile } = hostileSinks();
          let over = false;
          const faulty = striking(storage, n, async (index) => {
            if (over) return;
            if (index === 0) struckAt = performance.now();
            await fault.strike[index]?.(proxy, () => overtake(direct, prepared.user.id, clock.now));
          });
          const { mfa } = createFixture({ ...hostile, storage: faulty, clock: clock.now });

          const started = performance.now();
          const answer = await call(mfa, prepared);
          countOperations();
          expect(performance.now() - started, `${at}: milliseconds to the answer`).toBeLessThan(DEADLINE_MS + waitsMs(scenario));
          const said = answerOf(answer);
          expect([scenario.expected, 'unavailable', 'busy'], `${at}: the answer`).toContain(said);
          if (fault.brief && n === 2) expect(said, `${at}: the answer`).toBe(scenario.expected);
          const done = said === scenario.expected;
          if (!done && !scenario.throws) expect(retryAfter(answer), `${at}: Retry-After`).toBeGreaterThan(0);
          const emitted = events.filter(({ name }) => name === scenario.event).length;
          // A reset that was written, but not recorded as known to the host, throws and still has its event.
          const written = done || (scenario.throws === 'waits for sinks and markEnrolled' && emitted > 0);
          if (scenario.event) expect(emitted, `${at}: ${scenario.event} events`).toBe(written ? 1 : 0);

          if (written) expect(await state(), `${at}: what is stored when the answer is there`).toBe('after');
          over = true;
          proxy.pass();
          proxy.delay(0);
          const back = performance.now();
          const sentAgain = fault.swallows ? back + (server.sendsAgainMs ?? 0) : 0;
          await sleep(Math.max(struckAt + (fault.settledMs ?? 0) - performance.now(), sentAgain - performance.now(), 0));
          const settled = await state();
          expect(['before', 'after'], `${at}: what is stored in the end`).toContain(settled);
          if (written) expect(settled, `${at}: what is stored in the end`).toBe('after');

          // The client repeats the same request, in the same process.
          const again = await untilThere(() => call(mfa, prepared));
          expect(performance.now() - Math.max(back, struckAt), `${at}: milliseconds to heal`).toBeLessThan(
            HEALED_MS + waitsMs(scenario),
          );
          const honest = settled === 'after' ? scenario.repeated : scenario.expected;
          expect(answerOf(again), `${at}: the answer to the same request again, ${settled} the first`).toBe(honest);
          if (settled === 'before') expect(await state(), `${at}: what is stored after the repetition`).toBe('after');

          await expectGranted(at, [answer, again], prepared, mfa);
          clock.advance(HOUR);
          expect(await comesIn(mfa, { ...prepared, now: clock.now() }), `${at}: a login an hour later`).toBe('ok');
        } finally {
          await proxy.close();
          await close();
        }

        async function state(): Promise<string> {
          return stateOf(scenario, await peek(direct, prepared.user.id), before);
        }
      }
    },
  );
}

/** Checks that the user has what is stored: the last recovery codes work, and a remembered browser is allowed. */
async function expectGranted(at: string, answers: object[], { user }: Prepared, mfa: ReturnType<typeof createFixture>['mfa']) {
  type Granted = { recoveryCodes?: string[]; device?: { token: string; rememberedUntil?: number } };
  const granted = answers.map((answer) => answer as Granted);
  const device = granted.findLast((answer) => answer.device?.rememberedUntil !== undefined)?.device;
  if (device) {
    const { decision } = await mfa.beginLogin({ user, deviceToken: device.token });
    expect(decision.access, `${at}: the browser that was remembered`).toBe('allow');
  }
  const codes = granted.findLast((answer) => answer.recoveryCodes)?.recoveryCodes;
  if (codes) {
    const proof = { user, session: await loginPending(mfa, user), proof: { kind: 'recovery-code' as const, code: codes[0] } };
    expect(answerOf(await mfa.verify(proof)), `${at}: a recovery code that was shown`).toBe('ok');
  }
}

/** Calls `strike` at the n-th storage call (0) and at the one after it (1). */
function striking(storage: MfaStorage, n: number, strike: (index: number) => Promise<void>): MfaStorage {
  let calls = 0;
  const around = async <T>(act: () => Promise<T>): Promise<T> => {
    calls += 1;
    if (calls >= n) await strike(calls - n);
    return act();
  };
  return {
    read: (userId) => around(() => storage.read(userId)),
    write: (userId, next, expected) => around(() => storage.write(userId, next, expected)),
    remove: (userId, expected) => around(() => storage.remove(userId, expected)),
    listUserIds: (cursor) => storage.listUserIds(cursor),
  };
}

/** Writes the record unchanged, as another process with the right clock, which would otherwise drop later dates. */
function overtake(storage: MfaStorage, userId: string, clock: () => number): Promise<unknown> {
  const profiles = createProfileStore({ storage, keyring, realm: 'mfa-kit', clock, warnings });
  return profiles.change(
    userId,
    () => undefined,
    (profile) => ({ answer: { ok: true }, ...(profile ? { next: profile } : {}) }),
  );
}

/** d-8: sinks that record their input and then hang or throw, alternately. */
function hostileSinks() {
  const events: MfaEvent[] = [];
  const fail = () =>
    events.length % 2 === 0 ? new Promise<never>(() => undefined) : Promise.reject(new Error('the sink is down'));
  const onEvent = (event: MfaEvent) => {
    events.push(event);
    return fail();
  };
  // A reset is done only after the host accepted it, so a host that always fails would hide the effect of the network.
  const markEnrolled = (_: string, enrolled: boolean) => {
    if (enrolled) throw new Error('the host is down');
  };
  return { events, hostile: { onEvent, notify: fail, markEnrolled } };
}

async function untilThere(act: () => Promise<object>): Promise<object> {
  const end = performance.now() + HEALED_MS;
  for (;;) {
    const answer = await act();
    countOperations();
    if (!['unavailable', 'busy'].includes(answerOf(answer)) || performance.now() > end) return answer;
    await sleep(50);
  }
}

/** How long it may wait for the host, in addition to the deadline of every operation. */
function waitsMs({ throws }: Scenario): number {
  if (!throws) return 0;
  return throws === 'waits for sinks' ? SINKS_MS : SINKS_MS + TELL_MS;
}

function retryAfter(answer: object): number {
  const { retryAfterSeconds, decision } = answer as { retryAfterSeconds?: number; decision?: { retryAfterSeconds?: number } };
  return retryAfterSeconds ?? decision?.retryAfterSeconds ?? 0;
}
