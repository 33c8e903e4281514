import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class User {
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { unique: true })
  email!: string;

  @Column('text')
  passwordDigest!: string;

  /** The application's own memory of who has an authenticator. */
  @Column('boolean', { default: false })
  mfaEnrolled!: boolean;
}
