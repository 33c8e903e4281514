import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  CONSEQUENCES,
  type UnreadableProfile,
  type WarningCode,
  type WarningFacts,
  warningSentence,
} from '../../packages/core/src/warnings/process-warnings.js';
import { type StorageFault, storageHint } from '../../packages/core/src/warnings/storage-hint.js';
import { membersOf } from './declarations.js';
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
  return [
    before,
    START,
    '\n',
    [...warningSection(), ...storageSection(), ...recordSection(), ...callbackSection()].join('\n'),
    END,
    after,
  ].join('');
}

/** Facts for the sentences on the page, for each variant of the sentence. Those without any have a section of their own. */
const EXAMPLES: { [Code in WarningCode]: WarningFacts[Code][] } = {
  MFA_KIT_CALLBACK_FAILED: [['notify', 'TypeError: fetch failed.']],
  MFA_KIT_CROSS_SITE: [['change'], ['secret'], ['socket']],
  MFA_KIT_ENROLLED_NEVER_GIVEN: [[]],
  MFA_KIT_ENROLLED_NOT_BOOLEAN: [[]],
  MFA_KIT_GUARDED_LOGIN: [['/login']],
  MFA_KIT_LATE_LOGIN: [[undefined], ["Write app.post('/login', ..., beginLogin, (req, res) => ...)."]],
  MFA_KIT_LOGGED_IN_AHEAD: [[]],
  MFA_KIT_LOST_USER: [[]],
  MFA_KIT_NO_ANSWER: [[]],
  MFA_KIT_NO_BEGIN_LOGIN: [['nothing'], ['other_user'], ['foreign']],
  MFA_KIT_NO_ROUTER: [['/mfa']],
  MFA_KIT_NO_USER_BY_ID: [[]],
  MFA_KIT_PROFILE_UNREADABLE: [],
  MFA_KIT_SESSION_REVIVED: [[]],
  MFA_KIT_SESSION_STORE: [['Error']],
  MFA_KIT_STORAGE_FAILED: [
    [
      {
        adapter: 'postgres',
        operation: 'read',
        error: 'Error (code ECONNREFUSED, 127.0.0.1:5432).',
        hint: storageHint('unreachable', 'postgres'),
      },
    ],
  ],
  MFA_KIT_UNREAD_TOKEN: [[]],
  MFA_KIT_WEAK_KEY: [['2026-05', 'looks like a passphrase']],
};

function warningSection(): string[] {
  const rowsOf = <Code extends WarningCode>(code: Code): string[] =>
    EXAMPLES[code].map((facts) => `| \`${code}\` | ${warningSentence(code, ...facts)} |`);
  return [
    WRITTEN_BY,
    '',
    '## What the warnings say',
    '',
    'The messages, for example values. `MFA_KIT_PROFILE_UNREADABLE` has [a section of its own](#records-that-do-not-open), and',
    '`MFA_KIT_UNSAFE_STORAGE` names the setting of Redis.',
    '',
    '| code | message |',
    '|---|---|',
    ...(Object.keys(EXAMPLES) as WarningCode[]).flatMap(rowsOf),
    '',
  ];
}

function storageSection(): string[] {
  const faults = membersOf('core', 'warnings/storage-hint.ts', 'StorageFault') as StorageFault[];
  return [
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
  const reasons: { [Why in UnreadableProfile['why']]: true } = { unknown_key: true, unknown_format: true, tampered: true };
  const example = (why: UnreadableProfile['why']): string =>
    warningSentence('MFA_KIT_PROFILE_UNREADABLE', { why, keyId: '2026-05' }, ['2026-11']);
  return [
    '## Records that do not open',
    '',
    'The messages of `MFA_KIT_PROFILE_UNREADABLE`, where `keys` has the key "2026-11":',
    '',
    '| `why` of the event | message |',
    '|---|---|',
    ...(Object.keys(reasons) as UnreadableProfile['why'][]).map((why) => `| \`${why}\` | ${example(why)} |`),
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
    ...Object.entries(CONSEQUENCES).map(([option, said]) => `| \`${option}\` | ${said} |`),
    '| any other | The request is denied. |',
    '',
  ];
}

const WRITTEN_BY =
  'The next four sections are made from the messages in the sources, by `MFA_KIT_WRITE_DOCS=1 npx vitest run test/house/reference.test.ts`.';

/** A sentence that says what is wrong, and what follows it. */
function rowOf(hint: string): string {
  const [, what, todo] = /^(.*?[.]) (.*)$/.exec(hint) ?? [];
  return `| ${what} | ${todo} |`;
}
