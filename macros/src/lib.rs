//! The procedural macro behind `grantry::provider!`; use it through the crate `grantry`.

use std::path::PathBuf;

use proc_macro::TokenStream;

/// Expands to a provider's module: the path to the crate `grantry` in parentheses, a visibility, the path of a descriptor.
#[proc_macro]
pub fn provider(input: TokenStream) -> TokenStream {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    grantry_codegen::provider(input.into(), folder.as_deref()).into()
}
