// An OpenID provider on loopback for `cargo xtask live`. Everything that it checks is the library's; this file configures it.
//
// Its first line on stdout is JSON: the issuer, and each client with what it needs to act. It ends when stdin does.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider, { errors } from 'oidc-provider';

// Nothing but the first line goes to stdout: nobody reads on.
console.log = console.info = console.error;

const REDIRECT_URI = 'https://app.example/callback';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const KEYS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};

/** A key pair made for this run: the private half as PEM and JWK, the public one as JWK. */
function keyPair(alg) {
  const { publicKey, privateKey } = generateKeyPairSync(...KEYS[alg]);
  const kid = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url');
  const named = (key) => ({ ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  return { kid, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }), jwk: named(privateKey), publicJwk: named(publicKey) };
}

const clientKeys = Object.fromEntries(Object.keys(KEYS).map((alg) => [alg, keyPair(alg)]));
const providerKeys = Object.keys(KEYS).map((alg) => keyPair(alg).jwk);

/** A client that signs users in, unless `metadata` says otherwise. */
function client(client_id, token_endpoint_auth_method, metadata = {}) {
  const needsSecret = token_endpoint_auth_method.startsWith('client_secret');
  return {
    client_id,
    token_endpoint_auth_method,
    client_secret: needsSecret ? randomBytes(32).toString('base64url') : undefined,
    redirect_uris: [REDIRECT_URI],
    post_logout_redirect_uris: ['https://app.example/goodbye'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    ...metadata,
  };
}

const withoutBrowser = { redirect_uris: [], response_types: [] };
const register = (issuer) => [
  // What breaks where the halves of Basic credentials are not encoded (RFC 6749 section 2.3.1).
  client('basic client:%41+&', 'client_secret_basic', { client_secret: 'p%2Bq r:s&t=u/v+w?~"\'<>' }),
  client('post', 'client_secret_post'),
  client('public', 'none'),
  client('secret-jwt', 'client_secret_jwt'),
  // The id tokens are signed with the client's algorithm, too.
  ...Object.keys(KEYS).map((alg) => client(`key-${alg}`, 'private_key_jwt', {
    token_endpoint_auth_signing_alg: alg,
    id_token_signed_response_alg: alg,
    jwks: { keys: [clientKeys[alg].publicJwk] },
  })),
  client('web', 'client_secret_basic', { backchannel_logout_uri: `${issuer}/live/logout` }),
  client('signed-userinfo', 'client_secret_basic', { userinfo_signed_response_alg: 'ES256' }),
  client('hybrid', 'client_secret_basic', {
    grant_types: ['authorization_code', 'refresh_token', 'implicit'],
    response_types: ['code', 'code id_token', 'id_token'],
  }),
  client('service', 'client_secret_basic', { ...withoutBrowser, grant_types: ['client_credentials'] }),
  client('device', 'none', { ...withoutBrowser, grant_types: [DEVICE_CODE, 'refresh_token'] }),
];

/** What an application knows of its registration. */
const registration = ({ client_secret, token_endpoint_auth_signing_alg: alg }) => ({
  secret: client_secret,
  key: alg && { pem: clientKeys[alg].pem, kid: clientKeys[alg].kid },
});

const ACCOUNTS = { alice: { name: 'Alice Example', email: 'alice@example.test', email_verified: true } };

const configuration = (clients) => ({
  clients,
  jwks: { keys: providerKeys },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  scopes: ['openid', 'offline_access', 'read', 'write'],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...ACCOUNTS[id] }) }),
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  // The library's dispatcher refuses loopback addresses.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    jwtUserinfo: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  ttl: { AccessToken: 3600, AuthorizationCode: 60, ClientCredentials: 600, DeviceCode: 600, Grant: 3600, IdToken: 3600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
});

/** The library takes client_secret_post for client_secret_basic and the reverse: each client is held to its method here. */
function holdToMethod(provider) {
  const compare = provider.Client.prototype.compareClientSecret;
  provider.Client.prototype.compareClientSecret = function strict(secret) {
    const isBasic = Boolean(Provider.ctx?.headers.authorization);
    if (isBasic !== (this.clientAuthMethod === 'client_secret_basic')) {
      throw new errors.InvalidClientAuth(`the client is registered for ${this.clientAuthMethod}`);
    }
    return compare.call(this, secret);
  };
}

/** The application's side of a back-channel logout: keeps what is posted, for whoever asks. */
let logoutTokens = '';
async function receiveLogout(request, response) {
  if (request.method === 'POST') {
    logoutTokens = '';
    for await (const chunk of request) logoutTokens += chunk;
  }
  response.end(logoutTokens);
}

// The issuer is known once the port is.
const server = createServer();
await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
const issuer = `http://127.0.0.1:${server.address().port}`;
const clients = register(issuer);
const provider = new Provider(issuer, configuration(clients));
holdToMethod(provider);
for (const event of ['server_error', 'backchannel.error']) provider.on(event, (ctx, error) => console.error(event, error));
const oidc = provider.callback();
server.on('request', (request, response) => (request.url === '/live/logout' ? receiveLogout : oidc)(request, response));

process.stdin.resume().on('end', () => process.exit());
process.stdout.write(`${JSON.stringify({ issuer, clients: Object.fromEntries(clients.map((one) => [one.client_id, registration(one)])) })}\n`);
