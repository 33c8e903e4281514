/** Runs in its own process: one request, from the first line to the answer. Nothing is imported before the measurement starts. */
const start = performance.now();
const { side, url, user, verified, pending, code, plain } = JSON.parse(process.argv[2]);
const { createClient } = await import('@libsql/client');
if (side === 'libraries') await checkByLibraries();
else await checkByKit();
console.log(Math.round((performance.now() - start) * 1000));
process.exit();

async function checkByKit() {
  const { createMfa } = await import('@mfa-kit/core');
  const { sqliteStorage } = await import('@mfa-kit/core/storage/sqlite');
  const { KEY } = await import('../key.mjs');
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: sqliteStorage(createClient({ url })) });
  if (side === 'guard') {
    const decision = await mfa.checkAccess({ user, session: verified });
    if (decision.access !== 'allow') throw new Error(`guard: ${decision.access}`);
    return;
  }
  const answer = await mfa.verify({ user, session: pending, proof: { kind: 'totp', code } });
  if (!answer.ok) throw new Error(`verify: ${answer.reason}`);
}

/** The libraries and the statements alone, without policy, limits, encryption or used codes. */
async function checkByLibraries() {
  const [{ generateSync, verifySync }, { jwtVerify }] = [await import('otplib'), await import('jose')];
  await import('qrcode');
  const client = createClient({ url });
  const read = { sql: 'SELECT version, value FROM mfa_profiles WHERE user_id = ?', args: [user.id] };
  const { rows } = await client.execute(read);
  const token = generateSync({ secret: plain.secret });
  if (!verifySync({ secret: plain.secret, token, epochTolerance: 30 }).valid) throw new Error('otplib refused its own code');
  await jwtVerify(plain.token, new TextEncoder().encode(plain.key), { algorithms: ['HS256'] });
  const write = { sql: 'UPDATE mfa_profiles SET updated_at = ? WHERE user_id = ?', args: [rows[0].version, user.id] };
  await client.execute(write);
}
