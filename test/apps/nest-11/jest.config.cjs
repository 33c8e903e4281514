// The kit and jose are ESM, which Jest on Node 20 loads only if they are transformed.
module.exports = {
  roots: ['<rootDir>/dist'],
  testRegex: '\\.e2e-spec\\.js$',
  transformIgnorePatterns: ['/node_modules/(?!(@mfa-kit|@otplib|jose|@scure|@noble)/)'],
  transform: { '\\.[cm]?js$': ['babel-jest', { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }] },
};
