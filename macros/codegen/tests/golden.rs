//! What descriptors expand to.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").canonicalize().unwrap()
}

/// The expansion of a call, formatted, without paths of this machine.
fn expand(call: TokenStream) -> String {
    let folder = fixtures();
    let tokens = grantry_codegen::provider(call, Some(&folder));
    let file = syn::parse2(tokens).expect("the expansion is a list of items");
    prettyplease::unparse(&file).replace(folder.to_str().unwrap(), "<crate>")
}

#[test]
fn a_descriptor_with_everything() {
    insta::assert_snapshot!(expand(quote! { (grantry) pub(crate) "full.yaml" }));
}

#[test]
fn a_minimal_descriptor() {
    insta::assert_snapshot!(expand(quote! { (grantry) "minimal.yaml" }));
}

#[test]
fn the_example_of_a_catalog_module_is_a_test() {
    let (catalog, users) = (expand(quote! { (crate, catalog) "minimal.yaml" }), expand(quote! { (crate) "minimal.yaml" }));
    assert!(catalog.contains("```no_run") && catalog.contains("use grantry::minimal;"));
    assert!(users.contains("```text") && users.contains("use crate::minimal;"));
}

#[test]
fn a_broken_descriptor_is_its_errors_and_a_skeleton() {
    insta::assert_snapshot!(expand(quote! { (grantry) "broken.yaml" }));
}

#[test]
fn the_catalog_is_a_list_of_calls() {
    insta::assert_snapshot!(grantry_codegen::catalog(["apple", "github"]));
}

#[test]
fn without_a_folder_there_is_one_error() {
    let expansion = grantry_codegen::provider(quote! { (grantry) "minimal.yaml" }, None).to_string();
    assert_eq!(expansion.matches("compile_error").count(), 1);
}
