import { assertMfaCoverage } from '@mfa-kit/express/coverage';

const { app } = await import(new URL('app.js', import.meta.url).href);
// As the README says of this application.
assertMfaCoverage(app, {
  allow: ['POST /login', 'USE / (session)', 'USE / (authenticate)', 'USE / (urlencodedParser)'],
});
await import(new URL('password.js', import.meta.url).href);

const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
