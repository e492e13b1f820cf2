//! What a descriptor supports: the traits of `grantry::supports`, and the methods that they open.

use grantry_descriptor::List;
use grantry_descriptor::model::*;

use crate::names::Names;
use crate::quote::{Leaf, mentions};

/// A trait of `grantry::supports`.
pub(crate) struct Capability {
    /// The trait's name.
    pub(crate) name: &'static str,
    pub(crate) is_supported: fn(&Model) -> bool,
    /// What it opens: "to …, call …".
    pub(crate) methods: &'static [(&'static str, &'static str)],
}

/// Every capability that a descriptor decides, in protocol order.
pub(crate) const CAPABILITIES: [Capability; 19] = [
    Capability { name: "ClientSecret", is_supported: takes_client_secret, methods: &[] },
    Capability { name: "PrivateKey", is_supported: takes_private_key, methods: &[] },
    Capability { name: "WithoutHooks", is_supported: |model| model.hooks.is_empty(), methods: &[] },
    Capability { name: "DefaultVariables", is_supported: needs_no_variables, methods: &[] },
    Capability { name: "WithoutDiscovery", is_supported: |model| !is_discovered(model), methods: &[] },
    Capability { name: "OpenId", is_supported: |model| model.openid.is_some(), methods: &[] },
    Capability {
        name: "AuthorizationCode",
        is_supported: |model| model.grants.contains(&Grant::AuthorizationCode),
        methods: &[("send the user to the provider", "Client::authorize")],
    },
    Capability {
        name: "Implicit",
        is_supported: |model| model.grants.contains(&Grant::Implicit),
        methods: &[("get tokens through the browser", "Client::implicit")],
    },
    Capability {
        name: "SignIn",
        is_supported: |model| model.grants.iter().any(|grant| matches!(grant, Grant::AuthorizationCode | Grant::Implicit)),
        methods: &[("answer the callback", "Client::exchange")],
    },
    Capability {
        name: "DeviceAuthorization",
        is_supported: |model| model.grants.contains(&Grant::DeviceCode),
        methods: &[("sign in on another device", "Client::device")],
    },
    Capability {
        name: "Password",
        is_supported: |model| model.grants.contains(&Grant::Password),
        methods: &[("sign in with a password", "Client::password")],
    },
    Capability {
        name: "ClientCredentials",
        is_supported: |model| model.grants.contains(&Grant::ClientCredentials),
        methods: &[("authorize the application itself", "Client::client_credentials")],
    },
    Capability {
        name: "JwtBearer",
        is_supported: |model| model.grants.contains(&Grant::JwtBearer),
        methods: &[("exchange an assertion", "Client::jwt_bearer")],
    },
    Capability {
        name: "TokenExchange",
        is_supported: |model| model.grants.contains(&Grant::TokenExchange),
        methods: &[("exchange a token for another", "Client::token_exchange")],
    },
    Capability {
        name: "RefreshToken",
        is_supported: |model| model.grants.contains(&Grant::RefreshToken),
        methods: &[("renew a token", "Client::refresh")],
    },
    Capability {
        name: "Revocation",
        is_supported: |model| model.endpoints.revocation_endpoint.is_some(),
        methods: &[("give a token back", "Client::revoke")],
    },
    Capability {
        name: "Introspection",
        is_supported: |model| model.endpoints.introspection_endpoint.is_some(),
        methods: &[("ask about a token", "Client::introspect")],
    },
    Capability {
        name: "UserInfo",
        is_supported: |model| model.userinfo.is_some(),
        methods: &[("read the user's profile", "Session::profile")],
    },
    Capability {
        name: "EndSession",
        is_supported: |model| model.endpoints.end_session_endpoint.is_some(),
        methods: &[("end the user's session at the provider", "Client::end_session")],
    },
];

/// The method that makes a client.
pub(crate) fn constructor(model: &Model) -> &'static str {
    match (model.hooks.is_empty(), needs_no_variables(model)) {
        (true, true) if is_discovered(model) => "Client::discover",
        _ if is_discovered(model) => "Client::discover_with",
        (true, true) => "Client::new",
        (true, false) => "Client::with",
        (false, _) => "Client::with_hooks",
    }
}

/// Whether the endpoints are the provider's to tell.
fn is_discovered(model: &Model) -> bool {
    let endpoints = &model.endpoints;
    let is_bare = endpoints.authorization_endpoint.is_none() && endpoints.token_endpoint.is_none();
    is_bare && (model.openid.is_some() || model.discovery.is_some())
}

/// Whether requests have somewhere to go: a base URL, or origins for absolute ones.
pub(crate) fn calls_an_api(model: &Model) -> bool {
    model.requests.base_url.is_some() || !model.requests.api_origins.is_empty()
}

/// Whether id tokens are verified or JWTs signed: feature `jose`.
pub(crate) fn needs_jose(model: &Model) -> bool {
    model.openid.is_some()
        || model.client_authentication.assertion.is_some()
        || !model.service_accounts.is_empty()
        || mentions(model, |leaf| {
            matches!(leaf, Leaf::Method(AuthenticationMethod::ClientSecretJwt | AuthenticationMethod::PrivateKeyJwt))
        })
}

fn needs_no_variables(model: &Model) -> bool {
    Names::of(model).required().next().is_none()
}

/// A secret that an assertion generates is none of the application's.
fn takes_client_secret(model: &Model) -> bool {
    let sends_secret = |leaf: Leaf<'_>| match leaf {
        Leaf::Method(method) => matches!(
            method,
            AuthenticationMethod::ClientSecretBasic
                | AuthenticationMethod::ClientSecretPost
                | AuthenticationMethod::ClientSecretJwt
        ),
        Leaf::Value(_) => false,
    };
    let names_secret = |leaf: Leaf<'_>| matches!(leaf, Leaf::Value(Value::Engine(EngineValue::ClientSecret)));
    let generated = generating_assertion(model).is_some();
    (!generated && mentions(model, sends_secret))
        || mentions(&model.client_authentication.assertion, names_secret)
        || mentions(&without_credential(model), names_secret)
        || model.callback.signature == Some(CallbackSignature::Hmac)
}

fn takes_private_key(model: &Model) -> bool {
    generating_assertion(model).is_some()
        || mentions(&without_credential(model), |leaf| {
            matches!(leaf, Leaf::Value(Value::Engine(EngineValue::PrivateKey | EngineValue::KeyId)))
        })
        || mentions(&without_credential(model), |leaf| matches!(leaf, Leaf::Method(AuthenticationMethod::PrivateKeyJwt)))
}

/// The assertion that is signed with the application's key.
fn generating_assertion(model: &Model) -> Option<&Assertion> {
    model.client_authentication.assertion.as_ref().filter(|assertion| assertion.key.is_none())
}

/// The model without what has templates and keys of its own: the halves of HTTP Basic, and service accounts.
fn without_credential(model: &Model) -> Model {
    let mut model = model.clone();
    let empty = Template { parts: List::default() };
    model.client_authentication.username = empty.clone();
    model.client_authentication.password = empty;
    model.client_authentication.assertion = None;
    model.service_accounts = List::default();
    model
}
