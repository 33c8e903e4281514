import { printFindings } from './findings.js';
import { createDemoHost, type DemoHost } from './host.js';
import { createDemoMfa } from './mfa.js';
import { resetUser } from './reset.js';
import { printWelcome } from './welcome.js';

/** One of the examples that have pages. */
export interface DemoExample {
  /** The name for people, for example "Nest on Fastify". */
  framework: string;
  /** The commands at the root: `npm start`, `npm run reset --`. */
  commands: { start: string; reset: string };
  /** Starts to listen. Browsers reach it at `origins`. */
  listen(host: DemoHost, options: { port: number; origins: string[] }): Promise<unknown>;
}

/** Runs the process: `reset NAME`, or listens and prints the address. */
export async function runDemo({ framework, commands, listen }: DemoExample): Promise<void> {
  const host = await createDemoHost();
  if (process.argv[2] === 'reset') {
    process.exitCode = (await resetUser(host, createDemoMfa(host), process.argv[3])) ? 0 : 1;
    await host.close();
    return;
  }
  const port = Number(process.env.PORT || 3000);
  const origin = process.env.ORIGIN ?? `http://localhost:${port}`;
  try {
    await listen(host, { port, origins: [origin, `http://127.0.0.1:${port}`] });
  } catch (cause) {
    const { code } = Object(cause) as { code?: string };
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw cause;
    throw new Error(`Port ${port} cannot be used; try PORT=3001 ${commands.start}.`, { cause });
  }
  await printFindings(createDemoMfa(host));
  await printWelcome(host, { origin, framework, reset: commands.reset });
}
