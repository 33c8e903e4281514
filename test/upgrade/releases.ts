import * as presentCore from '@mfa-kit/core';
import * as presentExpress from '@mfa-kit/express';
import { proofOf } from '../support/proof-of.js';
import { importRelease1 } from './release-1.mjs';

/** Plain data, as stored in a session or sent over the wire. */
export type Data = Record<string, unknown>;

export interface User {
  id: string;
  name: string;
  enrolled?: boolean;
}

/** A session's state with the fields of release 1, which the tests read. */
export interface SessionState {
  state: 'pending' | 'verified';
  assurance?: { userId: string; epoch: string; via: string; verifiedAt: number; deviceId?: string };
}

export interface Decision {
  access: string;
  via?: string;
  because?: string;
  reason?: string;
  factors?: string[];
  enrollBy?: number;
}

export interface Grant {
  token: string;
  deviceId: string;
  expiresAt: number;
  rememberedUntil?: number;
}

/** The answer of any flow, with the fields of release 1. */
export interface Answer {
  ok: boolean;
  reason?: string;
  retryAfterSeconds?: number;
  session?: SessionState;
  device?: Grant;
  enrollment?: { id: string; uri: string; manualKey: string; expiresAt: number };
  authenticator?: { id: string };
  recoveryCodes?: string[];
  recoveryCodesLeft?: number;
  userId?: string;
  status?: Status;
}

export interface Status {
  enrolled: boolean;
  authenticators: { id: string; kind: string; name: string; createdAt: number; lastUsedAt?: number }[];
  devices: { id: string; label: string; firstUsedAt: number; lastUsedAt: number; rememberedUntil?: number }[];
  recoveryCodesLeft: number;
  /** Release 1 does not have it. */
  recoveryCodesUnsaved?: true;
  waitSeconds: number;
  enrollBy?: number;
}

interface Acting {
  user: User;
  session?: SessionState | undefined;
  context?: Data;
}

interface Browser {
  rememberDevice?: boolean;
  deviceLabel?: string;
  deviceToken?: string | readonly string[];
}

interface Administering {
  userId: string;
  actor: string;
  reason: string;
}

/**
 * The flows of release 1, declared by hand, because release 1 no longer changes. {@link present} translates if the present code has
 * another signature.
 */
export interface Flows {
  beginLogin(input: {
    user: User;
    deviceToken?: string | readonly string[];
    loggedInAt?: number;
  }): Promise<{ decision: Decision; session?: SessionState; device?: Grant; pendingToken?: string }>;
  checkAccess(
    input: Acting & { requirement?: { maxAgeSeconds?: number; acceptRememberedDevice?: boolean }; firstFactorProven?: boolean },
  ): Promise<Decision>;
  startEnrollment(input: Acting & { name?: string }): Promise<Answer>;
  currentEnrollment(input: Acting): Promise<Answer>;
  confirmEnrollment(input: Acting & Browser & { enrollmentId: string; code: unknown }): Promise<Answer>;
  cancelEnrollment(input: Acting & { enrollmentId: string }): Promise<Answer>;
  verify(input: Acting & Browser & { code?: unknown; recoveryCode?: unknown }): Promise<Answer>;
  openPendingToken(token: string): Promise<Answer>;
  getStatus(input: { user: User }): Promise<Answer>;
  renameAuthenticator(input: Acting & { authenticatorId: string; name: string }): Promise<Answer>;
  removeAuthenticator(input: Acting & { authenticatorId: string }): Promise<Answer>;
  regenerateRecoveryCodes(input: Acting): Promise<Answer>;
  revokeDevice(input: Acting & { deviceId: string }): Promise<Answer>;
  endAllSessions(input: Acting): Promise<Answer>;
  passwordChanged(input: { userId: string; keep?: SessionState }): Promise<Answer>;
  forgetUser(input: { userId: string }): Promise<Answer>;
  resetMfa(input: Administering): Promise<Answer>;
  clearLockout(input: Administering): Promise<Answer>;
  report(): Promise<Data & { users: number; enrolled: number; unreadable: { count: number } }>;
  rotateKeys(): Promise<Data & { resealed: number; current: number; complete: boolean }>;
  afterRestore(): Promise<Data & { handled: number }>;
}

/** Options that both releases take. */
export interface Options {
  issuer: string;
  keys: readonly { id: string; secret: string }[];
  storage: unknown;
  realm?: string;
  policy?: (user: User) => Data;
  markEnrolled?: (userId: string, enrolled: boolean) => void | Promise<void>;
  rememberDevice?: { days?: number } | false;
  recoveryCodes?: { count?: number; lowAt?: number } | false;
  windowSteps?: 0 | 1;
  revocationDelaySeconds?: number;
  onEvent?: (event: Event) => void;
  notify?: (notice: Event) => void;
  clock?: () => number;
}

export type Event = Data & { name: string; userId: string };

/** One release of the kit. */
export interface Release {
  name: 'release 1' | 'the present code';
  createMfa(options: Options): Flows;
  assuranceClaims(assurance: unknown, firstFactor: readonly string[]): Data;
  assuranceFromClaims(claims: Data): SessionState['assurance'] | null;
  /** Imports an entry, for example `@mfa-kit/core/storage/redis`. */
  load(specifier: string): Promise<Data>;
  express: typeof presentExpress;
}

const oldCore = (await importRelease1('@mfa-kit/core')) as Pick<Release, 'createMfa' | 'assuranceClaims' | 'assuranceFromClaims'>;

export const release1: Release = {
  name: 'release 1',
  createMfa: (options) => oldCore.createMfa(options),
  assuranceClaims: oldCore.assuranceClaims,
  assuranceFromClaims: oldCore.assuranceFromClaims,
  load: async (specifier) => (await importRelease1(specifier)) as Data,
  express: (await importRelease1('@mfa-kit/express')) as typeof presentExpress,
};

export const present: Release = {
  name: 'the present code',
  createMfa: (options) => {
    const flows = presentCore.createMfa(options as never) as unknown as Flows;
    // The tests pass a proof in the fields of release 1.
    const { verify, confirmEnrollment } = flows;
    return {
      ...flows,
      verify: (input) => verify({ ...{ proof: proofOf(input) }, ...input }),
      confirmEnrollment: (input) => confirmEnrollment({ ...{ proof: proofOf(input) }, ...input }),
    };
  },
  assuranceClaims: (assurance, firstFactor) => presentCore.assuranceClaims(assurance as never, firstFactor),
  assuranceFromClaims: (claims) => presentCore.assuranceFromClaims(claims) as SessionState['assurance'] | null,
  load: (specifier) => import(/* @vite-ignore */ specifier) as Promise<Data>,
  express: presentExpress,
};
