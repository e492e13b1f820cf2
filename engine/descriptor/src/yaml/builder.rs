use super::Node;
use super::diagnostic::{Diagnostics, Source};
use super::resolve::Origin;
use crate::Descriptor;

/// Builds a [`Descriptor`] from plain URLs, with the same checks as a file.
///
/// ```
/// # use grantry_descriptor::Descriptor;
/// let acme = Descriptor::builder("acme")
///     .authorization_endpoint("https://acme.example/authorize")
///     .token_endpoint("https://acme.example/token")
///     .client_authentication_method("client_secret_post")
///     .base_url("https://api.acme.example/")
///     .set("requests.access_token.in", "query")
///     .build()?;
/// assert_eq!(acme.deviations()[1].to_string(), "requests.access_token.in=query");
/// # Ok::<(), grantry_descriptor::Diagnostics>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `.build()`"]
pub struct Builder {
    id: String,
    root: Node,
}

impl Descriptor {
    /// Describes a provider in Rust. The id is a lower-case Rust identifier.
    pub fn builder(id: impl Into<String>) -> Builder {
        Builder { id: id.into(), root: Node::mapping() }
    }
}

impl Builder {
    /// The provider's name; the id unless given.
    pub fn name(self, name: &str) -> Self {
        self.set("name", name)
    }

    /// The provider's documentation.
    pub fn documentation(self, url: &str) -> Self {
        self.set("documentation", url)
    }

    /// Where the user signs in (RFC 6749 section 3.1).
    pub fn authorization_endpoint(self, url: &str) -> Self {
        self.set("endpoints.authorization_endpoint", url)
    }

    /// Where tokens are issued (RFC 6749 section 3.2).
    pub fn token_endpoint(self, url: &str) -> Self {
        self.set("endpoints.token_endpoint", url)
    }

    /// Where the profile is read (OpenID Connect Core section 5.3).
    pub fn userinfo_endpoint(self, url: &str) -> Self {
        self.set("endpoints.userinfo_endpoint", url)
    }

    /// Where tokens are given back (RFC 7009 section 2).
    pub fn revocation_endpoint(self, url: &str) -> Self {
        self.set("endpoints.revocation_endpoint", url)
    }

    /// Where the provider tells about tokens (RFC 7662 section 2).
    pub fn introspection_endpoint(self, url: &str) -> Self {
        self.set("endpoints.introspection_endpoint", url)
    }

    /// Where a device asks for its codes (RFC 8628 section 3.1).
    pub fn device_authorization_endpoint(self, url: &str) -> Self {
        self.set("endpoints.device_authorization_endpoint", url)
    }

    /// Where the user's session at the provider ends (OpenID Connect RP-Initiated Logout section 2.1).
    pub fn end_session_endpoint(self, url: &str) -> Self {
        self.set("endpoints.end_session_endpoint", url)
    }

    /// Where the keys are that sign id tokens (RFC 8414 section 2).
    pub fn jwks_uri(self, url: &str) -> Self {
        self.set("endpoints.jwks_uri", url)
    }

    /// The issuer of id tokens: makes the provider an OpenID provider (OpenID Connect Core section 2).
    pub fn issuer(self, url: &str) -> Self {
        self.set("openid.issuer", url)
    }

    /// How the client authenticates, by its registered name: `client_secret_basic` (RFC 7591 section 2).
    pub fn client_authentication_method(self, method: &str) -> Self {
        self.set("client_authentication.method", method)
    }

    /// The grant types (RFC 8414 section 2); `authorization_code` and `refresh_token` unless given.
    pub fn grant_types<T: Into<String>>(self, grants: impl IntoIterator<Item = T>) -> Self {
        self.set("grant_types_supported", texts(grants))
    }

    /// The scopes that are asked for where the application names none.
    pub fn default_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.set("scopes.default", texts(scopes))
    }

    /// What stands between two scopes; a space unless given (RFC 6749 section 3.3).
    pub fn scope_separator(self, separator: &str) -> Self {
        self.set("scopes.separator", separator)
    }

    /// `plain` or `none` where the provider does not take `S256` (RFC 7636 section 4.3).
    pub fn code_challenge_method(self, method: &str) -> Self {
        self.set("authorization.code_challenge_method", method)
    }

    /// The API that relative paths of requests are appended to.
    pub fn base_url(self, url: &str) -> Self {
        self.set("requests.base_url", url)
    }

    /// Where in the profile a standard claim stands: `claim("sub", "user.id")`.
    pub fn claim(mut self, name: &str, path: &str) -> Self {
        self.root.set(&["userinfo", "claims", name], path);
        self
    }

    /// Anything else of the vocabulary, by its dotted path: `set("token.lifetime.default", 3600)`.
    pub fn set(mut self, path: &str, value: impl Into<Node>) -> Self {
        self.root.set(&path.split('.').collect::<Vec<_>>(), value);
        self
    }

    /// Checks and resolves the descriptor.
    ///
    /// # Errors
    /// Every problem of the descriptor.
    pub fn build(mut self) -> Result<Descriptor, Diagnostics> {
        if self.root.get(&["name"]).is_none() {
            self.root.set(&["name"], self.id.as_str());
        }
        let source = Source { file_name: &format!("Descriptor::builder({:?})", self.id), text: "" };
        Descriptor::from_tree(Some(&self.root), Vec::new(), &self.id, Origin::Builder, source)
    }
}

fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}
