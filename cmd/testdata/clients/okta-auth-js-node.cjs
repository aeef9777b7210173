const { library, visit, run } = require('./flows.cjs')
const { OktaAuth } = library('@okta/okta-auth-js')

import('./okta-auth-js.mjs').then(({ flows }) => run(flows(OktaAuth, process.env.OKAUTH_DOMAIN, visit)))
