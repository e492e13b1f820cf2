//! What stands for a module whose descriptor has errors: the same names, so that those errors are the only ones.

use ::quote::{format_ident, quote};
use proc_macro2::TokenStream;

use crate::capability::CAPABILITIES;
use crate::expand::Target;
use crate::ident;

/// A module that can do everything; it never runs.
pub(crate) fn module(target: &Target, id: &str) -> TokenStream {
    let Target { root, visibility, .. } = target;
    let module = ident::ident(id);
    let tracker = target.tracker();
    let capabilities = CAPABILITIES.iter().map(|capability| format_ident!("{}", capability.name));
    quote! {
        #[allow(clippy::all, clippy::pedantic, dead_code, unreachable_pub, missing_docs)]
        #visibility mod #module {
            #tracker
            pub static DESCRIPTOR: #root::__private::std::sync::LazyLock<#root::Descriptor> =
                #root::__private::std::sync::LazyLock::new(|| loop {});
            #[derive(Clone, Copy, Debug)]
            pub enum Skeleton {}
            impl #root::__private::Generated<{ #root::__private::RELEASE }> for Skeleton {}
            impl #root::Provider for Skeleton {
                type Scope = #root::__private::std::string::String;
                type Variables = #root::NoVariables;
            }
            impl #root::Compiled for Skeleton {
                fn descriptor() -> &'static #root::Descriptor {
                    &DESCRIPTOR
                }
            }
            #(impl #root::supports::#capabilities for Skeleton {})*
            pub type Client = #root::Client<Skeleton>;
            pub type Session = #root::Session<Skeleton>;
            pub use #root::__private::std::string::String as Scope;
            pub use #root::NoVariables as Variables;
        }
    }
}
