import { MfaError } from '../../errors.js';
import { FACTORS, type FlatProof } from '../../factors/registry.js';
import { isMadeId } from '../../host-input.js';
import { BODY_LIMIT_BYTES, type MfaExchange } from '../exchange.js';

/** The proofs that a body may have, each in the field of its kind. */
export type ProofTexts = { [Field in keyof FlatProof]?: string };

/** The fields of all endpoints. A body may have others, such as the host's CSRF token; they have no effect. */
export interface BodyFields extends ProofTexts {
  kind?: string;
  enrollmentId?: string;
  id?: string;
  name?: string;
  pendingToken?: string;
  continueTo?: string;
  rememberDevice: boolean;
}

/** Says what is missing in a body for which {@link hasOneProof} is false. */
export function oneProofNeeded(): string {
  return `One of the fields ${FACTORS.map(({ bodyField }) => `"${bodyField}"`).join(' and ')} is needed.`;
}

/** The fields of a body, or a sentence that says why it could not be read. */
export type BodyReading = { ok: true; fields: BodyFields } | { ok: false; detail: string };

const TEXT_FIELDS = ['kind', 'name', 'pendingToken', 'continueTo'] as const;
/** A field with an id that the kit generated. */
export type IdField = 'enrollmentId' | 'id';
/** The host's parser may have decompressed the body, and a form grows when it is written as JSON. */
const PARSED_LIMIT = 3 * BODY_LIMIT_BYTES;
const TOO_LONG = 'The body is longer than 4 KB.';
const BODY_GONE =
  'Something read the body of this request before the kit and did not set req.body. Mount the kit before it, or ' +
  'use a body parser that sets req.body.';
const NO_OBJECT = 'The body must be an object of named fields.';

type Fields = Record<string, unknown>;
type Parsed = { values: Fields } | Fault;
/** Why a body could not be read. */
interface Fault {
  fault: string;
}

/**
 * Reads the body of a state change: a flat JSON object or a form, at most 4 KB, text values only.
 *
 * Refuses arrays, nested objects (`code[$ne]=`, `{"code":{"$gt":""}}`), repeated fields and names that reach a prototype, even if the
 * host's parser accepted them, so no flow ever sees one (ASVS 15.3.5 to 15.3.7).
 *
 * `idField` is the field that names something at this endpoint. Elsewhere a field of that name belongs to the host.
 */
export async function readFields(exchange: Pick<MfaExchange, 'header' | 'body'>, idField?: IdField): Promise<BodyReading> {
  const length = Number(exchange.header('content-length') ?? 0);
  if (length > BODY_LIMIT_BYTES) return { ok: false, detail: TOO_LONG };
  const sent = await exchange.body();
  if (sent === undefined && length > 0) throw new MfaError('host_setup', BODY_GONE);
  const body = parse(sent, exchange);
  const picked = 'fault' in body ? body : pickFields(body.values, idField);
  return 'fault' in picked ? { ok: false, detail: picked.fault } : { ok: true, fields: picked };
}

/** Whether the body has exactly one kind of proof. */
export function hasOneProof(fields: BodyFields): boolean {
  return Object.keys(proofsIn(fields)).length === 1;
}

/** Returns only the proofs. */
export function proofsIn(fields: BodyFields): ProofTexts {
  const names = FACTORS.map(({ bodyField }) => bodyField as keyof ProofTexts).filter((name) => name in fields);
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

function parse(body: unknown, exchange: Pick<MfaExchange, 'header'>): Parsed {
  if (body === undefined || body === null || isEmptyText(body)) return { values: {} };
  if (isPlainObject(body) && Object.keys(body).length === 0) return { values: {} };
  const type = mediaType(exchange.header('content-type'));
  if ('fault' in type) return type;
  if (typeof body === 'string' || body instanceof Uint8Array) {
    if (exchange.header('content-encoding') !== undefined) return { fault: 'The body must not be compressed.' };
    const text = decode(body);
    if ('fault' in text) return text;
    return type.kind === 'form' ? parseForm(text.text) : parseJson(text.text);
  }
  if (!isPlainObject(body)) return { fault: NO_OBJECT };
  return JSON.stringify(body).length > PARSED_LIMIT ? { fault: TOO_LONG } : { values: body };
}

function parseJson(text: string): Parsed {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? { values: value } : { fault: NO_OBJECT };
  } catch {
    return { fault: 'The body is not valid JSON.' };
  }
}

function parseForm(text: string): Parsed {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) return { fault: 'A field is repeated.' };
    fields.set(name, value);
  }
  // `fromEntries` defines own properties: a field named __proto__ stays a field, and is refused below.
  return { values: Object.fromEntries(fields) };
}

function pickFields(body: Fields, idField: IdField | undefined): BodyFields | Fault {
  for (const [name, value] of Object.entries(body)) {
    if (/^(__proto__|constructor|prototype)$|^\$|[[\]]/.test(name)) return { fault: 'A field has a name that is not allowed.' };
    if (typeof value === 'object' && value !== null) return { fault: 'Fields must hold text, not lists or objects.' };
  }
  const rememberDevice = readTick(body.rememberDevice);
  if (rememberDevice === undefined) return { fault: 'The field "rememberDevice" must be true or false.' };
  const proofs = pickProofs(body);
  if ('fault' in proofs) return proofs;
  const fields: BodyFields = { rememberDevice, ...proofs.texts };
  for (const name of idField ? [...TEXT_FIELDS, idField] : TEXT_FIELDS) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') return { fault: mustBeText(name) };
    // An empty field counts as missing; the endpoint says which fields it needs.
    if (name === idField && value !== '' && !isMadeId(value)) {
      return { fault: `The field "${name}" is not an id that the kit generated.` };
    }
    fields[name] = value;
  }
  return fields;
}

/** A host's form may have a field for each kind of proof. If one is filled, empty ones count as not sent. */
function pickProofs(body: Fields): { texts: ProofTexts } | Fault {
  const given = FACTORS.map(({ bodyField }) => [bodyField, body[bodyField]] as const).filter(
    ([, text]) => text !== undefined && text !== null,
  );
  const wrong = given.find(([, text]) => typeof text !== 'string');
  if (wrong) return { fault: mustBeText(wrong[0]) };
  const filled = given.filter(([, text]) => isFilled(text));
  return { texts: Object.fromEntries(filled.length > 0 ? filled : given.slice(0, 1)) };
}

function mustBeText(name: string): string {
  return `The field "${name}" must be text.`;
}

function isFilled(text: unknown): boolean {
  return typeof text === 'string' && text.trim() !== '';
}

function readTick(value: unknown): boolean | undefined {
  if (value === undefined || value === null || value === '') return false;
  if (typeof value === 'boolean') return value;
  if (value === 'on' || value === 'true' || value === '1') return true;
  return value === 'off' || value === 'false' || value === '0' ? false : undefined;
}

function mediaType(contentType: string | undefined): { kind: 'json' | 'form' } | Fault {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)) return { fault: 'The body must be UTF-8.' };
  if (type === 'application/json') return { kind: 'json' };
  if (type === 'application/x-www-form-urlencoded') return { kind: 'form' };
  return { fault: 'The body must be application/json or application/x-www-form-urlencoded.' };
}

function decode(body: string | Uint8Array): { text: string } | Fault {
  if (body.length > BODY_LIMIT_BYTES) return { fault: TOO_LONG };
  if (typeof body === 'string') return { text: body };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(body) };
  } catch {
    return { fault: 'The body is not valid UTF-8.' };
  }
}

function isEmptyText(body: unknown): boolean {
  return (typeof body === 'string' || body instanceof Uint8Array) && body.length === 0;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || isBare(prototype);
}

/** Some parsers create objects whose prototype is an empty object without a prototype. */
function isBare(prototype: unknown): boolean {
  return Object.getPrototypeOf(prototype) === null && Reflect.ownKeys(prototype as object).length === 0;
}
