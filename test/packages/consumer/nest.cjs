// An application as the output of a CommonJS build, without type metadata and with require().
require('reflect-metadata');
const { Controller, Get, Inject, Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { createMfa } = require('@mfa-kit/core');
const { memoryStorage } = require('@mfa-kit/core/storage/memory');
const { InjectMfa, MfaGuard, MfaModule, RequireMfa } = require('@mfa-kit/nest');

class CasesController {
  cases() {
    return 'inside';
  }
}
Get('cases')(CasesController.prototype, 'cases', Object.getOwnPropertyDescriptor(CasesController.prototype, 'cases'));
InjectMfa()(CasesController, undefined, 0);
Inject(MfaGuard)(CasesController, undefined, 1);
Controller()(CasesController);
RequireMfa()(CasesController);

class AppModule {}
const key = { id: '1', secret: 'q1W0nE7gk5RrJ9sZbX2mVtYp8uLcA4dFhGiKoN3wT6E=' };
const mfa = createMfa({ issuer: 'Acme', keys: [key], storage: memoryStorage() });
const options = { mfa, user: () => null, loginUrl: '/login', session: false };
Module({ imports: [MfaModule.forRoot({ ...options, isGlobal: true })], controllers: [CasesController] })(AppModule);

async function main() {
  const app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const answer = await fetch(`${await app.getUrl()}/cases`);
  process.stdout.write(`${answer.status} ${(await answer.json()).reason}\n`);
  await app.close();
}
void main();
