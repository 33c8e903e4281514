import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../support/free-port.js';
import { reportMissing, requireProgram } from '../../support/requires.js';
import { startProgram } from './browser-program.js';
import { drivenPage, type PageDriver } from './driven-page.js';
import type { EngineBrowser, JourneyPage } from './journey-page.js';

/** The programs of WebKitGTK, which is the engine of Safari. */
export interface WebKitPrograms {
  driver: string;
  display: string;
  browser: string;
}

/** The paths of WebKit's driver, its browser and a display server; null if one is missing. */
export function requireWebKit(): WebKitPrograms | null {
  const hint = 'install webkit2gtk-driver and xvfb (apt-get install webkit2gtk-driver xvfb)';
  const driver = requireProgram('WebKitWebDriver', hint);
  const display = requireProgram('Xvfb', hint);
  const browser = findMiniBrowser();
  if (!browser) return reportMissing(`MiniBrowser is missing: ${hint}`);
  return driver !== null && display !== null ? { driver, display, browser } : null;
}

/** Distributions install it outside the PATH, for example in `/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1` or `/usr/libexec/webkit2gtk-4.1`. */
function findMiniBrowser(): string | undefined {
  const folders = ['/usr/libexec', '/usr/lib', ...namesIn('/usr/lib').map((name) => join('/usr/lib', name))];
  const versions = folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => name.startsWith('webkit2gtk-'))
      .map((name) => join(folder, name, 'MiniBrowser')),
  );
  return versions.find((path) => existsSync(path));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Starts WebKit on a virtual display, with the W3C WebDriver protocol. */
export async function launchWebKit(programs: WebKitPrograms): Promise<EngineBrowser> {
  const screen = ['-screen', '0', '1280x1024x24', '-nolisten', 'tcp', '-noreset'];
  const display = await startProgram(programs.display, ['-displayfd', '1', ...screen], { ready: /^(\d+)$/m });
  const sessions: Session[] = [];
  const idle: Session[] = [];

  async function newSession(): Promise<Session> {
    const session = await startSession(programs, `:${display.said}`);
    sessions.push(session);
    return session;
  }

  const close = async (): Promise<void> => {
    await Promise.all(sessions.map((session) => session.close()));
    await display.stop();
  };
  try {
    idle.push(await newSession());
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async openPerson() {
      // A driver has one session and takes seconds to start, so the next person reuses it, without the cookies.
      const session = idle.pop() ?? (await newSession());
      return {
        page: session.newPage(),
        async leave() {
          await session.clear();
          idle.push(session);
        },
      };
    },
    close,
  };
}

const WINDOW = { width: 1280, height: 900 };

interface Session {
  newPage(): JourneyPage;
  /** Deletes all cookies and leaves the page. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

async function startSession(programs: WebKitPrograms, display: string): Promise<Session> {
  const port = await freePort();
  const env = {
    DISPLAY: display,
    GDK_BACKEND: 'x11',
    LIBGL_ALWAYS_SOFTWARE: '1',
    NO_AT_BRIDGE: '1',
    // As root the sandbox does not start.
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  };
  // It prints nothing when it is ready, so poll it.
  const ready = (): Promise<boolean> =>
    send('GET', `http://127.0.0.1:${port}/status`).then(
      () => true,
      () => false,
    );
  const driver = await startProgram(programs.driver, [`--port=${port}`], { ready, env });
  try {
    const options = { binary: programs.browser, args: ['--automation'] };
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } };
    const base = `http://127.0.0.1:${port}/session`;
    const { sessionId } = (await send('POST', base, { capabilities })) as { sessionId: string };
    const session = `${base}/${sessionId}`;
    await send('POST', `${session}/window/rect`, WINDOW);
    const page = sessionDriver(session);
    return {
      newPage: () => drivenPage(page),
      async clear() {
        await page.clearCookies();
        await page.open('about:blank');
      },
      async close() {
        await send('DELETE', session).catch(() => undefined);
        await driver.stop();
      },
    };
  } catch (error) {
    await driver.stop();
    throw error;
  }
}

/** Sends a WebDriver command over HTTP and returns the value of the answer, or throws. */
async function send(method: 'GET' | 'POST' | 'DELETE', url: string, body?: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method, ...(body && { headers, body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: unknown };
  if (response.ok) return value;
  const { error, message } = value as { error: string; message: string };
  throw new Error(`${method} ${new URL(url).pathname}: ${error}: ${message}`);
}

function sessionDriver(session: string): PageDriver {
  const evaluate = (source: string, args: unknown[]): Promise<unknown> =>
    send('POST', `${session}/execute/sync`, { script: `return (${source})(...arguments)`, args });
  return {
    async open(url) {
      await send('POST', `${session}/url`, { url });
    },
    async back() {
      await send('POST', `${session}/back`, {});
    },
    evaluate,
    async perform(input) {
      await send('POST', `${session}/actions`, { actions: [input] });
    },
    async screenshot(fullPage) {
      // A screenshot shows the window, so enlarge the window to the size of the page.
      const measure = '() => [innerHeight, document.documentElement.scrollHeight]';
      for (let height = WINDOW.height, tries = 0; fullPage && tries < 50; tries += 1) {
        const [inner, whole] = (await evaluate(measure, [])) as [number, number];
        if (inner >= whole) break;
        if (tries === 0) height += whole - inner;
        await send('POST', `${session}/window/rect`, { width: WINDOW.width, height });
        await sleep(20);
      }
      const picture = await send('GET', `${session}/screenshot`);
      if (fullPage) await send('POST', `${session}/window/rect`, WINDOW);
      return Buffer.from(String(picture), 'base64');
    },
    async clearCookies() {
      await send('DELETE', `${session}/cookie`);
    },
  };
}
