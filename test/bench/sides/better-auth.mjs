import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { twoFactor } from 'better-auth/plugins';
import { codeAt, secretOf } from './authenticator-app.mjs';

const PASSWORD = 'a password that is never hashed here';

/**
 * better-auth with its two-factor plugin on one pool: `count` users with it enabled, and as many without. Password hashing is replaced
 * by a constant, because our side has none. `tuned` holds options that make it faster and are not its defaults; `clear` then drops its
 * sessions and challenges.
 */
export async function createBetterAuth({ pool, count, tuned = {}, clear = () => pool.query('TRUNCATE session, verification') }) {
  const options = {
    appName: 'Acme',
    baseURL: 'http://localhost:3000',
    secret: 'a secret of more than 32 characters, for the bench only',
    database: pool,
    emailAndPassword: {
      enabled: true,
      autoSignIn: true,
      password: { hash: async () => 'constant', verify: async () => true },
    },
    plugins: [twoFactor()],
    telemetry: { enabled: false },
    logger: { disabled: true },
    ...tuned,
  };
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  const { api } = betterAuth(options);

  const emails = (prefix) => Array.from({ length: count }, (_, index) => `${prefix}-${index}@example.com`);
  const enrolled = emails('enrolled');
  const plain = emails('plain');
  const newcomers = emails('newcomer');
  await inTens([...enrolled, ...plain, ...newcomers], (email) =>
    api.signUpEmail({ body: { email, password: PASSWORD, name: email }, headers: new Headers() }),
  );
  const secrets = new Map();
  await inTens(enrolled, async (email) => secrets.set(email, await enable(await signIn(email))));

  async function signIn(email, jar = new Map()) {
    const signed = await api.signInEmail({
      body: { email, password: PASSWORD },
      headers: cookieHeader(jar),
      returnHeaders: true,
    });
    return keepCookies(jar, signed.headers);
  }

  async function enable(jar) {
    const { totpURI } = await api.enableTwoFactor({ body: { password: PASSWORD }, headers: cookieHeader(jar) });
    const secret = secretOf(new URL(totpURI).searchParams.get('secret'));
    await api.verifyTOTP({ body: { code: codeOf(secret) }, headers: cookieHeader(jar) });
    return secret;
  }

  function verifying(name, { code, ok }) {
    let headers = [];
    return {
      name,
      async prepare(batch = count) {
        await clear();
        headers = await inTens(enrolled.slice(0, batch), async (email) => cookieHeader(await signIn(email)));
      },
      async run(index) {
        const email = enrolled[index % count];
        const body = { code: code(secrets.get(email)), trustDevice: true };
        const verified = await api
          .verifyTOTP({ body, headers: headers[index % count], returnHeaders: true })
          .catch((error) => error);
        if (verified instanceof Error === ok) throw new Error(`better-auth: ${verified.message ?? 'accepted'}`);
      },
    };
  }

  return {
    verify: (name) => verifying(name, { code: codeOf, ok: true }),
    verifyWrong: (name) => {
      const side = verifying(name, { code: () => 'xxxxxx', ok: false });
      // It counts failures in the row of the factor, and locks the account after ten in a row.
      const reset = () => pool.query('UPDATE "twoFactor" SET "failedVerificationCount" = 0, "lockedUntil" = NULL');
      return {
        ...side,
        async prepare(batch) {
          await reset();
          await side.prepare(batch);
        },
      };
    },
    enroll(name) {
      let jars = [];
      return {
        name,
        async prepare(batch = count) {
          await clear();
          await pool.query(
            `DELETE FROM "twoFactor" WHERE "userId" IN (SELECT id FROM "user" WHERE email LIKE 'newcomer-%');
             UPDATE "user" SET "twoFactorEnabled" = false WHERE email LIKE 'newcomer-%'`,
          );
          jars = await inTens(newcomers.slice(0, batch), (email) => signIn(email));
        },
        run: (index) => enable(jars[index % count]),
      };
    },
    /** A whole sign-in, without a second factor or with a remembered device. The difference is the cost of the second factor. */
    plainSignIn: (name) => ({ name, prepare: clear, run: (index) => signIn(plain[index % count]) }),
    rememberedSignIn(name) {
      let jars = [];
      return {
        name,
        async prepare(batch = count) {
          await clear();
          jars = await inTens(enrolled.slice(0, batch), async (email) => {
            const jar = await signIn(email);
            const body = { code: codeOf(secrets.get(email)), trustDevice: true };
            const { headers } = await api.verifyTOTP({ body, headers: cookieHeader(jar), returnHeaders: true });
            const all = keepCookies(jar, headers);
            return new Map([...all].filter(([cookie]) => cookie.includes('trust_device')));
          });
        },
        async run(index) {
          const jar = await signIn(enrolled[index % count], new Map(jars[index % count]));
          if (![...jar.keys()].some((cookie) => cookie.includes('session_token')))
            throw new Error('better-auth asked for a code');
        },
      };
    },
  };
}

function codeOf(secret) {
  return codeAt(secret, Date.now());
}

function cookieHeader(jar) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  return new Headers(cookie === '' ? {} : { cookie });
}

function keepCookies(jar, headers) {
  for (const line of headers.getSetCookie()) {
    const [pair, ...attributes] = line.split('; ');
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    if (value === '' || attributes.some((attribute) => /^max-age=0$/i.test(attribute))) jar.delete(name);
    else jar.set(name, value);
  }
  return jar;
}

async function inTens(items, make) {
  const made = [];
  for (let from = 0; from < items.length; from += 10) made.push(...(await Promise.all(items.slice(from, from + 10).map(make))));
  return made;
}
