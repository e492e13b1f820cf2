use std::fmt::Write as _;

use grantry_descriptor::Descriptor;
use grantry_tests::driver::{Outcome, Stage};
use grantry_tests::fixture::{Fixture, Scenario};
use grantry_tests::transcript::{self, Secrets};
use libtest_mimic::Failed;

use crate::{block_on, source};

/// Plays every scenario of the fixture; compares the transcripts with the snapshot.
pub(crate) fn test(id: &str) -> Result<(), Failed> {
    let descriptor = Descriptor::from_yaml(&source(id)?, &format!("{id}.yaml")).map_err(|problems| problems.to_string())?;
    let stage = Stage::new(Fixture::of(id)?);
    let played = block_on(play(&stage, &descriptor))?;
    let mut problems: Vec<String> =
        played.iter().flat_map(|(scenario, outcome)| check(stage.fixture(), scenario, outcome)).collect();
    problems.extend(never_used(stage.fixture(), &played));
    if !problems.is_empty() {
        return Err(problems.join("\n").into());
    }
    let snapshots = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots");
    insta::with_settings!({ snapshot_path => snapshots, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(id, render(&descriptor, stage.fixture(), &played));
    });
    Ok(())
}

async fn play(stage: &Stage, descriptor: &Descriptor) -> Vec<(Scenario, Outcome)> {
    let mut played = Vec::new();
    for scenario in stage.fixture().scenarios() {
        let outcome = stage.run(descriptor, &scenario).await;
        played.push((scenario, outcome));
    }
    played
}

/// What is wrong whatever the snapshot says: refused requests, failed steps, variants that were not reached, secrets in errors.
fn check(fixture: &Fixture, scenario: &Scenario, outcome: &Outcome) -> Vec<String> {
    let mut problems = outcome.refusals();
    let failed = outcome.steps.iter().filter_map(|step| Some((&step.name, step.result.as_ref().err()?)));
    match scenario {
        Scenario::AsWritten => problems.extend(failed.map(|(name, error)| format!("{name} fails: {error}"))),
        Scenario::Variant { exchange, .. } if !outcome.records().any(|record| record.exchange == *exchange) => {
            problems.push(format!("`{exchange}` was not reached"));
        }
        Scenario::Variant { .. } => {}
    }
    let secrets = Secrets::of(fixture, scenario, outcome);
    for step in &outcome.steps {
        let printed = step.result.as_ref().err().into_iter().chain(&step.drift);
        for name in printed.flat_map(|text| secrets.found_in(text)) {
            problems.push(format!("{} prints the secret `{name}`", step.name));
        }
    }
    problems.into_iter().map(|problem| format!("[{scenario}] {problem}")).collect()
}

fn never_used(fixture: &Fixture, played: &[(Scenario, Outcome)]) -> Vec<String> {
    let used = |name: &str| played.iter().flat_map(|(_, outcome)| outcome.records()).any(|record| record.exchange == name);
    fixture
        .exchanges
        .keys()
        .filter(|name| !used(name))
        .map(|name| format!("`{name}` answers no request in any scenario"))
        .collect()
}

fn render(descriptor: &Descriptor, fixture: &Fixture, played: &[(Scenario, Outcome)]) -> String {
    let mut text = format!("# {} ({})\n", descriptor.name(), descriptor.id());
    let Some(((_, written), variants)) = played.split_first() else { return text };
    let written_secrets = Secrets::of(fixture, &Scenario::AsWritten, written);
    if let Some(url) = &written.authorization_url {
        let _ = write!(text, "\n## Authorization URL\n\n{}\n", written_secrets.hide_url(url));
    }
    let _ = write!(text, "\n## As written\n\n{}", transcript::in_full(written, &written_secrets));
    for (scenario, outcome) in variants {
        let secrets = Secrets::of(fixture, scenario, outcome);
        let _ = write!(text, "\n## {scenario}\n\n{}", transcript::difference(outcome, &secrets, written, &written_secrets));
    }
    text
}
