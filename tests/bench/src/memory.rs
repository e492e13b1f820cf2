//! What idle sessions of one client take.

use grantry::{Client, Token};

use crate::report::{Gate, Report};
use crate::{Bench, Result, allocations, provider};

const SESSIONS: usize = 100_000;

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let client = bench.provider.client()?;
    // What a client makes once is not a session's.
    drop(sessions(&client, 1));
    let tokens = bytes_of(|| (0..SESSIONS).map(|_| Box::new(provider::token())).collect::<Vec<Box<Token>>>());
    let sessions = bytes_of(|| sessions(&client, SESSIONS));
    let [token, session] = [tokens, sessions].map(|bytes| bytes / SESSIONS as f64);
    report.title(&format!("{SESSIONS} idle sessions of one client, each"));
    report.value("bytes beside its token", "B", session - token, Some(("the token", token)), Gate::AtMost(1024.0));
    Ok(())
}

fn sessions(client: &Client, count: usize) -> Vec<grantry::Session> {
    (0..count).map(|_| client.session(provider::token())).collect()
}

/// The bytes that what is made takes.
fn bytes_of<T>(make: impl FnOnce() -> T) -> f64 {
    let before = allocations::bytes();
    let made = make();
    let bytes = allocations::bytes() - before;
    drop(made);
    bytes as f64
}
