import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { filesUnder, root } from '../house/sources.js';
import { compileAll, removeFolder, run } from './pack.js';

const PACKAGES = ['core', 'express'] as const;

/** Where Node finds the dependencies of the repository. */
let work: string;
/** The running build, and others whose shared modules export one to six additional names, so that minified names differ. */
let first: string;
let others: string[];
let host: ChildProcess | undefined;

beforeAll(() => {
  work = mkdtempSync(path.join(root, 'node_modules/.mfa-kit-replaced-'));
  compileAll();
  first = build('first', 0);
  others = [1, 2, 3, 6].map((more) => build(`more-${more}`, more));
}, 120_000);
afterEach(() => {
  host?.disconnect();
  host = undefined;
});
afterAll(() => {
  if (work) removeFolder(work);
});

describe('F16: a build that is replaced under a running process', () => {
  it('has no lazily loaded file with a name that the running build uses for other content', () => {
    for (const name of PACKAGES) {
      for (const other of others) {
        const [before, after] = [chunksOf(first, name), chunksOf(other, name)];
        const common = [...before.keys()].filter((file) => after.has(file));
        for (const file of common) expect(after.get(file), file).toBe(before.get(file));
      }
    }
    const changed = others.map((other) =>
      [...chunksOf(other, 'core').keys()].filter((file) => !chunksOf(first, 'core').has(file)),
    );
    for (const files of changed) expect(files.length).toBeGreaterThan(0);
  });

  it('has chunks that import only chunks and dependencies, because entries have the same name in each build', () => {
    for (const name of PACKAGES) {
      for (const [file, code] of chunksOf(first, name)) {
        const imported = [...code.matchAll(/(?:from|import) ?\(?"([^"]+)"/g)].map(([, specifier = '']) => specifier);
        const relative = imported.filter((specifier) => specifier.startsWith('.'));
        expect(
          relative.filter((specifier) => !/^\.\/[\w-]+\.js$/.test(specifier)),
          file,
        ).toEqual([]);
      }
    }
  });

  it.each([
    ['another build', () => others],
    ['no lazy file', () => [undefined]],
  ])(
    'still ends access after it is replaced by %s',
    async (_name, builds) => {
      for (const other of builds()) await endsAccess(other);
    },
    60_000,
  );

  it('answers an API client, but the first page of such a process is an error because its file is gone', async () => {
    const { get, post, replaceBy } = await startHost();
    const { deviceId } = (await post('/enroll?user=ada')).body;
    replaceBy(undefined);
    expect((await get('/mfa?user=ada', { accept: 'text/html' })).body).toEqual({ threw: 'ERR_MODULE_NOT_FOUND' });
    expect((await get('/mfa?user=ada')).body.devices).toMatchObject([{ id: deviceId }]);
  });
});

/** Every call that ends access, in a process that has called none of them before its build was replaced. */
async function endsAccess(other: string | undefined): Promise<void> {
  const { get, post, replaceBy } = await startHost();
  const calls = [
    { call: 'passwordChanged', event: 'sessions_ended', guarded: 401 },
    { call: 'forgetUser', event: 'user_forgotten', guarded: 401 },
    { call: 'resetMfa', event: 'mfa_reset', guarded: 401 },
    { call: 'clearLockout', event: 'lockout_cleared', guarded: 200 },
    { call: 'endAllSessions', event: 'sessions_ended', guarded: 401 },
    { call: 'revokeDevice', event: 'device_revoked' },
    { call: 'removeAuthenticator', event: 'authenticator_removed', guarded: 401 },
    { call: 'passwordChanged of the request', event: 'sessions_ended', guarded: 401 },
    { call: 'endAllSessions of the request', event: 'sessions_ended', guarded: 401 },
    { path: '/mfa/sessions/end', event: 'sessions_ended' },
    // The session came from this device, so it ends with it.
    { path: '/mfa/devices/revoke', event: 'device_revoked', answers: 200, guarded: 401 },
    { path: '/mfa/authenticators/remove', event: 'authenticator_removed' },
    { call: 'afterRestore', event: 'restore_handled', guarded: 401 },
  ].map((one, index) => ({ ...one, user: `user-${index}` }));
  const ids = new Map<string, { deviceId: string; authenticatorId: string }>();
  for (const { user } of calls) ids.set(user, (await post(`/enroll?user=${user}`, { user })).body);
  replaceBy(other);

  for (const { user, call, path: endpoint, event, answers = 204, guarded } of calls) {
    const { deviceId = '', authenticatorId = '' } = ids.get(user) ?? {};
    const id = event === 'device_revoked' ? deviceId : authenticatorId;
    const said = `${call ?? endpoint} over ${other}`;
    expect((await get(`/guarded?user=${user}`, { user })).status, said).toBe(200);
    if (endpoint) {
      expect((await post(`${endpoint}?user=${user}`, { user, json: { id } })).status, said).toBe(answers);
    } else {
      const { body } = await post(`/call?user=${user}&call=${call}&id=${id}`, { user });
      if (call !== 'afterRestore') expect(body, said).toMatchObject({ ok: true });
    }
    expect((await get('/events')).body, said).toContain(`${user} ${event}`);
    if (guarded) expect((await get(`/guarded?user=${user}`, { user })).status, said).toBe(guarded);
    // The written record can be opened.
    expect((await get(`/status?user=${user}`)).body, said).toMatchObject({ ok: true });
  }
}

/** A process of a host with the first build. `replaceBy` installs another build; undefined removes the lazily loaded files. */
async function startHost() {
  const app = mkdtempSync(path.join(work, 'app-'));
  const installed = path.join(app, 'node_modules/@mfa-kit');
  cpSync(first, installed, { recursive: true });
  copyFileSync(path.join(import.meta.dirname, 'replaced-build/host.mjs'), path.join(app, 'host.mjs'));
  host = fork(path.join(app, 'host.mjs'), { cwd: app, execArgv: [] });
  const ended = once(host, 'exit').then(() => Promise.reject(new Error('The host did not start.')));
  const [port] = (await Promise.race([once(host, 'message'), ended])) as [number];
  ended.catch(() => undefined);
  const cookies = new Map<string, string>();

  const request = async (method: string, url: string, given: { user?: string; json?: object; accept?: string }) => {
    const user = given.user ?? new URL(url, 'http://localhost').searchParams.get('user') ?? '';
    const response = await fetch(`http://127.0.0.1:${port}${url}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: given.accept ?? 'application/json',
        cookie: cookies.get(user) ?? '',
        'sec-fetch-site': 'same-origin',
        ...(given.json && { 'content-type': 'application/json' }),
      },
      ...(given.json && { body: JSON.stringify(given.json) }),
    });
    const [cookie] = response.headers.getSetCookie().filter((one) => one.startsWith('connect.sid='));
    if (cookie) cookies.set(user, cookie.split(';')[0] ?? '');
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  };
  return {
    get: (url: string, given: { user?: string; accept?: string } = {}) => request('GET', url, given),
    post: (url: string, given: { user?: string; json?: object } = {}) => request('POST', url, given),
    replaceBy(other: string | undefined) {
      if (other === undefined) {
        for (const name of PACKAGES) rmSync(path.join(installed, name, 'dist/chunks'), { recursive: true, force: true });
        return;
      }
      // As npm does: removes the old folder and puts the new one in its place.
      renameSync(installed, path.join(app, 'old'));
      rmSync(path.join(app, 'old'), { recursive: true });
      cpSync(other, installed, { recursive: true });
    },
  };
}

/** Bundles the compiled modules, with so many additional exports in shared ones, and returns the folder of the packages. */
function build(name: string, more: number): string {
  const folder = path.join(work, name);
  mkdirSync(folder);
  copyFileSync(path.join(root, 'packages/bundle.mjs'), path.join(folder, 'bundle.mjs'));
  for (const one of PACKAGES) {
    const from = path.join(root, 'packages', one);
    cpSync(path.join(from, 'build'), path.join(folder, one, 'build'), { recursive: true });
    copyFileSync(path.join(from, 'package.json'), path.join(folder, one, 'package.json'));
  }
  if (more > 0) changeCore(path.join(folder, 'core/build'), more);
  run('node', ['bundle.mjs'], folder);
  const packages = path.join(work, `${name}-packed`);
  for (const one of PACKAGES) {
    cpSync(path.join(folder, one, 'dist'), path.join(packages, one, 'dist'), { recursive: true });
    copyFileSync(path.join(folder, one, 'package.json'), path.join(packages, one, 'package.json'));
  }
  return packages;
}

/** A later release: shared modules export more, and flows, policy, pages and storage use it. */
function changeCore(folder: string, more: number): void {
  const names = Array.from({ length: more }, (_, index) => `aAdded${index}`);
  for (const shared of ['errors.js', 'profile/profile.js', 'html/html.js']) {
    const file = path.join(folder, shared);
    writeFileSync(
      file,
      `${names.map((name) => `export const ${name} = () => '${name} of ${shared}';`).join('\n')}\n${readFileSync(file, 'utf8')}`,
    );
  }
  const uses = (folders: string[], shared: string) => {
    for (const one of folders) {
      for (const user of readdirSync(path.join(folder, one)).filter((file) => file.endsWith('.js'))) {
        const file = path.join(folder, one, user);
        if (path.relative(folder, file) === shared) continue;
        const up = path.relative(path.dirname(file), path.join(folder, shared));
        const specifier = up.startsWith('.') ? up : `./${up}`;
        const code = readFileSync(file, 'utf8');
        const used = names.map((name) => `globalThis.used = ${name}();`).join('\n');
        writeFileSync(file, `import { ${names.join(', ')} } from '${specifier}';\n${code}\n${used}\n`);
      }
    }
  };
  uses(['flows', 'http'], 'profile/profile.js');
  uses(['pages'], 'html/html.js');
  uses(['storage', 'tokens'], 'errors.js');
}

function chunksOf(packages: string, name: string): Map<string, string> {
  const dist = path.join(packages, name, 'dist');
  const files = filesUnder(dist).filter((file) => file.startsWith('chunks/') && file.endsWith('.js'));
  return new Map(files.map((file) => [file, readFileSync(path.join(dist, file), 'utf8')]));
}
