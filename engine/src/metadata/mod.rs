//! What a server says about itself: OAuth 2.0 Authorization Server Metadata (RFC 8414) and OpenID Connect Discovery 1.0.
//!
//! Nothing here does I/O. [`openid_configuration_url`] and [`oauth_authorization_server_url`] say where a document is;
//! [`Metadata::parse_openid`] and [`Metadata::parse`] read it.
//!
//! Two kinds of rules are applied. A document that breaks one that security depends on, or with which nothing can be done, is an
//! error. What else the standards require, and real servers leave out, is in [`Metadata::findings`].

mod address;
mod checks;
mod error;
mod language;
mod members;
#[cfg(test)]
mod tests;
mod well_known;

use serde_json::Value;
use url::Url;

pub(crate) use self::address::is_loopback;
pub use self::address::{is_secure_transport, issuer_url};
pub use self::error::MetadataError;
pub(crate) use self::language::is_well_formed as is_language_tag;
use self::members::Members;
pub use self::well_known::{oauth_authorization_server_url, openid_configuration_url, well_known_url};
use crate::phase::json;

/// Which standard a document follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OAuth,
    OpenId,
}

/// Makes the struct and what reads it from one table, so that a member's name is written once. A row is a field, and the function
/// of [`Members`] that reads it.
macro_rules! members {
    ($(#[$of_struct:meta])* pub struct $Struct:ident {
        $($(#[$of_field:meta])* pub $member:ident: $Type:ty = $read:ident($($argument:expr),*);)*
    }) => {
        $(#[$of_struct])*
        pub struct $Struct {
            $($(#[$of_field])* pub $member: $Type,)*
            findings: Vec<MetadataError>,
        }

        impl $Struct {
            fn read(mut members: Members<'_>) -> Result<Self, MetadataError> {
                Ok(Self {
                    $($member: members.$read(stringify!($member) $(, $argument)*)?,)*
                    findings: members.findings,
                })
            }
        }
    };
}

members! {
    /// The metadata of an authorization server. A field is what the member of the same name says.
    ///
    /// What has no field here is not read: no document can change a client's settings, its scopes or how it connects.
    ///
    /// Where the standards have a default, a member that is missing has it; where they have none, it is `None`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Metadata {
        /// The issuer identifier, which is the one that was asked for (RFC 8414 section 2, OpenID Connect Discovery section 3).
        pub issuer: String = issuer();
        /// RFC 6749 section 3.1; RFC 8414 section 2.
        pub authorization_endpoint: Option<Url> = endpoint();
        /// RFC 6749 section 3.2; RFC 8414 section 2.
        pub token_endpoint: Option<Url> = endpoint();
        /// OpenID Connect Core section 5.3; OpenID Connect Discovery section 3.
        pub userinfo_endpoint: Option<Url> = endpoint();
        /// The key set (RFC 8414 section 2).
        pub jwks_uri: Option<Url> = endpoint();
        /// RFC 7009; RFC 8414 section 2.
        pub revocation_endpoint: Option<Url> = endpoint();
        /// RFC 7662; RFC 8414 section 2.
        pub introspection_endpoint: Option<Url> = endpoint();
        /// RFC 8628 section 4.
        pub device_authorization_endpoint: Option<Url> = endpoint();
        /// OpenID Connect RP-Initiated Logout section 2.1.
        pub end_session_endpoint: Option<Url> = endpoint();
        /// RFC 7591; RFC 8414 section 2.
        pub registration_endpoint: Option<Url> = endpoint();
        /// RFC 9126 section 5.
        pub pushed_authorization_request_endpoint: Option<Url> = endpoint();
        /// What a client with a certificate uses instead (RFC 8705 section 5).
        pub mtls_endpoint_aliases: MtlsEndpointAliases = aliases();

        /// The scopes that the server tells of; there may be more (RFC 8414 section 2).
        pub scopes_supported: Option<Vec<String>> = list();
        /// RFC 8414 section 2.
        pub response_types_supported: Option<Vec<String>> = list();
        /// RFC 8414 section 2. Default: `query` and `fragment`.
        pub response_modes_supported: Vec<String> = list_or(&["query", "fragment"]);
        /// RFC 8414 section 2. Default: `authorization_code` and `implicit`.
        pub grant_types_supported: Vec<String> = list_or(&["authorization_code", "implicit"]);
        /// Methods of PKCE; `None`: the server does not tell of any (RFC 8414 section 2).
        pub code_challenge_methods_supported: Option<Vec<String>> = list();

        /// RFC 8414 section 2. Default: `client_secret_basic`.
        pub token_endpoint_auth_methods_supported: Vec<String> = list_or(&["client_secret_basic"]);
        /// Never `none` (RFC 8414 section 2).
        pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>> = assertion_algorithms();
        /// RFC 8414 section 2. Default: `client_secret_basic`.
        pub revocation_endpoint_auth_methods_supported: Vec<String> = list_or(&["client_secret_basic"]);
        /// Never `none` (RFC 8414 section 2).
        pub revocation_endpoint_auth_signing_alg_values_supported: Option<Vec<String>> = assertion_algorithms();
        /// RFC 8414 section 2.
        pub introspection_endpoint_auth_methods_supported: Option<Vec<String>> = list();
        /// Never `none` (RFC 8414 section 2).
        pub introspection_endpoint_auth_signing_alg_values_supported: Option<Vec<String>> = assertion_algorithms();

        /// Without `none`, whatever the document has (OpenID Connect Discovery section 3).
        pub id_token_signing_alg_values_supported: Option<Vec<String>> = signing_algorithms();
        /// OpenID Connect Discovery section 3.
        pub subject_types_supported: Option<Vec<String>> = list_of(&["public", "pairwise"]);
        /// OpenID Connect Discovery section 3.
        pub claims_supported: Option<Vec<String>> = list();
        /// OpenID Connect Discovery section 3. Default: `normal`.
        pub claim_types_supported: Vec<String> = list_of_or(&["normal", "aggregated", "distributed"], "normal");
        /// OpenID Connect Discovery section 3.
        pub display_values_supported: Option<Vec<String>> = list_of(&["page", "popup", "touch", "wap"]);
        /// Language tags (RFC 8414 section 2).
        pub ui_locales_supported: Option<Vec<String>> = locales();
        /// Language tags (OpenID Connect Discovery section 3).
        pub claims_locales_supported: Option<Vec<String>> = locales();

        /// OpenID Connect Discovery section 3. Default: false.
        pub claims_parameter_supported: bool = flag(false);
        /// OpenID Connect Discovery section 3. Default: false.
        pub request_parameter_supported: bool = flag(false);
        /// OpenID Connect Discovery section 3. Default: true.
        pub request_uri_parameter_supported: bool = flag(true);
        /// OpenID Connect Discovery section 3. Default: false.
        pub require_request_uri_registration: bool = flag(false);
        /// RFC 9126 section 5. Default: false.
        pub require_pushed_authorization_requests: bool = flag(false);
        /// Whether every authorization response has `iss` (RFC 9207 section 3). Default: false.
        pub authorization_response_iss_parameter_supported: bool = flag(false);
        /// OpenID Connect Back-Channel Logout section 2.1. Default: false.
        pub backchannel_logout_supported: bool = flag(false);
        /// OpenID Connect Back-Channel Logout section 2.1. Default: false.
        pub backchannel_logout_session_supported: bool = flag(false);
        /// OpenID Connect Front-Channel Logout section 3. Default: false.
        pub frontchannel_logout_supported: bool = flag(false);
        /// OpenID Connect Front-Channel Logout section 3. Default: false.
        pub frontchannel_logout_session_supported: bool = flag(false);

        /// A page for developers (RFC 8414 section 2).
        pub service_documentation: Option<Url> = page();
        /// A page for people who register a client (RFC 8414 section 2).
        pub op_policy_uri: Option<Url> = page();
        /// A page for people who register a client (RFC 8414 section 2).
        pub op_tos_uri: Option<Url> = page();
    }
}

impl Metadata {
    /// Reads an OAuth 2.0 document (RFC 8414 section 3.2). `issuer` is the identifier from which its address was made; the
    /// document must have the same, code point by code point (section 3.3).
    pub fn parse(issuer: &str, body: &[u8]) -> Result<Self, MetadataError> {
        Self::parse_as(Kind::OAuth, issuer, body)
    }

    /// Reads an OpenID Connect document (OpenID Connect Discovery section 4.2). As [`Metadata::parse`], with the rules that hold
    /// for OpenID providers only.
    pub fn parse_openid(issuer: &str, body: &[u8]) -> Result<Self, MetadataError> {
        Self::parse_as(Kind::OpenId, issuer, body)
    }

    /// What the standards require and the document does not have. A client can use the server all the same.
    pub fn findings(&self) -> &[MetadataError] {
        &self.findings
    }

    fn parse_as(kind: Kind, issuer: &str, body: &[u8]) -> Result<Self, MetadataError> {
        let document = match json::parse(body) {
            Ok(Value::Object(document)) => document,
            Ok(_) => return Err(MetadataError::of_document("is not a JSON object")),
            Err(error) => return Err(MetadataError::of_document(format!("cannot be read: {error}"))),
        };
        let mut metadata = Self::read(Members::new(&document, issuer))?;
        if let Some(error) = checks::unusable(&metadata, kind) {
            return Err(error);
        }
        metadata.findings.append(&mut checks::formal(&metadata, kind));
        Ok(metadata)
    }
}

/// The endpoints for clients with a certificate (RFC 8705 section 5). `None`: the endpoint of [`Metadata`] serves them too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MtlsEndpointAliases {
    /// Instead of [`Metadata::token_endpoint`].
    pub token_endpoint: Option<Url>,
    /// Instead of [`Metadata::userinfo_endpoint`].
    pub userinfo_endpoint: Option<Url>,
    /// Instead of [`Metadata::revocation_endpoint`].
    pub revocation_endpoint: Option<Url>,
    /// Instead of [`Metadata::introspection_endpoint`].
    pub introspection_endpoint: Option<Url>,
    /// Instead of [`Metadata::device_authorization_endpoint`].
    pub device_authorization_endpoint: Option<Url>,
    /// Instead of [`Metadata::registration_endpoint`].
    pub registration_endpoint: Option<Url>,
    /// Instead of [`Metadata::pushed_authorization_request_endpoint`].
    pub pushed_authorization_request_endpoint: Option<Url>,
}

impl MtlsEndpointAliases {
    fn read(members: &mut Members<'_>) -> Result<Self, MetadataError> {
        Ok(Self {
            token_endpoint: members.endpoint("token_endpoint")?,
            userinfo_endpoint: members.endpoint("userinfo_endpoint")?,
            revocation_endpoint: members.endpoint("revocation_endpoint")?,
            introspection_endpoint: members.endpoint("introspection_endpoint")?,
            device_authorization_endpoint: members.endpoint("device_authorization_endpoint")?,
            registration_endpoint: members.endpoint("registration_endpoint")?,
            pushed_authorization_request_endpoint: members.endpoint("pushed_authorization_request_endpoint")?,
        })
    }
}
