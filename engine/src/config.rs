//! What a client is made of, shared by everything that it starts.

use std::any::TypeId;
use std::borrow::Cow;
use std::sync::Arc;

use grantry_descriptor::Descriptor;
use grantry_descriptor::model::{AuthenticationMethod, Model, Variable};
use regex_lite::Regex;
use url::Url;

use crate::built::Built;
use crate::client_authentication::fits;
use crate::clock::{Clock, SystemClock};
use crate::credential::Credential;
use crate::discovery::Discovered;
use crate::entropy::{Entropy, SystemEntropy};
use crate::error::{Error, Result};
use crate::hooks::{Hooks, OnRequest, OnTokenUpdate};
#[cfg(feature = "jose")]
use crate::openid::Keys;
use crate::session::{Gate, Sessions};
use crate::store::TokenStore;
use crate::transport::Transport;

/// Tolerated difference between the clocks unless the application says otherwise, in seconds.
const SKEW: u64 = 10;

/// The settings of a client.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) descriptor: Descriptor,
    /// The marker of the provider, where it is a compiled one.
    pub(crate) compiled: Option<TypeId>,
    /// When its endpoints were discovered.
    pub(crate) discovered: Option<Discovered>,
    /// What the application set.
    variables: Vec<(Cow<'static, str>, String)>,
    pub(crate) client_id: String,
    pub(crate) credential: Credential,
    /// The client authentication method that the application chose among the descriptor's.
    pub(crate) chosen_method: Option<AuthenticationMethod>,
    /// A method of the application's own, in place of the descriptor's.
    pub(crate) own_method: Option<OnRequest>,
    /// The token endpoint that a key file names.
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) hooks: Hooks,
    pub(crate) update_token: Option<OnTokenUpdate>,
    pub(crate) refreshing: Refreshing,
    pub(crate) store: Option<Arc<dyn TokenStore>>,
    pub(crate) sessions: Arc<Sessions>,
    /// Closed while the token endpoint is busy.
    pub(crate) gate: Arc<Gate>,
    pub(crate) transport: Transport,
    /// Tolerated difference between the provider's clock and this one's, in seconds.
    pub(crate) clock_skew: u64,
    pub(crate) built: Built,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    #[cfg(feature = "jose")]
    pub(crate) keys: Arc<Keys>,
}

/// When sessions renew their token by themselves.
#[derive(Clone, Copy)]
pub(crate) struct Refreshing {
    pub(crate) is_automatic: bool,
    /// Seconds before its expiry from which a token is renewed.
    pub(crate) leeway: u64,
    /// Seconds before that from which it is renewed in the background.
    pub(crate) ahead: u64,
}

impl Default for Refreshing {
    fn default() -> Self {
        Self { is_automatic: true, leeway: 60, ahead: 0 }
    }
}

impl Config {
    /// Checks the variables.
    pub(crate) fn new(
        descriptor: Descriptor,
        variables: Vec<(Cow<'static, str>, String)>,
        client_id: String,
        credential: Credential,
        hooks: Hooks,
    ) -> Result<Self> {
        let config = Self::unchecked(descriptor, variables, client_id, credential, hooks);
        config.check().map_err(|error| error.of_provider(config.descriptor.id()))?;
        Ok(config)
    }

    /// For settings that the type system has checked.
    pub(crate) fn unchecked(
        descriptor: Descriptor,
        variables: Vec<(Cow<'static, str>, String)>,
        client_id: String,
        credential: Credential,
        hooks: Hooks,
    ) -> Self {
        Self {
            descriptor,
            compiled: None,
            discovered: None,
            variables,
            client_id,
            credential,
            chosen_method: None,
            own_method: None,
            token_endpoint: None,
            redirect_uri: None,
            hooks,
            update_token: None,
            refreshing: Refreshing::default(),
            store: None,
            sessions: Arc::default(),
            gate: Arc::default(),
            transport: Transport::default(),
            clock_skew: SKEW,
            built: Built::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            #[cfg(feature = "jose")]
            keys: Arc::default(),
        }
    }

    pub(crate) fn model(&self) -> &Model {
        self.descriptor.__model()
    }

    /// The client authentication method that is used where a request does not name one: the application's choice, else the first
    /// that fits the credential, else the first.
    pub(crate) fn method(&self) -> Option<AuthenticationMethod> {
        let authentication = &self.model().client_authentication;
        let generated = authentication.assertion.is_some();
        let mut methods = authentication.methods.iter().copied();
        let first = authentication.methods.first().copied();
        self.chosen_method.or_else(|| methods.find(|method| fits(&self.credential, *method, generated))).or(first)
    }

    pub(crate) fn id(&self) -> &str {
        self.descriptor.id()
    }

    /// A variable of the descriptor.
    pub(crate) fn variable(&self, name: &str) -> Option<&Variable> {
        self.model().variables.iter().find(|variable| variable.name == name)
    }

    /// Everything that the application set.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// What the application set for a variable.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[cfg(feature = "jose")]
    pub(crate) fn set_variables(&mut self, variables: Vec<(Cow<'static, str>, String)>) {
        self.variables = variables;
    }

    /// Whether the settings are complete.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, value) in &self.variables {
            let Some(variable) = self.variable(name) else {
                let known: Vec<&str> = self.model().variables.iter().map(|variable| variable.name.as_ref()).collect();
                return Err(Error::misuse(format!("there is no variable `{name}`; there is: {}", list(&known))));
            };
            check_value(variable, value)?;
        }
        for variable in self.model().variables.iter() {
            let given = variable.default.is_some() || variable.optional || variable.from.is_some();
            if !given && self.setting(&variable.name).is_none() {
                return Err(Error::misuse(format!("the variable `{}` has no default and was not set", variable.name)));
            }
        }
        self.hooks.check_required(&self.model().hooks)
    }
}

/// Whether a value is one that the variable can take.
pub(crate) fn check_value(variable: &Variable, value: &str) -> Result<()> {
    if !variable.values.is_empty() && !variable.values.iter().any(|(key, _)| key == value) {
        let known: Vec<&str> = variable.values.iter().map(|(key, _)| key.as_ref()).collect();
        return Err(Error::misuse(format!("the variable `{}` is {value:?}; it can be: {}", variable.name, list(&known))));
    }
    match &variable.pattern {
        Some(pattern) if !matches(pattern, value)? => Err(Error::misuse(format!(
            "the variable `{}` is {value:?}, which does not match its pattern `{pattern}`",
            variable.name
        ))),
        _ => Ok(()),
    }
}

/// Whether a text matches an anchored pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> Result<bool> {
    Ok(anchored(pattern)?.is_match(text))
}

/// The group of an anchored pattern.
pub(crate) fn capture(pattern: &str, text: &str) -> Result<Option<String>> {
    let regex = anchored(pattern)?;
    Ok(regex.captures(text).and_then(|groups| groups.get(1).or_else(|| groups.get(0))).map(|group| group.as_str().to_owned()))
}

fn anchored(pattern: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|error| Error::misuse(format!("the pattern `{pattern}` is no regular expression: {error}")))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
