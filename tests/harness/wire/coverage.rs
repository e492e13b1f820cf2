use libtest_mimic::Failed;

use grantry_tests::fixture::Fixture;

use crate::{catalog, ids, stems};

pub(crate) fn every_descriptor_has_a_fixture() -> Result<(), Failed> {
    let fixtures = ids(&Fixture::folder());
    none_alone(ids(&catalog()).into_iter().filter(|id| !fixtures.contains(id)), "providers/catalog", "tests/wire")
}

pub(crate) fn every_fixture_has_a_descriptor() -> Result<(), Failed> {
    let descriptors = ids(&catalog());
    none_alone(ids(&Fixture::folder()).into_iter().filter(|id| !descriptors.contains(id)), "tests/wire", "providers/catalog")
}

pub(crate) fn every_snapshot_has_a_descriptor() -> Result<(), Failed> {
    let descriptors = ids(&catalog());
    let snapshots = stems(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots").as_ref(), "snap");
    none_alone(snapshots.into_iter().filter(|id| !descriptors.contains(id)), "tests/snapshots", "providers/catalog")
}

fn none_alone(ids: impl Iterator<Item = String>, here: &str, there: &str) -> Result<(), Failed> {
    match ids.collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        alone => Err(format!("in {here} but not in {there}: {}", alone.join(", ")).into()),
    }
}
