//! What the tests share: clients of one made-up provider.

use std::collections::BTreeMap;

use grantry_engine::{Client, Credential, Descriptor};
use grantry_tests::script::{Script, TestClock};

/// The issuer of [`ACME`].
pub(crate) const ISSUER: &str = "https://acme.example";

/// A secret that is long enough for HS256.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A provider with every endpoint and grant.
pub(crate) const ACME: &str = "
name: Acme
documentation: https://docs.acme.example/
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
  userinfo_endpoint: https://acme.example/userinfo
  revocation_endpoint: https://acme.example/revoke
  introspection_endpoint: https://acme.example/introspect
  device_authorization_endpoint: https://acme.example/device
  end_session_endpoint: https://acme.example/logout
  jwks_uri: https://acme.example/jwks
grant_types_supported:
  - authorization_code
  - implicit
  - password
  - client_credentials
  - refresh_token
  - urn:ietf:params:oauth:grant-type:device_code
  - urn:ietf:params:oauth:grant-type:jwt-bearer
  - urn:ietf:params:oauth:grant-type:token-exchange
client_authentication:
  methods: [client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none]
requests:
  base_url: https://api.acme.example/v1/
";

/// A client of a descriptor's, against the script, on the test's clock.
pub(crate) fn client_of(yaml: &str, credential: impl Into<Credential>, script: &Script, clock: &TestClock) -> Client {
    let descriptor = Descriptor::from_yaml(yaml, "acme.yaml").unwrap_or_else(|problems| panic!("{problems}"));
    let client = Client::from_descriptor(descriptor, BTreeMap::new(), "dev", credential.into()).unwrap();
    client.redirect_uri("https://app.example/callback").unwrap().transport(script.transport()).clock(clock.clone())
}

/// A client of [`ACME`].
pub(crate) fn client(credential: impl Into<Credential>, script: &Script) -> Client {
    client_of(ACME, credential, script, &TestClock::default())
}
