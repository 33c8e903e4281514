import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { setUp } from './set-up';

async function start(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  setUp(app);
  await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
  console.log(await app.getUrl());
}

void start();
