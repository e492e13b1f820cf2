//! What the compiler says where a descriptor or its use is wrong.
//!
//! The cases are compiled in a package that trybuild makes in the target folder; the descriptors are copied next to it, because
//! `provider!` reads nothing outside of the package.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn ui() {
    copy_fixtures();
    let cases = trybuild::TestCases::new();
    cases.pass("cases/pass/*.rs");
    cases.compile_fail("cases/fail/*.rs");
}

fn copy_fixtures() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let package = package();
    fs::create_dir_all(&package).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), package.join(entry.file_name())).unwrap();
    }
    fs::write(package.with_file_name("outside.yaml"), "name: Outside\n").unwrap();
    fs::write(package.join("latin1.yaml"), b"name: Caf\xe9\n").unwrap();
    fs::write(package.join("huge.yaml"), "# \n".repeat(100_000)).unwrap();
}

/// The package that trybuild makes.
fn package() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("tests/trybuild").join(env!("CARGO_PKG_NAME"))
}
