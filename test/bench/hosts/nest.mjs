import 'reflect-metadata';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { MfaModule, RequireMfa } from '@mfa-kit/nest';
import { Controller, Get, Inject, Module, Req, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import session from 'express-session';
import { givenServers, keepConnections, openStorage, report, SECRET, USER } from './common.mjs';

class EmptyGuard {
  canActivate() {
    return true;
  }
}

function guardByHand(byHand) {
  return class GuardByHand {
    canActivate(context) {
      return byHand(context.switchToHttp().getRequest().session);
    }
  };
}

/** The guard of Nest's documentation on authentication. */
class JwtGuard {
  constructor(jwtService) {
    this.jwtService = jwtService;
  }
  async canActivate(context) {
    const request = context.switchToHttp().getRequest();
    const [type, token] = request.headers.authorization?.split(' ') ?? [];
    if (type !== 'Bearer') return false;
    request.claims = await this.jwtService.verifyAsync(token, { issuer: 'acme', audience: 'app', algorithms: ['HS256'] });
    return true;
  }
}
Inject(JwtService)(JwtGuard, undefined, 0);

const { platform, ...given } = givenServers();
const app = await createApp(await openStorage(given));
await app.listen(0, '127.0.0.1');
keepConnections(app.getHttpServer());
report(app.getHttpServer().address().port);

async function createApp(storage) {
  class AppModule {}
  Module({
    imports: [
      MfaModule.forRoot({
        mfa: storage.mfa,
        user: () => USER,
        loginUrl: '/login',
        allowedOrigins: ['http://localhost'],
        isGlobal: true,
      }),
    ],
    controllers: [controllerOf(storage)],
    providers: [{ provide: JwtService, useValue: new JwtService({ secret: SECRET }) }],
  })(AppModule);

  const adapter = platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter, { logger: ['error'] });
  if (platform === 'fastify') {
    await app.register(fastifyCookie);
    await app.register(fastifySession, {
      secret: SECRET,
      cookieName: 'sid',
      cookie: { secure: false },
      saveUninitialized: false,
    });
  } else {
    app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, name: 'sid' }));
  }
  return app;
}

function controllerOf(storage) {
  class HostController {
    login(request) {
      if (platform === 'fastify') request.session.set('mfa', storage.session);
      else request.session.mfa = storage.session;
      return { ok: true };
    }
    unguarded() {
      return { ok: true };
    }
    empty() {
      return { ok: true };
    }
    guarded() {
      return { ok: true };
    }
    byHand() {
      return { ok: true };
    }
    jwt() {
      return { ok: true };
    }
    async bareRead() {
      await storage.bareRead();
      return { ok: true };
    }
  }

  function decorate(name, ...decorators) {
    const descriptor = Object.getOwnPropertyDescriptor(HostController.prototype, name);
    for (const decorator of decorators) decorator(HostController.prototype, name, descriptor);
  }
  decorate('login', Get('login'), (...at) => Req()(at[0], at[1], 0));
  decorate('unguarded', Get('unguarded'));
  decorate('empty', Get('empty'), UseGuards(EmptyGuard));
  decorate('guarded', Get('guarded'), RequireMfa());
  decorate('byHand', Get('by-hand'), UseGuards(guardByHand(storage.byHand)));
  decorate('jwt', Get('nestjs-jwt'), UseGuards(JwtGuard));
  if (storage.bareRead) decorate('bareRead', Get('bare-read'));
  Controller()(HostController);
  return HostController;
}
