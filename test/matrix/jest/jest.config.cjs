module.exports = {
  transformIgnorePatterns: ['/node_modules/(?!(@mfa-kit|@otplib|jose|@scure|@noble)/)'],
  transform: { '\\.[cm]?[jt]s$': ['babel-jest', { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] }] },
};
