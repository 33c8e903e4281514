import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type StorageFault, storageHint } from '../../packages/core/src/warnings/storage-hint.js';
import { type UnreadableProfile, unreadableSentence } from '../../packages/core/src/warnings/warnings.js';
import { membersOf, propertiesOf } from './declarations.js';
import { root } from './sources.js';

/** The page that says what each message means. */
export const SET_UP_PROBLEMS = path.join(root, 'docs/reference/set-up-problems.md');

const START = '<!-- generated -->';
const END = '<!-- end of generated -->';

/** The page as it is, with what the sources say of failures between its marks. */
export function setUpProblemsPage(): string {
  const page = readFileSync(SET_UP_PROBLEMS, 'utf8');
  const [before, rest = ''] = page.split(START);
  const [, after] = rest.split(END);
  return [before, START, '\n', [...storageSection(), ...recordSection(), ...callbackSection()].join('\n'), END, after].join('');
}

function storageSection(): string[] {
  const faults = membersOf('core', 'warnings/storage-hint.ts', 'StorageFault') as StorageFault[];
  return [
    WRITTEN_BY,
    '',
    '## What a storage failure means',
    '',
    'The end of the message of `MFA_KIT_STORAGE_FAILED`, `table_missing`, `storage_away` and `storage_unusable`:',
    '',
    '| what the message says | what to do |',
    '|---|---|',
    ...faults.map((fault) => rowOf(storageHint(fault, fault === 'no_table' ? 'postgres' : undefined))),
    rowOf(`Another reason. ${storageHint(undefined, undefined)}`),
    '',
  ];
}

function recordSection(): string[] {
  const reasons = membersOf('core', 'warnings/warnings.ts', 'UnreadableProfile.why') as UnreadableProfile['why'][];
  const example = (why: UnreadableProfile['why']): string => unreadableSentence({ why, keyId: '2026-05' }, ['2026-11']);
  return [
    '## Records that do not open',
    '',
    'The messages of `MFA_KIT_PROFILE_UNREADABLE`, where `keys` has the key "2026-11":',
    '',
    '| `why` of the event | message |',
    '|---|---|',
    ...reasons.map((why) => `| \`${why}\` | ${example(why)} |`),
    '',
  ];
}

function callbackSection(): string[] {
  return [
    '## Your callbacks',
    '',
    'What it means that `MFA_KIT_CALLBACK_FAILED` names an option. Fix the function that you gave, or give it a timeout of its own.',
    '',
    '| option | consequence |',
    '|---|---|',
    ...propertiesOf('core', 'warnings/warnings.ts', 'CONSEQUENCES').map(([option, said]) => `| \`${option}\` | ${said} |`),
    '| any other | The request is denied. |',
    '',
  ];
}

const WRITTEN_BY =
  'The next three sections are made from the messages in the sources, by `MFA_KIT_WRITE_DOCS=1 npx vitest run test/house/reference.test.ts`.';

/** A sentence that says what is wrong, and what follows it. */
function rowOf(hint: string): string {
  const [, what, todo] = /^(.*?[.]) (.*)$/.exec(hint) ?? [];
  return `| ${what} | ${todo} |`;
}
