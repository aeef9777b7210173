// What the clients for Node.js share: the variables of the test, and a line of output for each flow.
const path = require('node:path')
const { createRequire } = require('node:module')

const { webcrypto } = require('node:crypto') // Node.js 18 has it, under no global name
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

const { env } = process
const library = createRequire(path.join(env.CLIENTS, 'node_modules', 'x'))

exports.library = library
exports.issuer = env.OKAUTH_DOMAIN + '/oauth2/default'
exports.secret = env.OKAUTH_CLIENT_SECRET
exports.user = { username: env.OKAUTH_USERNAME, password: env.OKAUTH_PASSWORD }

// visit goes through the pages that begin at an address, as the user, and returns the address that they lead to.
exports.visit = async (url) => (await fetch(env.BROWSER + '?url=' + encodeURIComponent(url))).text()

exports.want = (condition, what) => {
  if (!condition) throw new Error(what)
}

// run prints a line for each flow.
exports.run = async (flows) => {
  const { lines } = await import('./run.mjs')
  for await (const line of lines(flows)) process.stdout.write(line)
  process.exit(0) // whatever timers the client has left
}
