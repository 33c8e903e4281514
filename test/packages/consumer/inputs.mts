// F72: with `exactOptionalPropertyTypes` each optional field also accepts `undefined`.
import type {
  AfterRestoreInput,
  Assurance,
  DeviceInput,
  Mfa,
  MfaOptions,
  MfaPolicy,
  MfaUser,
  PendingSession,
  Requirement,
  RotateKeysInput,
  SetEnrollByInput,
  SupportAction,
  VerifiedSession,
  WalkOptions,
} from '@mfa-kit/core';
import type { HttpOptions, MfaExchange, RequestFlows } from '@mfa-kit/core/http';
import type { StorageConformanceHooks, StorageConformanceOptions } from '@mfa-kit/core/storage/conformance';
import type { dynamodbStorage } from '@mfa-kit/core/storage/dynamodb';
import type { memoryStorage } from '@mfa-kit/core/storage/memory';
import type { mongodbStorage } from '@mfa-kit/core/storage/mongodb';
import type { mysqlStorage } from '@mfa-kit/core/storage/mysql';
import type { postgresStorage } from '@mfa-kit/core/storage/postgres';
import type { prismaStorage } from '@mfa-kit/core/storage/prisma';
import type { redisStorage } from '@mfa-kit/core/storage/redis';
import type { schema, sqlStorage } from '@mfa-kit/core/storage/sql';
import type { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import type { mfaProfileEntity, typeormStorage } from '@mfa-kit/core/storage/typeorm';
import type { ExpressMfaOptions, MessageOverrides, PagesOptions } from '@mfa-kit/express';
import type { CoverageOptions } from '@mfa-kit/express/coverage';
import type { MfaModuleAsyncOptions, MfaModuleExtras, MfaModuleOptions } from '@mfa-kit/nest';

/** Names of the optional fields that do not accept `undefined`. */
type Refusing<Fields> = {
  [Name in keyof Fields]-?: Record<never, never> extends Pick<Fields, Name>
    ? { [Only in Name]: undefined } extends Pick<Fields, Name>
      ? never
      : Name
    : never;
}[keyof Fields];

/** The input of each method, and the nested objects in it. */
type InputOf<Method> = Method extends (...given: infer Given) => unknown ? Extract<Given[0], object> : never;
type FlowInputs<Flows> = { [Name in keyof Flows]-?: Refusing<InputOf<Flows[Name]>> }[keyof Flows];
type Nested<Fields, Name extends keyof Fields> = Refusing<Exclude<Fields[Name], false | undefined>>;
type Second<Factory extends (...given: never[]) => unknown> = Refusing<NonNullable<Parameters<Factory>[1]>>;

type All =
  | Refusing<MfaOptions>
  | Nested<MfaOptions, 'rememberDevice' | 'recoveryCodes'>
  | Refusing<MfaPolicy>
  | Refusing<MfaUser>
  | Refusing<Requirement>
  | Refusing<Assurance>
  | Refusing<PendingSession>
  | Refusing<VerifiedSession>
  | Refusing<SupportAction>
  | Refusing<SetEnrollByInput>
  | Refusing<AfterRestoreInput>
  | Refusing<RotateKeysInput>
  | Refusing<WalkOptions>
  | Refusing<DeviceInput>
  | FlowInputs<Mfa>
  | FlowInputs<RequestFlows>
  | Refusing<HttpOptions>
  | Nested<HttpOptions, 'deviceCookie'>
  | Refusing<PagesOptions<unknown>>
  | Refusing<MessageOverrides>
  | Nested<MessageOverrides, 'challenge' | 'enroll' | 'code'>
  | Refusing<MfaExchange>
  | Refusing<CoverageOptions>
  | Refusing<ExpressMfaOptions>
  | Refusing<MfaModuleOptions>
  | Refusing<MfaModuleExtras>
  | Refusing<MfaModuleAsyncOptions>
  | Refusing<StorageConformanceOptions>
  | Refusing<StorageConformanceHooks>
  | Refusing<NonNullable<Parameters<typeof memoryStorage>[0]>>
  | Second<typeof dynamodbStorage>
  | Second<typeof mongodbStorage>
  | Second<typeof mysqlStorage>
  | Second<typeof postgresStorage>
  | Second<typeof prismaStorage>
  | Second<typeof redisStorage>
  | Refusing<Parameters<typeof sqlStorage>[0]>
  | Second<typeof schema>
  | Second<typeof sqliteStorage>
  | Second<typeof mfaProfileEntity>
  | Second<typeof typeormStorage>;

declare const all: All;
// A name in an error here does not accept `undefined`.
export const refusing: never = all;
// The type above finds a seeded one.
export const finds: Refusing<{ refuses?: string; takes?: string | undefined; needed: string }> = 'refuses';
