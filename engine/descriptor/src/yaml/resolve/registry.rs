//! Left-hand names: the IANA OAuth Parameters registry and OpenID Connect, by where they mean something.

/// Authorization requests (RFC 6749 section 4.1.1, RFC 7636, RFC 8707, OpenID Connect Core section 3.1.2.1).
pub(super) const AUTHORIZATION: &[&str] = &[
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "response_mode",
    "nonce",
    "display",
    "prompt",
    "max_age",
    "ui_locales",
    "claims_locales",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "claims",
    "registration",
    "request",
    "request_uri",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "authorization_details",
];

/// Requests of the client itself (RFC 6749, 7009, 7521, 7636, 7662, 8628, 8693, 8707).
pub(super) const REQUEST: &[&str] = &[
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "refresh_token",
    "scope",
    "username",
    "password",
    "assertion",
    "device_code",
    "resource",
    "audience",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
    "authorization_details",
    "token",
    "token_type_hint",
];

/// Authorization responses (RFC 6749 sections 4.1.2, 4.2.2, RFC 9207, OpenID Connect Core section 3.3.2.5).
pub(super) const CALLBACK: &[&str] = &[
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "access_token",
    "token_type",
    "expires_in",
    "scope",
    "id_token",
];

/// What an error answer has anywhere (RFC 6749 section 5.2).
const ERROR: [&str; 3] = ["error", "error_description", "error_uri"];

/// Token answers (RFC 6749 section 5.1, RFC 8693 section 2.2.1) and two members that many providers have.
const TOKEN: [&str; 10] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "scope",
    "id_token",
    "issued_token_type",
    "authorization_details",
    "expires_at",
    "refresh_token_expires_in",
];

/// RFC 8628 section 3.2.
const DEVICE: [&str; 6] = ["device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"];

/// RFC 7662 section 2.2.
const INTROSPECTION: [&str; 12] =
    ["active", "scope", "client_id", "username", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti"];

/// The members that a section's response may rename.
#[derive(Clone, Copy, Debug)]
pub(super) enum Members {
    /// `response` at the top level: those of every answer.
    Any,
    Device,
    /// Revocation and profile: errors only.
    Errors,
    Introspection,
    Token,
}

impl Members {
    pub(super) fn names(self) -> Vec<&'static str> {
        let own: &[&[&str]] = match self {
            Self::Any => &[&TOKEN, &DEVICE, &INTROSPECTION],
            Self::Device => &[&DEVICE],
            Self::Errors => &[],
            Self::Introspection => &[&INTROSPECTION],
            Self::Token => &[&TOKEN],
        };
        own.concat().into_iter().chain(ERROR).collect()
    }
}

/// OpenID Connect Core section 5.1.
pub(super) const CLAIMS: [&str; 20] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

/// What a service account's key file may hold.
pub(super) const KEY_FILE: &[&str] =
    &["client_id", "client_secret", "private_key", "private_key_passphrase", "key_id", "subject", "token_endpoint"];

/// Signature algorithms of assertions and id tokens (RFC 7518 section 3.1, RFC 8037).
pub(super) const ALGORITHMS: [&str; 12] =
    ["ES256", "RS256", "PS256", "HS256", "ES384", "RS384", "RS512", "PS384", "PS512", "HS384", "HS512", "EdDSA"];
