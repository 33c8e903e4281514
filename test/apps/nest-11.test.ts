import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { manifestOf, packageNames, root } from '../house/sources.js';
import { packAll, removeFolder, run, unpack } from '../packages/pack.js';
import { ROUNDS } from '../support/proof.js';
import { describeWith, reportMissing } from '../support/requires.js';

const source = path.join(root, 'test/apps/nest-11');
/** How many random applications of each platform `npm run prove coverage` checks. */
const runs = Number(process.env.COVERAGE_RUNS ?? (ROUNDS === 2 ? 0 : 50 * ROUNDS));
const installed = path.join(source, 'node_modules');
const ready = existsSync(path.join(installed, '.package-lock.json'))
  ? installed
  : reportMissing('the packages of test/apps/nest-11 are missing: npm ci --prefix test/apps/nest-11');

describeWith(ready, 'a NestJS 11 application in CommonJS, with TypeORM, @nestjs/passport and Jest', (modules) => {
  let work: string;
  let app: string;
  let started: ChildProcess | undefined;

  beforeAll(() => {
    work = mkdtempSync(path.join(tmpdir(), 'mfa-kit-nest-11-'));
    app = path.join(work, 'app');
    mkdirSync(path.join(app, 'node_modules'), { recursive: true });
    cpSync(source, app, { recursive: true, filter: (file) => !/[/\\](node_modules|dist|fuzz)$/.test(file) });
    for (const name of packagesIn(modules)) link(path.join(modules, name), name);
    unpack(
      packAll(work).filter(({ name }) => name !== '@mfa-kit/express'),
      app,
    );
    // The packages that the kit itself installs.
    const wanted = packageNames.flatMap((name) => Object.keys(manifestOf(name).dependencies ?? {}));
    for (const name of new Set(wanted)) {
      if (!existsSync(path.join(app, 'node_modules', name))) link(path.join(root, 'node_modules', name), name);
    }
  }, 300_000);

  afterAll(() => {
    started?.kill();
    if (work) removeFolder(work);
  });

  function link(target: string, name: string): void {
    const place = path.join(app, 'node_modules', name);
    mkdirSync(path.dirname(place), { recursive: true });
    symlinkSync(target, place);
  }

  it('builds with types that are resolved as in CommonJS', () => {
    run('node', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], app);
    expect(readdirSync(path.join(app, 'dist'))).toContain('main.js');
  }, 120_000);

  it('passes its own tests under Jest', () => {
    const output = run('node', ['node_modules/jest/bin/jest.js', '--ci', '--json', '--silent'], app);
    expect(JSON.parse(output)).toMatchObject({ success: true, numPassedTests: 11, numFailedTests: 0 });
  }, 300_000);

  it('loads nothing of the coverage report with the main entry', () => {
    const hooks = `import { writeSync } from 'node:fs';
      export const load = (url, context, next) => (writeSync(1, url + '\\n'), next(url, context));`;
    const filesOf = (entry: string): string[] => {
      const script = `import { register } from 'node:module';
        register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
        await import('reflect-metadata');
        await import('${entry}');`;
      return run('node', ['--input-type=module', '-e', script], app).split('\n');
    };
    const ofReport = (entry: string): string[] =>
      filesOf(entry).filter(
        (file) => file.includes('@mfa-kit') && readFileSync(fileURLToPath(file), 'utf8').includes('mfaCoverage('),
      );
    expect(ofReport('@mfa-kit/nest/coverage').length).toBeGreaterThan(0);
    expect(filesOf('@mfa-kit/nest').length).toBeGreaterThan(20);
    expect(ofReport('@mfa-kit/nest')).toEqual([]);
  });

  it.runIf(runs > 0)(
    'T31: nothing that a request without a login reaches is guarded or without a row, in random applications',
    () => {
      for (const file of [path.join(source, 'fuzz/coverage.ts'), path.join(root, 'test/nest/coverage-applications.ts')]) {
        cpSync(file, path.join(app, 'src', path.basename(file)));
      }
      run('node', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], app);
      const totals = run('node', ['dist/coverage.js', String(runs)], app)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<'answered' | 'guarded' | 'verdicts' | 'needless', number>);
      console.log(totals);
      expect(totals).toHaveLength(2);
      for (const { answered, guarded, verdicts, needless } of totals) {
        expect(Math.min(answered, guarded, verdicts)).toBeGreaterThan(0);
        expect(needless / verdicts).toBeLessThanOrEqual(0.01);
      }
    },
    60_000 + runs * 2000,
  );

  it('starts and refuses', async () => {
    const env = { ...process.env, PORT: '0', MFA_KEY: randomBytes(32).toString('base64') };
    const server = spawn('node', ['dist/main.js'], { cwd: app, env, stdio: ['ignore', 'pipe', 'inherit'] });
    started = server;
    const origin = await new Promise<string>((resolve, reject) => {
      server.stdout.once('data', (text: Buffer) => resolve(String(text).trim()));
      server.once('exit', (code) => reject(new Error(`ended with ${String(code)}`)));
    });
    const refused = await fetch(`${origin}/cases`);
    expect([refused.status, await refused.json()]).toMatchObject([401, { reason: 'login_again' }]);
    expect((await fetch(`${origin}/mfa/assets/page.css`)).status).toBe(200);
  }, 120_000);
});

function packagesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) =>
    name.startsWith('@') ? readdirSync(path.join(folder, name)).map((one) => `${name}/${one}`) : name,
  );
}
