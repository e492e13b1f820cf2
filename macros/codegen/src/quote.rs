//! The model -> a constant expression.
//!
//! Structs are destructured without `..` and enums matched without `_`: a new field or variant does not compile until it
//! stands here. The expression names the model's types bare; [`imports`] brings them into its block.

use std::borrow::Cow;
use std::convert::identity;

use ::quote::quote;
use grantry_descriptor::{Deviation, Status, model::*};
use proc_macro2::TokenStream;

/// A part of the model.
pub(crate) trait Quote {
    /// The expression that builds it.
    fn quote(&self) -> TokenStream;

    /// Calls `see` with every leaf in it.
    fn visit(&self, see: &mut dyn FnMut(Leaf<'_>));
}

/// What decides about capabilities, wherever it stands.
pub(crate) enum Leaf<'a> {
    /// What a template names.
    Value(&'a Value),
    Method(AuthenticationMethod),
}

/// What the expressions of [`Quote::quote`] name; `root` is the path to the crate.
pub(crate) fn imports(root: &TokenStream) -> TokenStream {
    quote! {
        #[allow(unused_imports)]
        use #root::{
            Deviation, Status,
            __private::{core::option::Option::{None, Some}, model::*, std::borrow::Cow::Borrowed},
        };
    }
}

/// Whether `part` has a leaf that `is_wanted`.
pub(crate) fn mentions(part: &impl Quote, is_wanted: impl Fn(Leaf<'_>) -> bool) -> bool {
    let mut found = false;
    part.visit(&mut |leaf| found |= is_wanted(leaf));
    found
}

macro_rules! structs {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {$(
        impl Quote for $name {
            fn quote(&self) -> TokenStream {
                let Self { $($field),+ } = self;
                $(let $field = $field.quote();)+
                quote! { $name { $($field: #$field),+ } }
            }

            fn visit(&self, see: &mut dyn FnMut(Leaf<'_>)) {
                let Self { $($field),+ } = self;
                $($field.visit(see);)+
            }
        }
    )+};
}

macro_rules! enums {
    ($($name:ident $(=> $leaf:ident($get:expr))? { $($variant:ident $(($($field:ident),+))?),+ $(,)? })+) => {$(
        impl Quote for $name {
            fn quote(&self) -> TokenStream {
                match self {$(
                    Self::$variant $(($($field),+))? => {
                        $($(let $field = $field.quote();)+)?
                        quote! { $name::$variant $(($(#$field),+))? }
                    }
                )+}
            }

            #[allow(unused_variables)] // where no variant has a field
            fn visit(&self, see: &mut dyn FnMut(Leaf<'_>)) {
                $(see(Leaf::$leaf($get(self)));)?
                match self {$(
                    Self::$variant $(($($field),+))? => { $($($field.visit(see);)+)? }
                )+}
            }
        }
    )+};
}

structs! {
    Model {
        id, name, documentation, status, variables, digests, endpoints, discovery, grants, client_authentication, scopes,
        authorization, callback, token, refresh, client_credentials, password, device_authorization, exchange, requests,
        userinfo, openid, revocation, introspection, service_accounts, hooks, deviations,
    }
    Scopes { separator, default, known }
    Variable { name, default, values, pattern, from, optional, description }
    Digest { name, algorithm, key, message }
    Endpoints {
        authorization_endpoint, token_endpoint, userinfo_endpoint, revocation_endpoint, introspection_endpoint,
        device_authorization_endpoint, end_session_endpoint, registration_endpoint, pushed_authorization_request_endpoint,
        jwks_uri,
    }
    ClientAuthentication { methods, encoding, username, password, assertion }
    Assertion { alg, lifetime, backdate, header, claims, key, key_encoding }
    ServiceAccount { name, request, response, grant_type, assertion, key_file, lifetime }
    Authorization { names, parameters, code_challenge_method, fragment, iss_parameter }
    Callback { names, signature, access_denied }
    Request { url, method, encoding, authentication, names, parameters, headers }
    Parameter { name, value }
    Response { format, content_type, root, names, success }
    Member { name, paths }
    Phase { request, response }
    Token { request, response, lifetime }
    Lifetime { default, unit, zero }
    Refresh { request, response, rotation, replay, invalid_grant }
    DeviceAuthorization { request, response, token }
    Exchange { request, response, after }
    Requests { base_url, api_origins, access_token, parameters, headers }
    Placement { location, name, scheme }
    Userinfo { request, response, additional, claims }
    Additional { name, request, response, when_missing }
    Claim { name, sources }
    ClaimSource { document, path, pattern }
    OpenId {
        issuer, issuer_aliases, issuer_claims, required_claims, nonce, at_hash, id_token_signing_alg_values_supported,
    }
    IssuerClaim { placeholder, claim, pattern, equals }
    Template { parts }
    Path { segments }
    Deviation { path, value, standard }
}

enums! {
    Status { Active, Deprecated(reason), Retired(reason) }
    Hook {
        AccessTokenRequest, AccessTokenResponse, RefreshTokenRequest, RefreshTokenResponse, ProtectedRequest,
        RevokeTokenRequest, IntrospectTokenRequest,
    }
    VariableValue { Text(text), Table(entries) }
    ClaimValue { Text(template), Number(number), List(items) }
    KeyEncoding { Text, Hex }
    DigestAlgorithm { HmacSha256, Sha256, Md5 }
    Endpoint {
        Authorization, Token, Userinfo, Revocation, Introspection, DeviceAuthorization, EndSession, Registration,
        PushedAuthorizationRequest, JwksUri,
    }
    AuthenticationMethod => Method(Clone::clone) {
        ClientSecretBasic, ClientSecretPost, ClientSecretJwt, PrivateKeyJwt, TlsClientAuth, SelfSignedTlsClientAuth, None,
    }
    BasicEncoding { Form, Raw }
    CodeChallengeMethod { S256, Plain, None }
    CallbackSignature { Hmac }
    Method { Get, Post, Put, Patch, Delete }
    Encoding { Form, Json, Query }
    Authentication { Client, Method(method), AccessToken, None }
    Format { Json, Form }
    Grant {
        AuthorizationCode, Implicit, Password, ClientCredentials, RefreshToken, DeviceCode, JwtBearer, TokenExchange,
    }
    Unit { Seconds, Milliseconds }
    Zero { Expired, Never }
    Rotation { Unknown, None, Rotating, ReuseDetected }
    Replay { Unknown, Safe, Grace(seconds), Never }
    Location { Header, Query, Form }
    ClaimDocument { Userinfo, Additional(name), Token, Callback, IdToken, AccessToken }
    Nonce { Required, Absent }
    AtHash { Verify, Ignore }
    Part { Literal(text), Value(value) }
    Value => Value(identity) {
        Variable(name), VariableEntry(variable, entry), Engine(value), Endpoint(endpoint), Digest(name), Token(path),
        Callback(path), IdToken(path), AccessToken(path), Userinfo(path),
    }
    EngineValue {
        AccessToken, Assertion, ClientId, ClientSecret, Code, CodeChallenge, CodeVerifier, KeyId, Nonce, PrivateKey,
        RedirectUri, RefreshToken, Scope, State, Subject, Token, UserAgent, Uuid,
    }
    Segment { Key(name), FirstTruthy(key), FirstEqual(key, value) }
}

impl Quote for bool {
    fn quote(&self) -> TokenStream {
        quote! { #self }
    }

    fn visit(&self, _: &mut dyn FnMut(Leaf<'_>)) {}
}

impl Quote for u64 {
    fn quote(&self) -> TokenStream {
        let number = proc_macro2::Literal::u64_unsuffixed(*self);
        quote! { #number }
    }

    fn visit(&self, _: &mut dyn FnMut(Leaf<'_>)) {}
}

impl Quote for Cow<'static, str> {
    fn quote(&self) -> TokenStream {
        let text: &str = self;
        quote! { Borrowed(#text) }
    }

    fn visit(&self, _: &mut dyn FnMut(Leaf<'_>)) {}
}

impl<T: Quote + Clone> Quote for Cow<'static, [T]> {
    fn quote(&self) -> TokenStream {
        let items = self.iter().map(Quote::quote);
        quote! { Borrowed(&[#(#items),*]) }
    }

    fn visit(&self, see: &mut dyn FnMut(Leaf<'_>)) {
        self.iter().for_each(|item| item.visit(see));
    }
}

impl<T: Quote> Quote for Option<T> {
    fn quote(&self) -> TokenStream {
        match self {
            Some(content) => {
                let content = content.quote();
                quote! { Some(#content) }
            }
            None => quote! { None },
        }
    }

    fn visit(&self, see: &mut dyn FnMut(Leaf<'_>)) {
        self.iter().for_each(|content| content.visit(see));
    }
}

impl<A: Quote, B: Quote> Quote for (A, B) {
    fn quote(&self) -> TokenStream {
        let (first, second) = (self.0.quote(), self.1.quote());
        quote! { (#first, #second) }
    }

    fn visit(&self, see: &mut dyn FnMut(Leaf<'_>)) {
        self.0.visit(see);
        self.1.visit(see);
    }
}
