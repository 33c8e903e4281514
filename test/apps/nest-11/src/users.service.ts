import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { User } from './user.entity';

@Injectable()
export class UsersService {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  async add(id: string, email: string, password: string): Promise<void> {
    const salt = randomBytes(16);
    const passwordDigest = `${salt.toString('hex')}:${scryptSync(password, salt, 32).toString('hex')}`;
    await this.users.save({ id, email, passwordDigest });
  }

  find(id: string): Promise<User | null> {
    return this.users.findOneBy({ id });
  }

  async checkPassword(email: string, password: string): Promise<User | null> {
    const user = await this.users.findOneBy({ email });
    const [salt = '', digest = ''] = user?.passwordDigest.split(':') ?? [];
    const right = Buffer.from(digest, 'hex');
    const given = scryptSync(password, Buffer.from(salt, 'hex'), 32);
    return right.length === given.length && timingSafeEqual(right, given) ? user : null;
  }

  async setMfa(id: string, mfaEnrolled: boolean): Promise<void> {
    await this.users.update({ id }, { mfaEnrolled });
  }
}
