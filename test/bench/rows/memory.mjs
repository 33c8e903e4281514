import { fork } from 'node:child_process';
import { ratioOf } from '../measure.mjs';
import { atMost } from './goals.mjs';

const LIBRARIES = ['otplib', 'jose', 'qrcode'];
const KIT = ['@mfa-kit/core'];

/**
 * Heap bytes after a garbage collection, each in a fresh process: after the imports; after users were verified, without their profiles,
 * which belong to the storage; and in the host's session store.
 */
export async function* measureMemory({ rounds, users }) {
  const [kitName, librariesName] = [KIT.join(' + '), LIBRARIES.join(' + ')];
  const [few, many] = ['after 1,000 users', `after ${(users + 1000).toLocaleString('en')} users`];
  const imported = new Map([kitName, librariesName].map((name) => [name, []]));
  const held = new Map([few, many].map((name) => [name, []]));
  const sessions = new Map(['verified', 'pending', 'user and instant alone'].map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const kit = await heapOf({ imports: KIT, users });
    imported.get(kitName).push(kit.imported);
    imported.get(librariesName).push((await heapOf({ imports: LIBRARIES })).imported);
    held.get(few).push(kit.few);
    held.get(many).push(kit.many);
    for (const [name, bytes] of Object.entries(kit.sessions)) sessions.get(name).push((bytes * 10_000) / users);
  }
  yield {
    id: 'memory.import',
    title: 'What the import holds, against that of the libraries alone; bytes of heap',
    costs: imported,
    goals: [atMost('memory.import', ratioOf(imported, kitName, librariesName), 1.15)],
  };
  yield {
    id: 'memory.users',
    title: 'What the kit holds when so many users have enrolled and verified, sessions and profiles not counted; bytes of heap',
    costs: held,
    goals: [atMost('memory.grows-with-users', ratioOf(held, many, few), 1.15)],
  };
  yield { id: 'memory.sessions', title: '10,000 sessions as the host keeps them; bytes of heap', costs: sessions, goals: [] };
}

async function heapOf(given) {
  const child = fork(new URL('./memory-of.mjs', import.meta.url), [JSON.stringify(given)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`memory-of.mjs ended with ${code}`)));
  });
}
