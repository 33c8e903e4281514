import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { shared } from './vitest.shared.js';

const { include = [], globalSetup, reporters, maxWorkers, sequence, ...settings } = shared.test ?? {};

/** Folders whose files close what they open. */
const SHARING = [
  'contract',
  'express',
  'faults',
  'fuzz',
  'house',
  'journeys',
  'model',
  'nest',
  'races',
  'storage',
  'unit',
  'upgrade',
  'vectors',
];
const files = SHARING.flatMap((folder) => {
  const names = readdirSync(`test/${folder}`, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => `test/${folder}/${name}`);
});

/** What a file does that listens to its whole process or changes it: in a shared worker it would hear, or disturb, the files beside it. */
const TOUCHES_THE_PROCESS =
  /process\.(on|once|listeners|emitWarning)\b|watchWarnings|useFakeTimers|setSystemTime|stubEnv|stubGlobal|spyOn\((process|console|globalThis|crypto|Math|Date)\b|from 'passport'/;
const apart = files.filter((file) => TOUCHES_THE_PROCESS.test(readFileSync(file, 'utf8')));
/** A worker loads the sources and the frameworks once for all of these, which takes longer than many of the files themselves. */
const together = files.filter((file) => !apart.includes(file));

export default defineConfig({
  ...shared,
  test: {
    globalSetup,
    reporters,
    maxWorkers,
    sequence,
    projects: [
      { ...shared, test: { ...settings, name: 'together', include: together, isolate: false } },
      { ...shared, test: { ...settings, name: 'apart', include: apart } },
      { ...shared, test: { ...settings, name: 'alone', include, exclude: [...files, '**/node_modules/**'] } },
    ],
  },
});
