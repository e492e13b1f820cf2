//! A resolved descriptor -> its module.

use ::quote::{format_ident, quote, quote_spanned};
use grantry_descriptor::Status;
use grantry_descriptor::model::Model;
use proc_macro2::{Ident, Literal, Span, TokenStream};

use crate::capability::{self, CAPABILITIES};
use crate::docs::{self, Place};
use crate::ident;
use crate::names::{AccountName, Choices, Names, Setting};
use crate::quote::{Quote, imports};

/// Where the module goes, and where it comes from.
pub(crate) struct Target {
    /// The path to the crate `grantry`: one token, `$crate`.
    pub(crate) root: TokenStream,
    pub(crate) visibility: TokenStream,
    /// The span of the path in the macro call.
    pub(crate) span: Span,
    /// The absolute path of the descriptor, for rebuilds.
    pub(crate) file: Option<String>,
    pub(crate) place: Place,
}

impl Target {
    /// An item that makes cargo rebuild when the descriptor changes.
    pub(crate) fn tracker(&self) -> TokenStream {
        let root = &self.root;
        let file = self.file.iter().map(|file| Literal::string(file));
        quote! { #(const _: &[u8] = #root::__private::core::include_bytes!(#file);)* }
    }
}

/// The module of a provider. All behaviour is the engine's: here are a constant, a marker, aliases and names.
pub(crate) fn module(target: &Target, model: &Model) -> TokenStream {
    let Target { root, visibility, span, .. } = target;
    let names = Names::of(model);
    let module = ident::ident(&model.id);
    let attributes = deprecation(model);
    let docs = docs::module(model, &names, target.place);
    let tracker = target.tracker();
    let jose = capability::needs_jose(model).then(|| {
        let message = format!("`{}` has id tokens or signed assertions: enable the feature `jose` of grantry", model.name);
        quote_spanned! { *span=> #root::__private::require_jose! { #message } }
    });
    let constants = constants(root, model);
    let marker = marker(root, model, &names.marker);
    let scope = scope(root, model, &names);
    let variables = variables(root, model, &names);
    let accounts = names.accounts.iter().map(|account| service_account(root, model, &names.marker, account));
    quote! {
        #attributes
        #[allow(clippy::all, clippy::pedantic, dead_code, unreachable_pub)]
        #visibility mod #module {
            #![doc = #docs]
            #tracker
            #jose
            #constants
            #marker
            #scope
            #variables
            #(#accounts)*
        }
    }
}

fn deprecation(model: &Model) -> Option<TokenStream> {
    match &model.status {
        Status::Active => None,
        Status::Deprecated(reason) | Status::Retired(reason) => {
            let reason: &str = reason;
            Some(quote! { #[deprecated(note = #reason)] })
        }
    }
}

fn constants(root: &TokenStream, model: &Model) -> TokenStream {
    let imports = imports(root);
    let expression = model.quote();
    let docs = format!("What is known about {}, as data.", docs::text(&model.name));
    quote! {
        static MODEL: #root::__private::model::Model = {
            #imports
            #expression
        };
        #[doc = #docs]
        pub static DESCRIPTOR: #root::Descriptor = #root::Descriptor::__compiled(&MODEL);
    }
}

fn marker(root: &TokenStream, model: &Model, marker: &Ident) -> TokenStream {
    let name = docs::text(&model.name);
    let docs = format!("The provider {name}, as a type.");
    let client = format!("A client of {name}.");
    let session = format!("A session with {name}: a token, and the requests that it authorizes.");
    let capabilities = CAPABILITIES.iter().filter(|capability| (capability.is_supported)(model));
    let capabilities = capabilities.map(|capability| format_ident!("{}", capability.name));
    quote! {
        #[doc = #docs]
        #[derive(Clone, Copy, Debug)]
        pub enum #marker {}
        impl #root::__private::Generated<{ #root::__private::RELEASE }> for #marker {}
        impl #root::Provider for #marker {
            type Scope = Scope;
            type Variables = Variables;
        }
        impl #root::Compiled for #marker {
            fn descriptor() -> &'static #root::Descriptor {
                &DESCRIPTOR
            }
        }
        #(impl #root::supports::#capabilities for #marker {})*
        #[doc = #client]
        pub type Client = #root::Client<#marker>;
        #[doc = #session]
        pub type Session = #root::Session<#marker>;
    }
}

fn service_account(root: &TokenStream, model: &Model, provider: &Ident, account: &AccountName<'_>) -> TokenStream {
    let AccountName { alias, marker, account } = account;
    let name: &str = &account.name;
    let docs = format!("A service account of {}: {}.", docs::text(&model.name), docs::account(account));
    let marker_docs = format!("The kind of service account {}, as a type.", docs::code(name));
    quote! {
        #[doc = #marker_docs]
        #[derive(Clone, Copy, Debug)]
        pub enum #marker {}
        impl #root::ServiceProfile for #marker {
            type Provider = #provider;
            const NAME: &'static str = #name;
        }
        #[doc = #docs]
        pub type #alias = #root::ServiceAccount<#marker>;
    }
}

fn scope(root: &TokenStream, model: &Model, names: &Names<'_>) -> TokenStream {
    let docs = format!("A scope of {}.", docs::text(&model.name));
    let variants: Vec<&Ident> = names.scopes.iter().map(|scope| &scope.variant).collect();
    let texts: Vec<&str> = names.scopes.iter().map(|scope| scope.scope).collect();
    let meanings = names.scopes.iter().map(|scope| format!("{}: {}", docs::code(scope.scope), docs::text(scope.meaning)));
    let string = quote! { #root::__private::std::string::String };
    let from = quote! { #root::__private::core::convert::From };
    quote! {
        #[doc = #docs]
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Scope {
            #(#[doc = #meanings] #variants,)*
            /// Another scope, as it is on the wire.
            Other(#string),
        }
        impl #root::Scope for Scope {
            fn as_str(&self) -> &str {
                match self {
                    #(Self::#variants => #texts,)*
                    Self::Other(scope) => scope,
                }
            }
        }
        impl #from<&str> for Scope {
            fn from(scope: &str) -> Self {
                match scope {
                    #(#texts => Self::#variants,)*
                    scope => Self::Other(#from::from(scope)),
                }
            }
        }
        impl #from<#string> for Scope {
            fn from(scope: #string) -> Self {
                #from::from(&*scope)
            }
        }
    }
}

fn variables(root: &TokenStream, model: &Model, names: &Names<'_>) -> TokenStream {
    if names.settings.is_empty() {
        return quote! { #[doc(no_inline)] pub use #root::NoVariables as Variables; };
    }
    let docs = format!("The application's settings for {}.", docs::text(&model.name));
    let std = quote! { #root::__private::std };
    let new = new(root, names);
    let derives = names.required().next().is_none().then(|| quote! { Default, });
    let setters = names.settings.iter().filter(|setting| !setting.required).map(|setting| setter(root, setting));
    let choices = names.settings.iter().filter_map(|setting| setting.choices.as_ref().map(|found| choice(setting, found)));
    let values = quote! { #std::vec::Vec<(#std::borrow::Cow<'static, str>, #std::string::String)> };
    quote! {
        #[doc = #docs]
        #[derive(Clone, Debug, #derives)]
        #[must_use]
        pub struct Variables {
            values: #values,
        }
        impl Variables {
            #new
            #(#setters)*
        }
        impl #root::Variables for Variables {
            fn into_values(self) -> #values {
                self.values
            }
        }
        #(#choices)*
    }
}

fn new(root: &TokenStream, names: &Names<'_>) -> TokenStream {
    let required: Vec<&Setting<'_>> = names.required().collect();
    let arguments = required.iter().map(|setting| argument(root, setting));
    let pairs = required.iter().map(|setting| pair(root, setting));
    let lines = required.iter().map(|setting| format!("- {}: {}", docs::code(&setting.variable.name), docs::setting(setting)));
    let lines: Vec<String> = std::iter::once("The settings that have no default.".to_owned()).chain(lines).collect();
    let docs = if required.is_empty() { "The defaults.".to_owned() } else { lines.join("\n") };
    quote! {
        #[doc = #docs]
        pub fn new(#(#arguments),*) -> Self {
            Self { values: #root::__private::std::vec![#(#pairs),*] }
        }
    }
}

fn setter(root: &TokenStream, setting: &Setting<'_>) -> TokenStream {
    let name = &setting.name;
    let docs = docs::setting(setting);
    let argument = argument(root, setting);
    let pair = pair(root, setting);
    quote! {
        #[doc = #docs]
        pub fn #name(mut self, #argument) -> Self {
            self.values.push(#pair);
            self
        }
    }
}

fn argument(root: &TokenStream, setting: &Setting<'_>) -> TokenStream {
    let name = &setting.name;
    match &setting.choices {
        Some(Choices { name: choices, .. }) => quote! { #name: #choices },
        None => quote! { #name: impl #root::__private::core::convert::Into<#root::__private::std::string::String> },
    }
}

fn pair(root: &TokenStream, setting: &Setting<'_>) -> TokenStream {
    let (name, key) = (&setting.name, setting.variable.name.as_ref());
    let into = quote! { #root::__private::core::convert::Into::into };
    let value = if setting.choices.is_some() {
        quote! { #name.as_str() }
    } else {
        quote! { #name }
    };
    quote! { (#into(#key), #into(#value)) }
}

fn choice(setting: &Setting<'_>, choices: &Choices<'_>) -> TokenStream {
    let docs = docs::setting(setting);
    let name = &choices.name;
    let variants: Vec<&Ident> = choices.variants.iter().map(|(variant, _)| variant).collect();
    let keys: Vec<&str> = choices.variants.iter().map(|(_, key)| *key).collect();
    let lines = keys.iter().map(|key| docs::code(key));
    quote! {
        #[doc = #docs]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum #name {
            #(#[doc = #lines] #variants,)*
        }
        impl #name {
            /// Its name in the descriptor.
            pub const fn as_str(self) -> &'static str {
                match self {
                    #(Self::#variants => #keys,)*
                }
            }
        }
    }
}
