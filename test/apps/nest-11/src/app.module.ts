import type { MfaUser } from '@mfa-kit/core';
import { MfaModule } from '@mfa-kit/nest';
import { Module } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Request } from 'express';
import { DataSource } from 'typeorm';
import { CasesController } from './cases.controller';
import { PasswordStrategy, UserSerializer } from './login';
import { LoginController } from './login.controller';
import { CLOCK, createAppMfa } from './mfa';
import { User } from './user.entity';
import { UsersService } from './users.service';

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  providers: [UsersService, { provide: CLOCK, useValue: () => Date.now() }],
  exports: [UsersService, CLOCK],
})
export class UsersModule {}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'sqljs', entities: [User], synchronize: true }),
    PassportModule.register({ session: true }),
    UsersModule,
    MfaModule.forRootAsync<MfaUser, Request>({
      isGlobal: true,
      imports: [UsersModule],
      inject: [DataSource, UsersService, CLOCK],
      useFactory: async (dataSource: DataSource, users: UsersService, clock: () => number) => ({
        mfa: await createAppMfa(dataSource, users, clock),
        user: ({ request }) => {
          const user = request.user as User | undefined;
          return user && { id: user.id, name: user.email, enrolled: user.mfaEnrolled };
        },
        loginUrl: '/login',
      }),
    }),
  ],
  controllers: [LoginController, CasesController],
  providers: [PasswordStrategy, UserSerializer],
})
export class AppModule {}
