import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient } from '@libsql/client';
import { createMfa } from '@mfa-kit/core';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import { verifiedSession } from '@mfa-kit/core/testing';
import { SignJWT } from 'jose';
import { KEY } from '../key.mjs';

const run = promisify(execFile);
const HOUR = 3_600_000;

/**
 * The first request of a fresh process, as a serverless platform starts one: everything is imported, opened and called for the first
 * time, on a SQLite file. Both sides load the database's client, read one row, and write it.
 */
export async function* measureColdStart({ rounds }) {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-bench-'));
  const url = `file:${join(folder, 'profiles.sqlite')}`;
  try {
    const people = await enroll(url, rounds);
    const plain = await plainProof();
    const sides = ['guard', 'verify', 'libraries'];
    const costs = new Map(sides.map((side) => [TITLES[side], []]));
    for (let round = 0; round < rounds; round++) {
      const { authenticator, ...person } = people[round];
      for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
        const given = { side, url, ...person, proof: { kind: 'totp', code: authenticator.code(Date.now()) }, plain };
        costs.get(TITLES[side]).push(await firstRequest(given));
      }
    }
    yield {
      id: 'cold-start',
      title: 'First request of a fresh process on SQLite, imports and all; microseconds from the first line of the program',
      costs,
      goals: [],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const TITLES = {
  guard: 'mfa-kit: import, createMfa, checkAccess with one read',
  verify: 'mfa-kit: import, createMfa, verify with one read and one write',
  libraries: 'otplib + jose + qrcode: import, one code and one token checked, one read and one write',
};

/** An hour ago, so that the current code is not used yet. */
async function enroll(url, count) {
  const client = createClient({ url });
  const storage = sqliteStorage(client);
  await storage.createTable();
  const given = { issuer: 'Acme', keys: [KEY], storage };
  const past = createMfa({ ...given, clock: () => Date.now() - HOUR });
  const now = createMfa(given);
  const people = [];
  for (let number = 0; number < count; number++) {
    const user = { id: `user-${number}`, name: `user-${number}@example.com` };
    const { session: verified, authenticator } = await verifiedSession(past, user);
    const { session: pending } = await now.beginLogin({ user });
    people.push({ user, verified, pending, authenticator });
  }
  client.close();
  return people;
}

/** The checks of the libraries alone. */
async function plainProof() {
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  const key = 'a key of the host with more than 32 characters';
  const token = await new SignJWT({ sub: 'user-0' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(key));
  return { secret, key, token };
}

async function firstRequest(given) {
  const program = fileURLToPath(new URL('./first-request.mjs', import.meta.url));
  const { stdout } = await run(process.execPath, [program, JSON.stringify(given)]);
  return Number(stdout);
}
