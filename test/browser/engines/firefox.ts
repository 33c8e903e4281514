import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { requireProgram } from '../../support/requires.js';
import { startProgram } from './browser-program.js';
import { drivenPage, type PageDriver } from './driven-page.js';
import type { EngineBrowser } from './journey-page.js';

/** The path of Firefox; null if it is missing. */
export function requireFirefox(): string | null {
  return requireProgram('firefox-esr', 'install firefox-esr (apt-get install firefox-esr)');
}

/** Prevents network requests of Firefox itself, and its start page. */
const PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  // Firefox ignores clicks right after a page is painted, which people are too slow to make.
  'dom.input_events.security.minNumTicks': 0,
  'dom.input_events.security.minTimeElapsedInMS': 0,
  'dom.ipc.processCount': 1,
  'extensions.getAddons.cache.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'remote.prefs.recommended': true,
  'signon.autofillForms': false,
  'signon.rememberSignons': false,
  'toolkit.telemetry.enabled': false,
};

/** Starts Firefox with a fresh profile. It supports WebDriver BiDi itself. */
export async function launchFirefox(executablePath: string): Promise<EngineBrowser> {
  const profile = mkdtempSync(join(tmpdir(), 'mfa-kit-firefox-'));
  const lines = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
  writeFileSync(join(profile, 'user.js'), lines.join('\n'));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', '--width=1280', '--height=900'];
  const firefox = await startProgram(executablePath, args, { ready: /WebDriver BiDi listening on (\S+)/ });
  const stop = async (): Promise<void> => {
    await firefox.stop();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const send = await connect(`${firefox.said}/session`);
    await send('session.new', { capabilities: {} });
    return {
      async openPerson() {
        // A user context has its own cookies, like a container tab.
        const { userContext } = await send('browser.createUserContext', {});
        const { context } = await send('browsingContext.create', { type: 'tab', userContext });
        return {
          page: drivenPage(tabDriver(send, { context: String(context), userContext: String(userContext) })),
          leave: async () => void (await send('browser.removeUserContext', { userContext })),
        };
      },
      close: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Send = (method: string, params: object) => Promise<Record<string, unknown>>;

function tabDriver(send: Send, { context, userContext }: { context: string; userContext: string }): PageDriver {
  return {
    async open(url) {
      await send('browsingContext.navigate', { context, url, wait: 'complete' });
    },
    async back() {
      await send('browsingContext.traverseHistory', { context, delta: -1 });
    },
    async evaluate(source, args) {
      // Uses JSON in both directions, because BiDi has its own notation for values.
      const functionDeclaration = `(args) => JSON.stringify((${source})(...JSON.parse(args)))`;
      const value = { type: 'string', value: JSON.stringify(args) };
      const answer = await send('script.callFunction', {
        functionDeclaration,
        arguments: [value],
        target: { context },
        awaitPromise: false,
      });
      if (answer.type === 'exception') throw new Error((answer.exceptionDetails as { text: string }).text);
      const result = answer.result as { type: string; value?: string };
      return result.type === 'string' ? JSON.parse(result.value ?? '') : undefined;
    },
    async perform(input) {
      await send('input.performActions', { context, actions: [input] });
    },
    async screenshot(fullPage) {
      const origin = fullPage ? 'document' : 'viewport';
      const { data } = await send('browsingContext.captureScreenshot', { context, origin });
      return Buffer.from(String(data), 'base64');
    },
    async clearCookies() {
      await send('storage.deleteCookies', { partition: { type: 'storageKey', userContext } });
    },
  };
}

/** One connection, on which each answer has the number of its command. */
async function connect(url: string): Promise<Send> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const waiting = new Map<number, (answer: BidiAnswer) => void>();
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('message', (data) => {
    const answer = JSON.parse(String(data)) as BidiAnswer;
    waiting.get(answer.id ?? 0)?.(answer);
  });
  socket.on('close', () => {
    for (const answer of waiting.values()) answer({ type: 'error', error: 'closed', message: 'Firefox has ended' });
  });
  let last = 0;
  return async (method, params) => {
    const id = ++last;
    const answered = new Promise<BidiAnswer>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const answer = await answered;
    waiting.delete(id);
    if (answer.type === 'error') throw new Error(`${method}: ${answer.error}: ${answer.message}`);
    return answer.result ?? {};
  };
}

interface BidiAnswer {
  id?: number;
  type: 'success' | 'error' | 'event';
  result?: Record<string, unknown>;
  error?: string;
  message?: string;
}
