//! What a process does until it has its first authorization URL. It is measured in a process of its own, which does nothing else.

use std::fs;
use std::future::IntoFuture as _;
use std::process::{Command, ExitCode};
use std::time::Instant;

use grantry::github;

use crate::report::{Gate, Report};
use crate::{Bench, Result, allocations, cpu};

/// The argument that makes this program the child.
pub const CHILD: &str = "first-authorization-url";

const RUNS: usize = 30;

/// Parsing a descriptor, or setting TLS up, takes thousands.
const ALLOCATIONS: f64 = 64.0;

/// What the child tells, by line.
const LINES: usize = 8;

pub fn run(_: &Bench, report: &mut Report) -> Result<()> {
    let mut best = [f64::INFINITY; LINES];
    for _ in 0..RUNS {
        for (best, value) in best.iter_mut().zip(child_says()?) {
            *best = best.min(value);
        }
    }
    let [wall, cpu, before, allocations, files, bytes, request_allocations, request_bytes] = best;
    report.title("from the start of a process to its first authorization URL");
    report.value("time from main()", "us", wall / 1e3, None, Gate::None);
    report.value("CPU from main()", "us", cpu / 1e3, Some(("the process before main()", before / 1e3)), Gate::None);
    let what = "a first request, which sets TLS up";
    report.value("allocations", "", allocations, Some((what, request_allocations)), Gate::AtMost(ALLOCATIONS));
    report.value("descriptors opened", "", files, None, Gate::AtMost(0.0));
    report.value("bytes read", "B", bytes, Some((what, request_bytes)), Gate::AtMost(0.0));
    // Else neither of the two counts would show it.
    report.value("allocations of a first request", "", request_allocations, None, Gate::AtLeast(ALLOCATIONS * 4.0));
    Ok(())
}

fn child_says() -> Result<[f64; LINES]> {
    let output = Command::new(std::env::current_exe()?).arg(CHILD).output()?;
    if !output.status.success() {
        return Err(format!("the child fails: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let values = String::from_utf8(output.stdout)?.lines().map(str::parse).collect::<std::result::Result<Vec<f64>, _>>()?;
    values.try_into().map_err(|_| "the child does not say what it should".into())
}

/// The child.
pub fn child() -> ExitCode {
    match measured() {
        Ok(values) => {
            for value in values {
                println!("{value}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// In the order of [`run`]: nanoseconds, allocations, descriptors and bytes read.
fn measured() -> Result<[u64; LINES]> {
    let before = cpu::of_process();
    // To read what was read is to read.
    let own_reading = { bytes_read()?.abs_diff(bytes_read()?) };
    let (files, read) = (open_files()?, bytes_read()?);
    let (began, used, count) = (Instant::now(), cpu::of_process(), allocations::count());
    let client = github::Client::new("client id", "client secret").redirect_uri("https://app.example/callback")?;
    let (url, pending) = client.authorize().scopes([github::Scope::ReadUser]).start()?;
    let allocations = allocations::count() - count;
    let (used, wall) = (cpu::of_process() - used, u64::try_from(began.elapsed().as_nanos())?);
    let read = bytes_read()?.saturating_sub(read).saturating_sub(own_reading);
    let opened = open_files()?.abs_diff(files);
    if !url.as_str().contains(pending.state()) {
        return Err("the URL has no state".into());
    }
    let [request_allocations, request_read] = first_request(own_reading)?;
    Ok([wall, used, before, allocations, opened as u64, read, request_allocations, request_read])
}

/// What a request takes that sets the transport up; nobody answers it.
fn first_request(own_reading: u64) -> Result<[u64; 2]> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let transport = grantry::Transport::builder().private_addresses().build();
    let descriptor = grantry::Descriptor::builder("nobody")
        .token_endpoint("https://127.0.0.1:1/token")
        .client_authentication_method("client_secret_post")
        .grant_types(["client_credentials"])
        .build()?;
    let client = grantry::Client::from_descriptor(descriptor, grantry::NoVariables, "id", "secret")?.transport(transport);
    let (read, count) = (bytes_read()?, allocations::count());
    if runtime.block_on(client.client_credentials().into_future()).is_ok() {
        return Err("somebody answers at port 1".into());
    }
    let allocations = allocations::count() - count;
    Ok([allocations, bytes_read()?.saturating_sub(read).saturating_sub(own_reading)])
}

fn open_files() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// What the process has read so far, from files and elsewhere.
fn bytes_read() -> Result<u64> {
    let text = fs::read_to_string("/proc/self/io")?;
    let line = text.lines().find_map(|line| line.strip_prefix("rchar: ")).ok_or("/proc/self/io has no rchar")?;
    Ok(line.parse()?)
}
