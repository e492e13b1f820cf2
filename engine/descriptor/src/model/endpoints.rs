use super::Template;

/// `endpoints`: names of RFC 8414 and OpenID Connect Discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    pub authorization_endpoint: Option<Template>,
    pub token_endpoint: Option<Template>,
    pub userinfo_endpoint: Option<Template>,
    pub revocation_endpoint: Option<Template>,
    pub introspection_endpoint: Option<Template>,
    pub device_authorization_endpoint: Option<Template>,
    pub end_session_endpoint: Option<Template>,
    pub registration_endpoint: Option<Template>,
    pub pushed_authorization_request_endpoint: Option<Template>,
    pub jwks_uri: Option<Template>,
}

/// The name of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    Authorization,
    Token,
    Userinfo,
    Revocation,
    Introspection,
    DeviceAuthorization,
    EndSession,
    Registration,
    PushedAuthorizationRequest,
    JwksUri,
}

impl Endpoint {
    /// Every endpoint, in the order of the descriptor.
    pub const ALL: [Self; 10] = [
        Self::Authorization,
        Self::Token,
        Self::Userinfo,
        Self::Revocation,
        Self::Introspection,
        Self::DeviceAuthorization,
        Self::EndSession,
        Self::Registration,
        Self::PushedAuthorizationRequest,
        Self::JwksUri,
    ];

    /// The name in a descriptor and in server metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization_endpoint",
            Self::Token => "token_endpoint",
            Self::Userinfo => "userinfo_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::Introspection => "introspection_endpoint",
            Self::DeviceAuthorization => "device_authorization_endpoint",
            Self::EndSession => "end_session_endpoint",
            Self::Registration => "registration_endpoint",
            Self::PushedAuthorizationRequest => "pushed_authorization_request_endpoint",
            Self::JwksUri => "jwks_uri",
        }
    }
}

impl Endpoints {
    /// The URL template of an endpoint.
    pub const fn get(&self, endpoint: Endpoint) -> Option<&Template> {
        match endpoint {
            Endpoint::Authorization => self.authorization_endpoint.as_ref(),
            Endpoint::Token => self.token_endpoint.as_ref(),
            Endpoint::Userinfo => self.userinfo_endpoint.as_ref(),
            Endpoint::Revocation => self.revocation_endpoint.as_ref(),
            Endpoint::Introspection => self.introspection_endpoint.as_ref(),
            Endpoint::DeviceAuthorization => self.device_authorization_endpoint.as_ref(),
            Endpoint::EndSession => self.end_session_endpoint.as_ref(),
            Endpoint::Registration => self.registration_endpoint.as_ref(),
            Endpoint::PushedAuthorizationRequest => self.pushed_authorization_request_endpoint.as_ref(),
            Endpoint::JwksUri => self.jwks_uri.as_ref(),
        }
    }
}
