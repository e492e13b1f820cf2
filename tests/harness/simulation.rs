//! Faults against sessions that are kept in a store: 100 seeds a cell. `cargo xtask simulate --seeds N` plays more.

use grantry_tests::simulation::{Cell, Ending, Fault, Policy, run};

/// Seeds of each cell.
const SEEDS: u64 = 100;

const NONE: &[Fault] = &[Fault::None];

const NETWORK: &[Fault] =
    &[Fault::ConnectFails, Fault::RequestLost, Fault::AnswerLost, Fault::AnswersLost, Fault::AnswerTooLate, Fault::AnswerSlow];

const PROVIDER: &[Fault] = &[
    Fault::Busy,
    Fault::Throttled,
    Fault::FailsBefore,
    Fault::FailsAfter,
    Fault::Page,
    Fault::CutOff,
    Fault::FollowUpFails,
    Fault::DiesAtFollowUp,
    Fault::Unauthorized,
];

const STORE: &[Fault] = &[
    Fault::LoadFails,
    Fault::WriteFails,
    Fault::WriteSucceedsAndFails,
    Fault::StoreDown,
    Fault::LeaseFails,
    Fault::ReleaseFails,
];

const PROCESSES: &[Fault] = &[
    Fault::Pause,
    Fault::LongPause,
    Fault::CallersGoAway,
    Fault::CallersDropped,
    Fault::HookPanics,
    Fault::AnswerHookPanics,
    Fault::DiesBeforeSending,
    Fault::DiesAfterAnswer,
    Fault::DiesAfterStoring,
    Fault::ClockForward,
    Fault::ClockBack,
    Fault::SignsOut,
    Fault::Closes,
];

/// Plays the cells of some faults.
fn play(faults: &[Fault]) {
    let mut problems = Vec::new();
    for cell in Cell::all().into_iter().filter(|cell| faults.contains(&cell.fault)) {
        for seed in 0..SEEDS {
            match run(cell, seed) {
                Err(problem) => problems.push(format!("{cell}, seed {seed}: {problem}")),
                Ok(ending) => {
                    if ending == Ending::Typed && cell.policy == Policy::None {
                        problems.push(format!("{cell}, seed {seed}: a token that nobody uses up was given up"));
                    }
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems, the first ones:\n{}",
        problems.len(),
        problems[..problems.len().min(12)].join("\n")
    );
}

#[test]
fn every_fault_is_played() {
    let played = [NONE, NETWORK, PROVIDER, STORE, PROCESSES].concat();
    assert!(Fault::ALL.iter().all(|fault| played.contains(fault)));
}

#[test]
fn nothing_goes_wrong() {
    play(NONE);
}

#[test]
fn the_network_fails() {
    play(NETWORK);
}

#[test]
fn the_provider_fails() {
    play(PROVIDER);
}

#[test]
fn the_store_fails() {
    play(STORE);
}

#[test]
fn processes_fail() {
    play(PROCESSES);
}
