import { type Problem, problemExtensions } from '@mfa-kit/core/http';
import { HttpException } from '@nestjs/common';

/** A refusal with the problem document of the kit's answer, for the host's filters, logs and GraphQL. */
export class MfaException extends HttpException {
  /** The body of the answer, RFC 9457. */
  readonly problem: Problem;
  /** The headers of the answer, without cookies. */
  readonly headers: readonly [name: string, value: string][];
  /** The extensions of the GraphQL error: the problem document and a code. */
  readonly extensions: Problem & { code: string };

  constructor(problem: Problem, options: { headers?: readonly [name: string, value: string][]; cause?: unknown } = {}) {
    super(problem, problem.status, { cause: options.cause });
    this.message = problem.title;
    this.problem = problem;
    this.headers = options.headers ?? [];
    this.extensions = problemExtensions(problem);
  }
}
