//! Reading the header of a token that is there and valid.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use http::HeaderValue;

use crate::measure::{Rounds, compare, computation};
use crate::report::{Gate, Report};
use crate::{Bench, Result, provider};

const ROUNDS: Rounds = Rounds { rounds: 60, operations: 20_000 };

/// The least that does the same: a header, when it ends, and the clock.
struct Floor {
    header: HeaderValue,
    expires_at: u64,
}

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let session = bench.provider.session()?;
    let header = HeaderValue::from_str("Bearer mF_9.B5f-4.1JqMmF_9.B5f-4.1JqM")?;
    let cell = ArcSwapOption::from_pointee(Floor { header, expires_at: provider::now() + 3600 });
    let mut own = computation(|| session.authorization());
    let mut floor = computation(|| read(&cell));
    let mut token = computation(|| session.current_token());
    let [own, floor, token] = compare(&bench.runtime, ROUNDS, [&mut own, &mut floor, &mut token])?;
    report.title("a cached token read");
    let name = "clock + ArcSwap + HeaderValue clone";
    report.ratio("CPU of session.authorization()", "ns", own.nanoseconds, (name, floor.nanoseconds), Gate::AtMost(1.5));
    report.value("allocations", "", own.allocations, None, Gate::AtMost(0.0));
    report.ratio("CPU of session.current_token()", "ns", token.nanoseconds, (name, floor.nanoseconds), Gate::None);
    Ok(())
}

fn read(cell: &ArcSwapOption<Floor>) -> Option<HeaderValue> {
    let floor = cell.load();
    let floor: &Arc<Floor> = floor.as_ref()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    (now < floor.expires_at).then(|| floor.header.clone())
}
