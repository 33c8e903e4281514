import { runDemo } from '@mfa-kit-examples/demo-host';
import { createApp } from './app.js';

await runDemo({
  framework: 'Express',
  commands: { start: 'npm start', reset: 'npm run reset --' },
  listen: (host, { port, origins }) =>
    new Promise<void>((resolve, reject) => {
      createApp(host, { origins }).listen(port, (error) => (error ? reject(error) : resolve()));
    }),
});
