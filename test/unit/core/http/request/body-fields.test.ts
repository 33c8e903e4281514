import { describe, expect, it } from 'vitest';
import { readFields } from '../../../../../packages/core/src/http/request/body-fields.js';
import { fc } from '../../../../support/fast-check.js';
import { exchangeOf } from '../exchange.js';

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const ID = 'A'.repeat(22);

function read(body: unknown, type?: string, headers: Record<string, string> = {}) {
  return readFields(exchangeOf({ method: 'POST', body, headers: { ...(type && { 'content-type': type }), ...headers } }), 'id');
}

async function fieldsOf(body: unknown, type?: string) {
  const reading = await read(body, type);
  if (!reading.ok) throw new Error(reading.detail);
  return reading.fields;
}

describe('readFields accepts', () => {
  it.each([JSON_TYPE, 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'])('JSON of type %s', async (type) => {
    expect(await fieldsOf('{"code":"012345","rememberDevice":true}', type)).toEqual({ code: '012345', rememberDevice: true });
  });

  it('a form, as bytes', async () => {
    const bytes = new TextEncoder().encode('code=012+345&rememberDevice=on&name=%C3%84da');
    expect(await fieldsOf(bytes, FORM)).toEqual({ code: '012 345', rememberDevice: true, name: 'Äda' });
  });

  it('the result of the host’s parser', async () => {
    expect(await fieldsOf({ id: ID, name: 'b' }, JSON_TYPE)).toEqual({ id: ID, name: 'b', rememberDevice: false });
    const form = Object.assign(Object.create(null) as object, { id: ID });
    expect(await fieldsOf(form, FORM)).toEqual({ id: ID, rememberDevice: false });
  });

  it.each([undefined, null, '', new Uint8Array(), {}])('a missing body: %j', async (body) => {
    expect(await fieldsOf(body)).toEqual({ rememberDevice: false });
  });

  it.each([
    [{ code: '123456', recoveryCode: '' }, { code: '123456' }],
    [{ code: '123456', recoveryCode: ' ' }, { code: '123456' }],
    [{ code: '', recoveryCode: 'ABCD' }, { recoveryCode: 'ABCD' }],
    [{ code: ' ', recoveryCode: 'ABCD' }, { recoveryCode: 'ABCD' }],
    [{ code: '', recoveryCode: '' }, { code: '' }],
    [{ code: '' }, { code: '' }],
    [{ recoveryCode: '' }, { recoveryCode: '' }],
    [
      { code: '1', recoveryCode: '2' },
      { code: '1', recoveryCode: '2' },
    ],
    [
      { code: '1', pendingToken: 'x' },
      { code: '1', pendingToken: 'x' },
    ],
  ])('F57: an empty field next to a filled one: %j', async (sent, fields) => {
    expect(await fieldsOf(sent, JSON_TYPE)).toEqual({ ...fields, rememberDevice: false });
    expect(await fieldsOf(new URLSearchParams(sent as never).toString(), FORM)).toEqual({ ...fields, rememberDevice: false });
  });

  it('an empty body, and reports the host’s mistake if something else consumed the body', async () => {
    expect(await read(undefined, undefined, { 'content-length': '0' })).toMatchObject({ ok: true });
    expect(await read(null, JSON_TYPE, { 'content-length': '4' })).toMatchObject({ ok: true });
    await expect(read(undefined, JSON_TYPE, { 'content-length': '1' })).rejects.toMatchObject({
      code: 'host_setup',
      message: expect.stringMatching(
        /^Something read the body .* Mount the kit before it, or use a body parser that sets req.body\.$/,
      ),
    });
  });

  it('four kilobytes, and parameters of the content type', async () => {
    const body = `{"code":"${'1'.repeat(4096 - 11)}"}`;
    const type = 'application/json; version=1; charset=utf-8';
    expect((await read(body, type, { 'content-length': '4096' })).ok).toBe(true);
    expect((await read(new TextEncoder().encode(body), type)).ok).toBe(true);
    expect((await read({ a: 'x'.repeat(3 * 4096 - 8) }, JSON_TYPE)).ok).toBe(true);
    expect((await read({ a: 'x'.repeat(3 * 4096 - 7) }, JSON_TYPE)).ok).toBe(false);
  });

  it('an object whose prototype is an empty object without a prototype', async () => {
    const parsed = Object.assign(Object.create(Object.create(null)) as object, { id: ID });
    expect(await fieldsOf(parsed, FORM)).toEqual({ id: ID, rememberDevice: false });
  });

  it('null as an empty field, and fields of the host', async () => {
    const body = { code: null, my__proto__: 'x', a$b: 'x', constructors: 'x' };
    expect(await fieldsOf(JSON.stringify(body), JSON_TYPE)).toEqual({ rememberDevice: false });
  });

  it('T18, ENR-1: unknown fields, which never reach the flows', async () => {
    const body = { code: '123456', secret: 'JBSWY3DPEHPK3PXP', userId: 'mallory', _csrf: 'token', time: 1 };
    expect(await fieldsOf(body, JSON_TYPE)).toEqual({ code: '123456', rememberDevice: false });
  });

  it.each([
    ['on', true],
    ['true', true],
    ['1', true],
    [true, true],
    ['off', false],
    ['false', false],
    ['0', false],
    ['', false],
    [false, false],
    [null, false],
  ])('the checkbox value %j as %j', async (value, ticked) => {
    expect((await fieldsOf({ rememberDevice: value }, JSON_TYPE)).rememberDevice).toBe(ticked);
  });
});

describe('T46, HTTP-7: readFields refuses a body that is', () => {
  it.each([
    ['a list', '["123456"]', JSON_TYPE],
    ['a text', '"123456"', JSON_TYPE],
    ['null', 'null', JSON_TYPE],
    ['a number', '7', JSON_TYPE],
    ['broken JSON', '{"code":', JSON_TYPE],
    ['a list as code', '{"code":["123456"]}', JSON_TYPE],
    ['an operator as code', '{"code":{"$ne":null}}', JSON_TYPE],
    ['a number as code', '{"code":123456}', JSON_TYPE],
    ['true as code', '{"code":true}', JSON_TYPE],
    ['a number as tick', '{"rememberDevice":1}', JSON_TYPE],
    ['another text as tick', '{"rememberDevice":"yes please"}', JSON_TYPE],
    ['an object in a field that is not known', '{"x":{}}', JSON_TYPE],
    ['__proto__ in JSON', '{"__proto__":{"code":"123456"}}', JSON_TYPE],
    ['__proto__ as text in JSON', '{"__proto__":"x"}', JSON_TYPE],
    ['constructor', '{"constructor":"x"}', JSON_TYPE],
    ['prototype', '{"prototype":"x"}', JSON_TYPE],
    ['an operator name', '{"$where":"1"}', JSON_TYPE],
    ['a repeated field', 'code=111111&code=222222', FORM],
    ['a list field', 'code[]=123456', FORM],
    ['a nested field', 'code[x]=123456', FORM],
    ['an operator field', 'code[$ne]=1', FORM],
    ['__proto__ in a form', '__proto__=x', FORM],
    ['__proto__ nested in a form', '__proto__[code]=123456', FORM],
    ['JSON as plain text', '{"code":"123456"}', 'text/plain'],
    ['JSON without a type', '{"code":"123456"}', undefined],
    ['multipart', '--x', 'multipart/form-data; boundary=x'],
    ['another charset', '{"code":"123456"}', 'application/json; charset=utf-16'],
    ['a type that only begins like ours', '{}x', 'application/jsonx'],
    ['too much', `{"code":"${'1'.repeat(5000)}"}`, JSON_TYPE],
  ])('is %s', async (_name, body, type) => {
    expect((await read(body, type)).ok).toBe(false);
    expect((await read(new TextEncoder().encode(body), type)).ok).toBe(false);
  });

  it('an object, a list or too much text from the host’s parser', async () => {
    for (const body of [['x'], { code: ['1', '2'] }, { code: { x: '1' } }, { a: 'x'.repeat(20_000) }, new Date(), new Map()]) {
      expect((await read(body, FORM)).ok).toBe(false);
    }
    expect((await read({ code: '123456' }, 'text/plain')).ok).toBe(false);
    const inheriting = [Object.create({}), Object.create(Object.assign(Object.create(null) as object, { code: '123456' })), []];
    for (const body of inheriting) {
      const named = Array.isArray(body) ? body : Object.assign(body as object, { id: ID });
      expect((await read(named, JSON_TYPE)).ok).toBe(false);
    }
  });

  it.each<[string, unknown, string, Record<string, string>?]>([
    ['longer than 4 KB', `{"code":"${'1'.repeat(4096)}"}`, JSON_TYPE],
    ['longer than 4 KB', '{}', JSON_TYPE, { 'content-length': '4097' }],
    ['must not be compressed', '{"code":"123456"}', JSON_TYPE, { 'content-encoding': 'gzip' }],
    ['is not valid JSON', '{"code":', JSON_TYPE],
    ['is not valid UTF-8', new Uint8Array([...Buffer.from('{"code":"'), 0xff, ...Buffer.from('"}')]), JSON_TYPE],
    ['must be UTF-8', '{}', 'application/json; charset=utf-8x'],
    ['must be application/json or application/x-www-form-urlencoded', '{}', 'text/plain'],
    ['object of named fields', 'null', JSON_TYPE],
    ['object of named fields', '7', JSON_TYPE],
    ['is repeated', 'code=1&code=2', FORM],
    ['name that is not allowed', '$where=1', FORM],
    ['not lists or objects', '{"x":{}}', JSON_TYPE],
    ['"rememberDevice" must be true or false', 'rememberDevice=maybe', FORM],
    ['"code" must be text', '{"code":123456}', JSON_TYPE],
  ])('unreadable, and tells the client why: %s', async (detail, body, type, headers) => {
    expect(await read(body, type, headers)).toEqual({ ok: false, detail: expect.stringContaining(detail) });
  });

  it('invalid UTF-8, compressed, or announced as too long', async () => {
    expect((await read(new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), JSON_TYPE)).ok).toBe(false);
    expect((await read(new Uint8Array([0x1f, 0x8b]), JSON_TYPE, { 'content-encoding': 'gzip' })).ok).toBe(false);
    expect((await read({ code: '123456' }, JSON_TYPE, { 'content-length': '1000000' })).ok).toBe(false);
  });

  it('wrong, without repeating its content', async () => {
    const reading = await read('{"code":{"secret":"JBSWY3DP"}}', JSON_TYPE);
    expect(JSON.stringify(reading)).not.toContain('JBSWY3DP');
  });

  it('random, without throwing, and returns only text (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.constantFrom(JSON_TYPE, FORM, 'text/plain', undefined), async (body, type) => {
        const usable = body === undefined || isSerializable(body) ? body : undefined;
        const reading = await read(usable, type);
        if (!reading.ok) return;
        for (const [name, value] of Object.entries(reading.fields)) {
          expect(typeof value).toBe(name === 'rememberDevice' ? 'boolean' : 'string');
        }
      }),
    );
  });
});

/** A parser's output can be written as JSON. */
function isSerializable(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
