export declare class UsersModule {}

export declare class UsersService {
  findById(id?: string): Promise<{ id: number; email: string; mfaEnrolled: boolean } | undefined>;
  setMfaEnrolled(id: string, enrolled: boolean): Promise<void>;
}
