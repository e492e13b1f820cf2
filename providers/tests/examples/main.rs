//! Every example runs: against a scripted service, which tells what the example put on the wire.
#![cfg(feature = "jose")]

mod common;
mod coverage;

mod access_protected_resources;
mod assertion_session;
mod client_authentication;
mod compliance_fix_for_non_standard;
mod google_service_account;
mod jwt_client_authentication;
mod oauth2_openid_connect;
mod oauth2_session_for_authorization_code;
mod oauth2_session_for_client_credentials;
mod oauth2_session_for_implicit;
mod oauth2_session_for_password;
mod openid_connect_hybrid;
mod openid_connect_implicit;
mod pkce;
mod refresh_and_auto_update_token;
mod revoke_and_introspect_token;
