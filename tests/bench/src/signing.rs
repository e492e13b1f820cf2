//! Signing a client assertion with a key that was read once.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use grantry::__private::client_assertion;

use crate::measure::{Rounds, compare, computation, request};
use crate::report::{Gate, Report};
use crate::{Bench, Result};

const ROUNDS: Rounds = Rounds { rounds: 40, operations: 20 };

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let client = bench.provider.signing_client()?;
    let assertion = client_assertion(&client)?;
    let signed = assertion.expose().rsplit_once('.').ok_or("the assertion is no JWT")?.0.as_bytes();
    let (key, random) = (&bench.provider.key, SystemRandom::new());
    let mut signature = vec![0; key.public_modulus_len()];
    let mut own = request(async || Ok(client_assertion(&client)?));
    let mut raw = computation(|| key.sign(&RSA_PKCS1_SHA256, &random, signed, &mut signature));
    let [own, raw] = compare(&bench.runtime, ROUNDS, [&mut own, &mut raw])?;
    report.title("a client assertion, RS256");
    report.ratio(
        "CPU",
        "us",
        own.nanoseconds / 1e3,
        ("aws-lc-rs, the signature alone", raw.nanoseconds / 1e3),
        Gate::AtMost(1.1),
    );
    report.value("allocations", "", own.allocations, None, Gate::None);
    Ok(())
}
