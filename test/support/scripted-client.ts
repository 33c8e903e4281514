/** What a script received. */
export interface ScriptedAnswer {
  status: number;
  headers: Headers;
  /** The parsed JSON body; null if there was none. */
  body: Record<string, unknown>;
  text: string;
}

/** A script with Node's fetch that sends and receives JSON and keeps its cookies. */
export interface ScriptedClient {
  origin: string;
  get(path: string, headers?: Record<string, string>): Promise<ScriptedAnswer>;
  post(path: string, body?: object, headers?: Record<string, string>): Promise<ScriptedAnswer>;
  request(method: string, path: string, init?: { headers?: Record<string, string>; body?: string }): Promise<ScriptedAnswer>;
  cookies: Map<string, string>;
  /** Every requested URL. */
  urls: string[];
}

/** A client without the cookies of earlier ones, as on another machine. */
export function scriptedClient(origin: string): ScriptedClient {
  const cookies = new Map<string, string>();
  const urls: string[] = [];
  const request: ScriptedClient['request'] = async (method, path, { headers = {}, body } = {}) => {
    urls.push(path);
    const response = await fetch(origin + path, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        origin,
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    for (const line of response.headers.getSetCookie()) keep(cookies, line);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parse(text) };
  };
  return {
    origin,
    get: (path, headers = {}) => request('GET', path, { headers }),
    post: (path, body = {}, headers = {}) =>
      request('POST', path, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }),
    request,
    cookies,
    urls,
  };
}

function keep(cookies: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  const gone = /;\s*max-age=0/i.test(line) || /;\s*expires=thu, 01 jan 1970/i.test(line);
  if (gone) cookies.delete(name);
  else cookies.set(name, value);
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
