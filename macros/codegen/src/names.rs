//! What of a descriptor gets a name in Rust, and which.

use grantry_descriptor::model::{Model, ServiceAccount, Value, Variable};
use proc_macro2::Ident;

use crate::ident::{self, Names as Namespace};
use crate::quote::{Leaf, mentions};

/// The names of one generated module.
pub(crate) struct Names<'a> {
    /// The uninhabited type that stands for the provider: `GitHub`.
    pub(crate) marker: Ident,
    pub(crate) scopes: Vec<ScopeName<'a>>,
    pub(crate) settings: Vec<Setting<'a>>,
    pub(crate) accounts: Vec<AccountName<'a>>,
}

/// One of `service_accounts`: an alias, and the marker behind it.
pub(crate) struct AccountName<'a> {
    pub(crate) alias: Ident,
    pub(crate) marker: Ident,
    pub(crate) account: &'a ServiceAccount,
}

/// A variant of `Scope`.
pub(crate) struct ScopeName<'a> {
    pub(crate) variant: Ident,
    pub(crate) scope: &'a str,
    pub(crate) meaning: &'a str,
}

/// A variable: an argument of `Variables::new` or a method of `Variables`.
pub(crate) struct Setting<'a> {
    pub(crate) variable: &'a Variable,
    pub(crate) name: Ident,
    pub(crate) required: bool,
    /// The enum of a variable with `values`.
    pub(crate) choices: Option<Choices<'a>>,
}

/// The enum of a variable with `values`.
pub(crate) struct Choices<'a> {
    pub(crate) name: Ident,
    pub(crate) variants: Vec<(Ident, &'a str)>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(model: &'a Model) -> Self {
        let mut types = Namespace::new(&["Client", "Session", "Scope", "Variables"]);
        let marker = types.claim(&[ident::upper_camel(&model.name), ident::upper_camel(&model.id) + "Provider"]);
        let settings = settings(model, &mut types);
        let accounts = model.service_accounts.iter().map(|account| account_name(account, &mut types)).collect();
        Self { marker, scopes: scopes(model), settings, accounts }
    }

    pub(crate) fn required(&self) -> impl Iterator<Item = &Setting<'a>> {
        self.settings.iter().filter(|setting| setting.required)
    }
}

fn account_name<'a>(account: &'a ServiceAccount, types: &mut Namespace) -> AccountName<'a> {
    let name = ident::upper_camel(&account.name);
    let alias = types.claim(&[name.clone(), name.clone() + "Account"]);
    let marker = types.claim(&[name.clone() + "Profile", name + "AccountProfile"]);
    AccountName { alias, marker, account }
}

fn scopes(model: &Model) -> Vec<ScopeName<'_>> {
    let mut variants = Namespace::new(&["Other"]);
    let known = model.scopes.known.iter();
    known
        .map(|(scope, meaning)| {
            let short = ident::upper_camel(ident::scope_tail(scope));
            let variant = variants.claim(&[short, ident::upper_camel(scope)]);
            ScopeName { variant, scope, meaning }
        })
        .collect()
}

fn settings<'a>(model: &'a Model, types: &mut Namespace) -> Vec<Setting<'a>> {
    let mut methods = Namespace::new(&["clone", "default", "new"]);
    let variables = model.variables.iter();
    variables
        .map(|variable| Setting {
            variable,
            name: methods.claim(&[ident::snake(&variable.name)]),
            required: is_required(model, variable),
            choices: (!variable.values.is_empty()).then(|| choices(variable, types)),
        })
        .collect()
}

/// A learned variable is required as well where the first request cannot be written without it.
fn is_required(model: &Model, variable: &Variable) -> bool {
    let needed = || {
        mentions(&model.endpoints.authorization_endpoint, |leaf| match leaf {
            Leaf::Value(Value::Variable(name) | Value::VariableEntry(name, _)) => *name == variable.name,
            _ => false,
        })
    };
    variable.default.is_none() && !variable.optional && (variable.from.is_none() || needed())
}

fn choices<'a>(variable: &'a Variable, types: &mut Namespace) -> Choices<'a> {
    let name = ident::upper_camel(&variable.name);
    let name = types.claim(&[name.clone(), name + "Value"]);
    let mut variants = Namespace::new(&[]);
    let keys = variable.values.iter().map(|(key, _)| (variants.claim(&[ident::upper_camel(key)]), key.as_ref()));
    Choices { name, variants: keys.collect() }
}
