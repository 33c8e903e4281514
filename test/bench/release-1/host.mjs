// A process with two equal applications, one on each release, on separate ports.
import 'reflect-metadata';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { Controller, Get, Module, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import expressSession from 'express-session';
import { importRelease1 } from '../../upgrade/release-1.mjs';
import { KEY } from '../key.mjs';
import { ownCpu } from './pairs.mjs';

const { framework, presentFirst, reads } = JSON.parse(process.argv[2]);
const SECRET = 'a secret of the host with more than 32 characters';
const USER = { id: 'user-ada', name: 'ada@example.com' };
const HTTP = { user: () => USER, loginUrl: '/login', allowedOrigins: ['http://localhost'] };
const answer = (_req, res) => void res.json({ ok: true });

const loaders = { present: (specifier) => import(specifier), 'release-1': importRelease1 };
const ports = {};
for (const name of presentFirst ? ['present', 'release-1'] : ['release-1', 'present']) ports[name] = await start(loaders[name]);
process.on('disconnect', () => process.exit());
process.on('message', () => process.send(ownCpu()));
process.send(ports);

async function start(load) {
  const { createMfa } = await load('@mfa-kit/core');
  const { memoryStorage } = await load('@mfa-kit/core/storage/memory');
  const { verifiedSession } = await load('@mfa-kit/core/testing');
  const storage = memoryStorage({ losesAllDataOnRestart: true });
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage, ...(!reads && { revocationDelaySeconds: 300 }) });
  const { session } = await verifiedSession(mfa, USER);
  const server = framework === 'express' ? await startExpress(load, mfa, session) : await startNest(load, mfa, session);
  // By default Node closes a connection after five idle seconds, and the pause between two measurements may be longer.
  server.keepAliveTimeout = 600_000;
  return server.address().port;
}

async function startExpress(load, mfa, proven) {
  const { expressMfa } = await load('@mfa-kit/express');
  const app = express();
  app.use(expressSession({ secret: SECRET, resave: false, saveUninitialized: false, name: 'sid' }));
  app.get('/login', (req, res) => {
    req.session.mfa = proven;
    answer(req, res);
  });
  app.get('/guarded', expressMfa(mfa, HTTP).requireMfa(), answer);
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server));
  });
}

async function startNest(load, mfa, proven) {
  const { MfaModule, RequireMfa } = await load('@mfa-kit/nest');
  const fastify = framework === 'nest-fastify';
  class HostController {
    login(request) {
      if (fastify) request.session.set('mfa', proven);
      else request.session.mfa = proven;
      return { ok: true };
    }
    guarded() {
      return { ok: true };
    }
  }
  const decorate = (name, ...decorators) => {
    const descriptor = Object.getOwnPropertyDescriptor(HostController.prototype, name);
    for (const decorator of decorators) decorator(HostController.prototype, name, descriptor);
  };
  decorate('login', Get('login'), (...at) => Req()(at[0], at[1], 0));
  decorate('guarded', Get('guarded'), RequireMfa());
  Controller()(HostController);
  class AppModule {}
  Module({ imports: [MfaModule.forRoot({ mfa, ...HTTP, isGlobal: true })], controllers: [HostController] })(AppModule);

  const app = await NestFactory.create(AppModule, fastify ? new FastifyAdapter() : new ExpressAdapter(), { logger: ['error'] });
  if (fastify) {
    await app.register(fastifyCookie);
    await app.register(fastifySession, {
      secret: SECRET,
      cookieName: 'sid',
      cookie: { secure: false },
      saveUninitialized: false,
    });
  } else {
    app.use(expressSession({ secret: SECRET, resave: false, saveUninitialized: false, name: 'sid' }));
  }
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer();
}
