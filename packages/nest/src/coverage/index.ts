export {
  type CoverageOptions,
  type CoverageReport,
  type CoverageStatus,
  type CoveredRoute,
  formatCoverage,
} from '@mfa-kit/core/http/coverage';
export { assertMfaCoverage, mfaCoverage } from './coverage.js';
