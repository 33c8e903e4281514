import { runDemo } from '@mfa-kit-examples/demo-host';
import { createApp } from './app.js';

const { PLATFORM = 'express' } = process.env;
if (PLATFORM !== 'express' && PLATFORM !== 'fastify') throw new Error('PLATFORM is neither express nor fastify.');

await runDemo({
  framework: PLATFORM === 'fastify' ? 'Nest on Fastify' : 'Nest on Express',
  commands: { start: 'npm run start:nest', reset: 'npm run reset -w examples/nest --' },
  listen: async (host, { port, origins }) => (await createApp(PLATFORM, { host, origins })).listen(port),
});
