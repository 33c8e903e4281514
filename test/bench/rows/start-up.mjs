import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ratioOf } from '../measure.mjs';
import { atMost } from './goals.mjs';

const run = promisify(execFile);
const LIBRARIES = ['otplib', 'jose', 'qrcode'];

/** Imports, each in a fresh process. The host's framework is loaded before the measurement starts. */
export async function* measureStartUp({ rounds }) {
  for (const { id, before, kit } of [
    { id: 'core', before: [], kit: ['@mfa-kit/core'] },
    { id: 'express', before: ['express', 'passport', 'express-session'], kit: ['@mfa-kit/core', '@mfa-kit/express'] },
    { id: 'nest', before: ['reflect-metadata', '@nestjs/core', '@nestjs/common'], kit: ['@mfa-kit/core', '@mfa-kit/nest'] },
  ]) {
    const sides = [
      { name: kit.join(' + '), imports: kit },
      { name: LIBRARIES.join(' + '), imports: LIBRARIES },
    ];
    const costs = new Map(sides.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const { name, imports } of round % 2 === 0 ? sides : [...sides].reverse())
        costs.get(name).push((await timeImport(before, imports)).took);
    }
    yield {
      id: `start-up.${id}`,
      title: `Import of ${kit.join(' and ')}, against that of the libraries alone; microseconds`,
      costs,
      goals: [atMost(`start-up.${id}`, ratioOf(costs, sides[0].name, sides[1].name), 1.15)],
    };
  }
  const { loaded } = await timeImport([], ['@mfa-kit/core', '@mfa-kit/core/http', '@mfa-kit/express', '@mfa-kit/nest']);
  yield {
    id: 'start-up.qrcode',
    title: 'Files of qrcode that are loaded before a QR code is asked for',
    costs: new Map([['files', [loaded]]]),
    goals: [
      { name: 'start-up.qrcode-files', ratio: { median: loaded, low: loaded, high: loaded }, bound: '<=0', ok: loaded === 0 },
    ],
  };
}

/** How many microseconds the imports take, and how many files of qrcode they load. */
async function timeImport(before, imports) {
  const script = `
    import { createRequire } from 'node:module';
    for (const name of ${JSON.stringify(before)}) await import(name);
    const start = performance.now();
    for (const name of ${JSON.stringify(imports)}) await import(name);
    const took = (performance.now() - start) * 1000;
    const files = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('/qrcode/'));
    console.log(JSON.stringify({ took, loaded: files.length }));`;
  const cwd = new URL('..', import.meta.url);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd });
  return JSON.parse(stdout);
}
