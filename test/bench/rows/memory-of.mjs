/** Runs in its own process: prints how much the heap has grown since before the imports. */
import { KEY } from '../key.mjs';

const { imports, users } = JSON.parse(process.argv[2]);
const empty = await heap();
for (const name of imports) await import(name);
const imported = (await heap()) - empty;
answer({ imported, ...(users === undefined ? {} : await withUsers()) });

async function withUsers() {
  const { createMfa } = await import('@mfa-kit/core');
  const { memoryStorage } = await import('@mfa-kit/core/storage/memory');
  const { verifiedSession } = await import('@mfa-kit/core/testing');
  // Profiles belong to the storage, so drop them before the heap is measured.
  let kept = memoryStorage({ losesAllDataOnRestart: true });
  const storage = {
    ...kept,
    read: (id) => kept.read(id),
    write: (id, next, expected) => kept.write(id, next, expected),
  };
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage });
  const verify = async (number) => {
    const user = { id: `user-${number}`, name: `user-${number}@example.com` };
    const { session } = await verifiedSession(mfa, user);
    const { session: pending } = await mfa.beginLogin({ user });
    return { user, session, pending };
  };
  const held = async () => {
    kept = memoryStorage({ losesAllDataOnRestart: true });
    return heap();
  };
  // Do not count what V8 compiles during the first calls.
  for (let number = 0; number < 1000; number++) await verify(`first-${number}`);
  const few = (await held()) - empty;
  let texts = [];
  for (let number = 0; number < users; number++) {
    const { user, session, pending } = await verify(number);
    texts.push(JSON.stringify(session), JSON.stringify(pending), JSON.stringify({ userId: user.id, verifiedAt: Date.now() }));
  }
  const verified = texts.filter((_, index) => index % 3 === 0);
  const open = texts.filter((_, index) => index % 3 === 1);
  const least = texts.filter((_, index) => index % 3 === 2);
  const sessions = {
    verified: await bytesOf(verified),
    pending: await bytesOf(open),
    'user and instant alone': await bytesOf(least),
  };
  texts = [];
  verified.length = open.length = least.length = 0;
  const many = (await held()) - empty;
  return { few, many, sessions };
}

/** A separate copy of each session, as a store in memory keeps them. */
async function bytesOf(texts) {
  const start = await heap();
  const sessions = texts.map((text) => JSON.parse(text));
  const bytes = (await heap()) - start;
  if (sessions.length !== texts.length) throw new Error('sessions were lost');
  return bytes;
}

async function heap() {
  for (let times = 0; times < 3; times++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed;
}

function answer(heaps) {
  process.send(heaps, () => process.exit());
}
