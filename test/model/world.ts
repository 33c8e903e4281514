import { createMfa, type Mfa, type MfaEvent, type MfaSession, type MfaStorage, type MfaUser } from '@mfa-kit/core';
import { createAuthenticator, createClock, type TestClock, type VirtualAuthenticator } from '@mfa-kit/core/testing';
import { KEY } from '../support/core-fixture.js';
import { countOperations } from '../support/proof.js';
import { createNames, type Names } from './names.js';
import { type Meaning, perform, type Real, wordOf } from './perform.js';
import type { Answer, Name, Session, Step } from './state.js';

/** Core in two processes on one storage with one user, and the ids for the names of the model. */
export interface World {
  clock: TestClock;
  events: MfaEvent[];
  perform(step: Step, process: number): Promise<Real>;
  /** Binds the names in the model's answer to ids; throws if that contradicts earlier ones. */
  bind(name: Name, step: Step, answer: Answer, real: Real): void;
  /** The guard's decision. */
  access(session: Session | undefined): Promise<string>;
  accessOfReal(session: MfaSession): Promise<string>;
  status(): Promise<Status>;
  /** The code of an authenticator in a step. */
  shows(app: Name, step: number): string;
}

/** The status that the user sees. */
export interface Status {
  apps: number;
  devices: number;
  /** The end, in epoch milliseconds. */
  remembered: number[];
  codesLeft: number;
  waitSeconds: number;
}

const PROCESSES = 2;
let users = 0;

/** A user without stored data. */
export function createWorld(storages: readonly MfaStorage[], mfa: 'required' | 'optional', clock = createClock()): World {
  const user: MfaUser = { id: `model-${process.pid}-${++users}`, name: 'somebody@example.com' };
  const events: MfaEvent[] = [];
  const processes = Array.from({ length: PROCESSES }, (_, index) =>
    createMfa({
      issuer: 'Acme',
      keys: [KEY],
      storage: storages[index % storages.length] as MfaStorage,
      policy: () => ({ mfa }),
      clock: clock.now,
      onEvent: (event) => void events.push(event),
    }),
  );
  const [first] = processes as [Mfa];
  const apps = new Map<Name, VirtualAuthenticator>();
  const codes = new Map<Name, readonly string[]>();
  const sessions = new Map<Session, MfaSession>();
  const names = createNames();
  const meaning: Meaning = {
    user,
    names,
    sessionOf: (session) => session && sessions.get(session),
    codesOf: (set) => codes.get(set) ?? [],
  };
  const accessOfReal = async (session: MfaSession | undefined) => wordOf(await first.checkAccess({ user, session }));

  return {
    clock,
    events,
    perform(step, process) {
      countOperations();
      return perform(processes[process % PROCESSES] as Mfa, step, meaning);
    },
    bind(name, step, answer, real) {
      if (answer.session && real.session) {
        sessions.set(answer.session, real.session);
        bindSession(names, answer.session, real.session);
      }
      if (answer.minted && real.device) {
        names.bind(answer.minted.name, real.device.token);
        names.bind(answer.minted.device, real.device.deviceId);
      }
      if (real.enrollment) {
        names.bind(name, real.enrollment.id);
        apps.set(name, createAuthenticator(real.enrollment.uri));
      }
      if (real.authenticator && step.kind === 'confirm') names.bind(`${step.enrollment}.app`, real.authenticator.id);
      if (answer.codes !== undefined && real.recoveryCodes) codes.set(answer.codes, real.recoveryCodes);
    },
    access: (session) => accessOfReal(meaning.sessionOf(session)),
    accessOfReal,
    async status() {
      const result = await first.getStatus({ user });
      if (!result.ok) throw new Error(`no status: ${result.reason}`);
      const { authenticators, devices, recoveryCodesLeft, waitSeconds } = result.status;
      const remembered = devices.flatMap(({ rememberedUntil }) => (rememberedUntil === undefined ? [] : [rememberedUntil]));
      return {
        apps: authenticators.length,
        devices: devices.length,
        remembered: remembered.sort(),
        codesLeft: recoveryCodesLeft,
        waitSeconds,
      };
    },
    shows: (app, step) => apps.get(app)?.code(Math.max(step, 0) * 30_000) ?? 'unknown',
  };
}

function bindSession(names: Names, said: Session, real: MfaSession): void {
  if (said.state === 'pending' && real.state === 'pending') {
    names.bind(said.epoch, real.epoch);
    names.bind(said.deviceEpoch, real.deviceEpoch);
  }
  if (said.state !== 'verified' || real.state !== 'verified') return;
  names.bind(said.epoch, real.assurance.epoch);
  if (said.device !== undefined && real.assurance.deviceId !== undefined) names.bind(said.device, real.assurance.deviceId);
}
