import { createDemoHost, printWelcome, resetUser } from '@mfa-kit-examples/demo-host';
import { createApp, createDemoMfa } from './app.js';

const host = await createDemoHost();
if (process.argv[2] === 'reset') {
  process.exitCode = (await resetUser(host, createDemoMfa(host), process.argv[3])) ? 0 : 1;
  await host.close();
} else {
  const port = process.env.PORT || '3000';
  const origins = [process.env.ORIGIN ?? `http://localhost:${port}`, `http://127.0.0.1:${port}`];
  createApp(host, { origins }).listen(port, (error) => {
    if (error) throw new Error(`Port ${port} cannot be used; try PORT=3001 npm start.`, { cause: error });
    void printWelcome(host, origins[0]);
  });
}
