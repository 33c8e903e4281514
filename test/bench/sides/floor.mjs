import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { schema } from '@mfa-kit/core/storage/sql';
import { generateSync } from '@otplib/hotp';
import { crypto as otplibCrypto } from '@otplib/plugin-crypto-node';
import { jwtVerify, SignJWT } from 'jose';
import { codeAt, hotp } from './authenticator-app.mjs';

const KEY = randomBytes(32);
const STEP = 30_000;

/**
 * The lowest possible cost of the same work: the same prepared statements on the same table, with a value of the same length (2,000
 * characters for an authenticator, its recovery codes and a device), and raw `node:crypto`. It has no queue, deadlines, policy, events,
 * budgets or error handling. `withLibraries` uses otplib for codes and jose for tokens, as the kit does.
 */
export async function createFloor({ pool, count, table = 'floor_profiles', padding = 700, withLibraries = false }) {
  const { hotp, sign, check } = withLibraries ? await byLibraries() : BY_HAND;
  await pool.query(schema('postgres', { table }));
  const people = [];
  for (let index = 0; index < count; index++) {
    const secret = randomBytes(20);
    people.push({ id: `user-${index}`, secret });
    const version = mint();
    const value = seal({ secret: secret.toString('base64'), padding: randomBytes(padding).toString('hex') }, version);
    await pool.query(`INSERT INTO ${table} VALUES ($1, $2, $3)`, [`user-${index}`, version, value]);
  }
  await pool.query(`CREATE TABLE ${table}_before AS SELECT * FROM ${table}`);
  const restore = () => pool.query(`TRUNCATE ${table}; INSERT INTO ${table} SELECT * FROM ${table}_before`);

  async function read(userId) {
    const text = `SELECT version, value FROM ${table} WHERE user_id = $1`;
    const { rows } = await pool.query({ name: `floor_read_${table}`, text, values: [userId] });
    return { version: rows[0].version, profile: open(rows[0].value, rows[0].version) };
  }

  async function write(userId, expected, profile) {
    const version = mint();
    const text = `UPDATE ${table} SET version = $1, value = $2, updated_at = CURRENT_TIMESTAMP WHERE user_id = $3 AND version = $4`;
    const values = [version, seal(profile, version), userId, expected];
    const { rowCount } = await pool.query({ name: `floor_update_${table}`, text, values });
    if (rowCount !== 1) throw new Error('the floor lost a race');
  }

  function verifying(name, { code, insertSession }) {
    let codes = [];
    return {
      name,
      async prepare(batch = count) {
        await restore();
        codes = people.slice(0, batch).map((person) => code(person));
      },
      async run(index) {
        const { id } = people[index % count];
        const { version, profile } = await read(id);
        const matched = matches(hotp, Buffer.from(profile.secret, 'base64'), codes[index % count]);
        const written = write(id, version, { ...profile, used: Date.now() });
        if (matched) await sign(id);
        await written;
        if (insertSession) await insertSession(id);
      },
    };
  }

  const right = ({ secret }) => codeAt(secret, Date.now());

  return {
    verify: (name, insertSession) => verifying(name, { code: right, insertSession }),
    verifyWrong: (name) => verifying(name, { code: () => 'xxxxxx' }),
    enroll: (name) => ({
      name,
      prepare: restore,
      async run(index) {
        const { id } = people[index % count];
        const started = await read(id);
        const secret = randomBytes(20);
        await write(id, started.version, { ...started.profile, secret: secret.toString('base64') });
        const confirmed = await read(id);
        matches(hotp, Buffer.from(confirmed.profile.secret, 'base64'), codeAt(secret, Date.now()));
        for (let code = 0; code < 10; code++) createHmac('sha256', KEY).update(randomBytes(15)).digest();
        await write(id, confirmed.version, confirmed.profile);
      },
    }),
    rememberedLogin: (name) => ({
      name,
      prepare: restore,
      async run(index) {
        const { id } = people[index % count];
        const [{ version, profile }] = await Promise.all([read(id), check(id)]);
        await Promise.all([write(id, version, { ...profile, used: Date.now() }), sign(id)]);
      },
    }),
  };
}

/** Compares the code with those of three time steps. */
function matches(hotp, secret, code) {
  const now = Math.floor(Date.now() / STEP);
  let matched = false;
  for (let step = now - 1; step <= now + 1; step++) {
    if (timingSafeEqual(Buffer.from(hotp(secret, step)), Buffer.from(code))) matched = true;
  }
  return matched;
}

function sign(id) {
  return createHmac('sha256', KEY).update(`{"sub":"${id}"}`).digest('base64url');
}

const BY_HAND = { hotp, sign, check: sign };

/** The same with the libraries that the kit uses. It always checks the same token. */
async function byLibraries() {
  const key = await crypto.subtle.importKey('raw', KEY, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  const sign = (id) => new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject(id).setExpirationTime('90d').sign(key);
  const token = await sign('user');
  return {
    hotp: (secret, counter) => generateSync({ secret, counter, crypto: otplibCrypto }),
    sign,
    check: () => jwtVerify(token, key),
  };
}

export function mint() {
  return randomBytes(16).toString('base64url');
}

export function seal(profile, version) {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, iv);
  cipher.setAAD(Buffer.from(version));
  const sealed = Buffer.concat([iv, cipher.update(JSON.stringify(profile)), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64url');
}

export function open(value, version) {
  const bytes = Buffer.from(value, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', KEY, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(version));
  decipher.setAuthTag(bytes.subarray(-16));
  return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString());
}
