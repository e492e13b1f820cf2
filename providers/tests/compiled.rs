//! A descriptor is the same, compiled or loaded.
#![cfg(feature = "jose")]

use std::path::Path;

use grantry::{Descriptor, catalog};

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&file).unwrap())).collect()
}

#[test]
fn loaded_equals_compiled() {
    for (id, text) in files() {
        let loaded = Descriptor::from_yaml(&text, &format!("{id}.yaml")).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(Some(&loaded), catalog::get(&id), "{id}");
        assert_eq!(loaded.deviations(), catalog::get(&id).unwrap().deviations(), "{id}");
    }
}

#[test]
fn the_catalog_is_what_is_in_service() {
    let mut ids: Vec<String> = files().into_iter().map(|(id, _)| id).filter(|id| id != "linkedin_v1").collect();
    ids.sort();
    assert!(grantry::catalog().map(Descriptor::id).eq(ids.iter().map(String::as_str)));
    assert!(catalog::get("linkedin_v1").is_some());
    assert!(catalog::get("nobody").is_none());
}
