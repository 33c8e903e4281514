import { createDemoHost, createDemoMfa, resetUser } from '@mfa-kit-examples/demo-host';
import { createApp } from './app.js';

const host = await createDemoHost();
if (process.argv[2] === 'reset') {
  process.exitCode = (await resetUser(host, createDemoMfa(host), process.argv[3])) ? 0 : 1;
  await host.close();
} else {
  const port = process.env.PORT || '3000';
  const { SPA_ORIGIN: spaOrigin } = process.env;
  const app = await createApp(host, spaOrigin === undefined ? {} : { spaOrigin });
  app.listen(port, (error) => {
    if (error) throw new Error(`Port ${port} cannot be used; try PORT=3001 npm run start:bearer.`, { cause: error });
    const lines = [
      '',
      `  The API of Larkfield Legal, an mfa-kit demo, is at  http://localhost:${port}`,
      '',
      '  Users        ada (MFA required), grace (optional), alan (two weeks to set it up)',
      `  Password     ${host.demoPassword}`,
      '  Try          npm run client -w examples/bearer-api              with your own authenticator app',
      '               npm run client -w examples/bearer-api -- --demo    makes the codes itself',
      `  Other pages  ${spaOrigin ?? 'none; SPA_ORIGIN=https://app.example lets one in'}`,
      `  Data         ${host.database.description}`,
      ...host.warnings.map((warning) => `  Warning      ${warning}`),
      '',
    ];
    console.log(lines.join('\n'));
  });
}
