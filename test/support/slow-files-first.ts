import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Files that take half a minute or more, mostly waiting for browsers, servers and builds. */
const SLOW = [
  'browser/journey',
  'faults/network',
  'storage/clients',
  'examples/demo-process',
  'browser/hard-cases',
  'packages/unbuilt',
  'packages/packages',
  'browser/pages',
  'browser/surroundings',
  'browser/messages',
  'storage/prisma',
  'faults/killed',
  'apps/nest-11',
  'express/readme',
  'nest/host-mistakes',
  'unit/core/host-deadline',
  'storage/redis-silent',
];

/** Starts the slow files first, because one that starts last would run alone while the other workers are idle. */
export class SlowFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = SLOW.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
  return at < 0 ? SLOW.length : at;
}
