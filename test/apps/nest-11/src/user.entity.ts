import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class User {
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { unique: true })
  email!: string;

  @Column('text')
  passwordDigest!: string;

  /** Whether the user has an authenticator, in the application's own table. */
  @Column('boolean', { default: false })
  mfaEnrolled!: boolean;
}
