import { fork } from 'node:child_process';
import { connect } from 'node:net';

/**
 * An application in its own process, and sixteen connections from a client that costs as little as possible. The output of the application
 * is shown only if it does not start.
 */
export async function startHost(file, given) {
  const stdio = ['ignore', 'ignore', 'pipe', 'ipc'];
  const child = fork(new URL(`./hosts/${file}`, import.meta.url), [JSON.stringify(given)], { execArgv: [], stdio });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    printed = (printed + text).slice(-4000);
  });
  const { port, accessToken } = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it listened\n${printed}`)));
  });
  let client;
  /** Opened at the first use, because Node closes a connection without requests after a minute. */
  function openOnce() {
    client ??= openClient(port);
    return client;
  }

  /** CPU microseconds that the application has used. */
  async function cpu() {
    const answered = new Promise((resolve) => child.once('message', resolve));
    child.send('cpu');
    const { user, system } = (await answered).cpu;
    return user + system;
  }

  async function logIn() {
    const request = await openOnce();
    const answer = await request(requestText('/login'));
    const cookie = /^set-cookie: ([^;\r]+)/im.exec(answer)?.[1];
    if (!cookie) throw new Error(`no session: ${answer}`);
    return cookie;
  }

  return {
    /** A side for `compare`: GETs of one path, with a session and a bearer token. */
    async side(name, path) {
      const request = await openOnce();
      const text = requestText(path, { cookie: await logIn(), authorization: `Bearer ${accessToken}` });
      const run = async () => {
        const answer = await request(text);
        if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`${path}: ${answer}`);
      };
      return { name, run, cpu };
    },
    stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      return ended;
    },
  };
}

export async function openClient(port) {
  const free = [];
  for (let index = 0; index < 16; index++) free.push(await openConnection(port));
  const waiting = [];

  async function request(text) {
    const connection = free.pop() ?? (await new Promise((resolve) => waiting.push(resolve)));
    try {
      return await connection.send(text);
    } finally {
      const next = waiting.shift();
      if (next) next(connection);
      else free.push(connection);
    }
  }

  return request;
}

export function requestText(path, headers = {}) {
  const lines = Object.entries({ host: 'localhost', accept: 'application/json', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Sends one request at a time, and reads each answer up to its Content-Length. */
function openConnection(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve({ send }));
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', reject);
    let received = '';
    let answered = () => undefined;
    let failed = () => undefined;
    socket.on('close', () => failed(new Error('the host closed a connection')));
    socket.on('data', (chunk) => {
      received += String(chunk);
      const head = received.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/^content-length: (\d+)/im.exec(received)?.[1] ?? 0);
      if (received.length < head + 4 + length) return;
      const whole = received;
      received = '';
      answered(whole);
    });
    const send = (text) =>
      new Promise((done, fail) => {
        answered = done;
        failed = fail;
        socket.write(text);
      });
  });
}
