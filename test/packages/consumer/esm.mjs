// Runs in a consumer's folder: every entry can be imported from ESM, and a login works.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createMfa, MfaError } from '@mfa-kit/core';
import * as http from '@mfa-kit/core/http';
import * as conformance from '@mfa-kit/core/storage/conformance';
import * as dynamodb from '@mfa-kit/core/storage/dynamodb';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import * as mongodb from '@mfa-kit/core/storage/mongodb';
import * as mysql from '@mfa-kit/core/storage/mysql';
import * as postgres from '@mfa-kit/core/storage/postgres';
import * as prisma from '@mfa-kit/core/storage/prisma';
import * as redis from '@mfa-kit/core/storage/redis';
import * as sql from '@mfa-kit/core/storage/sql';
import * as sqlite from '@mfa-kit/core/storage/sqlite';
import * as typeorm from '@mfa-kit/core/storage/typeorm';
import * as testing from '@mfa-kit/core/testing';
import { expressMfa } from '@mfa-kit/express';
import * as nest from '@mfa-kit/nest';

for (const entry of [http, conformance, dynamodb, mongodb, mysql, postgres, prisma, redis, sql, sqlite, typeorm, testing, nest])
  assert.notEqual(Object.keys(entry).length, 0);
assert.throws(() => createMfa({}), MfaError);

const mfa = createMfa({
  issuer: 'Acme',
  keys: [{ id: '1', secret: randomBytes(32) }],
  storage: memoryStorage(),
});
const login = await mfa.beginLogin({ user: { id: 'u1', name: 'ada' } });
assert.equal(login.decision.access, 'enroll');
assert.equal(typeof expressMfa(mfa, { user: () => null, loginUrl: '/login' }).requireMfa(), 'function');
console.log('esm works');
