import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAst } from 'vitest/node';
import { filesUnder, type Node, root } from '../house/sources.js';
import { release1Folder } from './release-1.mjs';

/** Lines by what they are about: `{ 'answer POST /mfa/verify 200': ['.session.state: verified', ...] }`, both sorted. */
export type Names = Record<string, string[]>;

/** Collects lines. */
export function createNames() {
  const places = new Map<string, Set<string>>();
  const note = (place: string, lines: Iterable<string>): void => {
    const noted = places.get(place) ?? new Set();
    for (const line of lines) noted.add(line);
    places.set(place, noted);
  };
  return {
    note,
    noteValue: (place: string, value: unknown) => note(place, linesOf(value)),
    all: (): Names => Object.fromEntries([...places].sort().map(([place, lines]) => [place, [...lines].sort()])),
  };
}

/** Fields whose values are part of the contract. For other fields only the type and the unit are. */
const WORDS =
  /^\.?(.*\.)?(state|via|acr|amr\[\]|access|because|reason|factors\[\]|kind|mfa|mfa_via|door|endpoint|why|(?<!budget\.)level|operation|type|status|format|typ|alg|kid|iss|aud|v)$/;

/** Every field of plain data with its type, or with its value if that is part of the contract. */
export function* linesOf(value: unknown, at = ''): Generator<string> {
  if (Array.isArray(value)) {
    if (value.length === 0) yield `${at}[]: empty`;
    for (const one of value) yield* linesOf(one, `${at}[]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value)) yield* linesOf(field, `${at}.${name}`);
  } else if (value !== undefined) {
    yield `${at}: ${WORDS.test(at) ? String(value) : kindOf(value)}`;
  }
}

function kindOf(value: unknown): string {
  if (typeof value === 'number') {
    if (value > 1.7e12 && value < 1.9e12) return 'milliseconds';
    return value > 1.7e9 && value < 1.9e9 ? 'seconds' : 'number';
  }
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  if (value.startsWith('otpauth://totp/')) return 'key uri';
  if (value.startsWith('<svg')) return 'svg';
  if (/^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/.test(value)) return 'recovery code';
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(value) && value.startsWith('eyJ')) return 'jwt';
  return /^[\w-]{22}$/.test(value) ? 'id' : 'string';
}

/** Types whose members are stored, sent or used as options, by package. They are found by name in any file. */
const TYPES: Record<string, readonly string[]> = {
  core: [
    ...['MfaOptions', 'MfaKey', 'MfaPolicy', 'MfaUser', 'HttpOptions', 'PagesOptions', 'VerifiedRequest', 'Requirement'],
    ...['Profile', 'Authenticator', 'PendingEnrollment', 'TotpData', 'ClosedRange', 'RecoveryCodeSet', 'RecoveryTries', 'Device'],
    ...['GuessBudget', 'UsedToken', 'StoredProfile', 'MfaStorage', 'Assurance', 'AssuranceClaims', 'PendingSession'],
    ...['VerifiedSession', 'AccessDecision', 'Problem', 'Refusal', 'Enrollment', 'AuthenticatorSummary', 'DeviceSummary'],
    ...['DeviceGrant', 'MfaStatus', 'LoginBegun', 'EventBase', 'EventDetail', 'NoticeName', 'RefusalReason', 'ProblemReason'],
    ...['MfaErrorCode', 'AssuranceVia', 'ChallengeFactor', 'Walked', 'MfaReport', 'KeysRotated', 'RestoreHandled'],
  ],
  express: ['ExpressMfaOptions', 'ExpressSession'],
  nest: ['MfaModuleOptions', 'MfaModuleExtras', 'MfaCaller', 'MfaSessionFunctions'],
};

/** The members of those types, as declared in the build of release 1 or in the present sources. */
export function declaredNames(release: 'release 1' | 'the present code'): Names {
  const names: Names = {};
  for (const [name, wanted] of Object.entries(TYPES)) {
    const declared = declarationsOf(name, release);
    for (const type of wanted) {
      const node = declared.get(type);
      names[`type ${type}`] = node ? [...new Set(membersOf(node))].sort() : [];
    }
  }
  return names;
}

function declarationsOf(name: string, release: string): Map<string, Node> {
  const folder =
    release === 'release 1'
      ? path.join(release1Folder(), 'node_modules/@mfa-kit', name, 'dist')
      : path.join(root, 'packages', name, 'src');
  const ending = release === 'release 1' ? '.d.ts' : '.ts';
  const found = new Map<string, Node>();
  for (const file of filesUnder(folder).filter((one) => one.endsWith(ending))) {
    const program = parseAst(readFileSync(path.join(folder, file), 'utf8'), { lang: 'ts' }) as unknown as Node;
    for (const statement of program.body as Node[]) {
      const node = (statement.declaration ?? statement) as Node;
      if (/^TS(Interface|TypeAlias)Declaration$/.test(node.type)) found.set(nameOf(node.id), withWords(node, program));
    }
  }
  return found;
}

/** Replaces a type `(typeof LIST)[number]` with the union of the words of the list in the same file. Returns other types unchanged. */
function withWords(type: Node, program: Node): Node {
  const access = type.typeAnnotation as Node | undefined;
  if (access?.type !== 'TSIndexedAccessType') return type;
  const query = unwrapped(access.objectType as Node);
  if (query.type !== 'TSTypeQuery') return type;
  for (const statement of program.body as Node[]) {
    const { declarations = [] } = (statement.declaration ?? statement) as { declarations?: Node[] };
    const list = declarations.find(({ id }) => nameOf(id) === nameOf(query.exprName));
    if (!list?.init) continue;
    const { elements = [] } = unwrapped(list.init as Node) as { elements?: Node[] };
    return { type: 'TSUnionType', types: elements.map((literal) => ({ type: 'TSLiteralType', literal })) };
  }
  return type;
}

function unwrapped(node: Node): Node {
  if (node.type === 'TSParenthesizedType') return unwrapped(node.typeAnnotation as Node);
  return node.type === 'TSAsExpression' ? unwrapped(node.expression as Node) : node;
}

/** Names of members, with `?` after optional ones. For a union, its words and the members of each part. */
function* membersOf(node: Node, at = ''): Generator<string> {
  switch (node.type) {
    case 'TSInterfaceDeclaration':
      yield* membersOf(node.body as Node, at);
      return;
    case 'TSTypeAliasDeclaration':
    case 'TSTypeAnnotation':
      yield* membersOf(node.typeAnnotation as Node, at);
      return;
    case 'TSInterfaceBody':
    case 'TSTypeLiteral':
      yield* literalMembers((node.type === 'TSTypeLiteral' ? node.members : node.body) as Node[], at);
      return;
    case 'TSUnionType':
    case 'TSIntersectionType':
      for (const part of node.types as Node[]) yield* membersOf(part, at);
      return;
    case 'TSParenthesizedType':
      yield* membersOf(node.typeAnnotation as Node, at);
      return;
    case 'TSArrayType':
      yield* membersOf(node.elementType as Node, `${at}[]`);
      return;
    case 'TSLiteralType':
      yield `${at}: ${JSON.stringify((node.literal as Node).value)}`;
  }
}

function* literalMembers(members: readonly Node[], at: string): Generator<string> {
  // The first member distinguishes the parts of a union: { name: 'verified'; via: ... }.
  const [first] = members;
  const words =
    at === '' && first?.typeAnnotation ? [...membersOf(first.typeAnnotation as Node)].map((word) => word.slice(2)) : [];
  const prefixes = words.length > 0 ? words.map((word) => `${nameOf(first?.key)}=${word}`) : [at];
  for (const prefix of prefixes) {
    for (const member of members) {
      const name = `${prefix}.${nameOf(member.key)}`;
      yield `${name}${member.optional === true ? '?' : ''}`;
      if (member.typeAnnotation && !(member === first && words.length > 0)) yield* membersOf(member.typeAnnotation as Node, name);
    }
  }
}

function nameOf(node: unknown): string {
  const { name, value } = node as { name?: string; value?: unknown };
  return name ?? String(value);
}
