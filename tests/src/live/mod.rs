//! `cargo xtask live`: every flow that an OpenID provider and the engine both have, between the two of them.
//!
//! The provider is the npm package `oidc-provider` (`tests/servers`), over plain HTTP on loopback. It has neither the password grant,
//! nor JWT bearer, nor token exchange, nor the response type `token`.

mod authentication;
mod browser;
mod device;
mod discovery;
mod html;
mod logout;
mod provider;
mod server;
mod sign_in;
mod tokens;

use std::error::Error;
use std::io::Write;
use std::path::Path;

use provider::Provider;

/// Why a flow failed.
type Failure = Box<dyn Error + Send + Sync>;

/// What a flow has shown, in words.
type Outcome = Result<String, Failure>;

/// Starts the server of the folder and runs every flow, a line for each on `out`. Whether all of them worked.
pub async fn run(folder: &Path, out: &mut impl Write) -> bool {
    let provider = match Provider::start(folder) {
        Ok(provider) => provider,
        Err(failure) => {
            let _ = writeln!(out, "✗ {failure}");
            return false;
        }
    };
    let mut report = Report { out, flows: 0, failed: 0 };
    let on = &provider;
    report.line("discovery", discovery::finds_the_endpoints(on).await);
    report.line("discovery, issuer", discovery::wants_the_issuer_as_it_is_written(on).await);
    for case in authentication::CASES {
        report.line(case.name, authentication::run(on, &case).await);
    }
    report.line("code and PKCE", sign_in::code(on).await);
    report.line("consent denied", sign_in::denied(on).await);
    report.line("prompt=none", sign_in::silent(on).await);
    report.line("iss in the callback", sign_in::issuer(on).await);
    report.line("implicit: id_token", sign_in::implicit(on).await);
    report.line("hybrid: code id_token", sign_in::hybrid(on).await);
    report.line("hybrid: form_post", sign_in::hybrid_form_post(on).await);
    report.line("userinfo", tokens::userinfo(on).await);
    report.line("userinfo, signed", tokens::signed_userinfo(on).await);
    report.line("client credentials", tokens::client_credentials(on).await);
    report.line("refresh, rotation", tokens::rotation(on).await);
    report.line("refresh, by itself", tokens::automatic_refresh(on).await);
    report.line("introspection", tokens::introspection(on).await);
    report.line("revocation", tokens::revocation(on).await);
    report.line("device", device::approved(on).await);
    report.line("device, denied", device::denied(on).await);
    report.line("logout", logout::rp_initiated(on).await);
    report.line("back-channel logout", logout::back_channel(on).await);
    report.end(provider)
}

/// Prints a line for each flow, and counts.
struct Report<'a, W> {
    out: &'a mut W,
    flows: usize,
    failed: usize,
}

impl<W: Write> Report<'_, W> {
    fn line(&mut self, flow: &str, outcome: Outcome) {
        self.flows += 1;
        let (mark, said) = match outcome {
            Ok(shown) => ('✓', shown),
            Err(failure) => {
                self.failed += 1;
                ('✗', failure.to_string())
            }
        };
        let _ = writeln!(self.out, "{mark} {flow:<24} {said}");
    }

    /// The result; where a flow failed, with what the server has to say.
    fn end(self, provider: Provider) -> bool {
        let said = provider.end();
        if self.failed > 0 {
            let _ = writeln!(self.out, "\nthe server printed:\n{said}");
        }
        let _ = writeln!(self.out, "\n{} of {} flows work", self.flows - self.failed, self.flows);
        self.failed == 0
    }
}

/// A failure with this message, unless the condition holds.
fn ensure(condition: bool, message: impl Into<String>) -> Result<(), Failure> {
    if condition { Ok(()) } else { Err(message.into().into()) }
}

/// The error of a call that must not work.
fn refusal<T>(result: grantry_engine::Result<T>, what: &str) -> Result<grantry_engine::Error, Failure> {
    result.err().ok_or_else(|| format!("{what} was accepted").into())
}

/// The same, where the provider must say this code.
fn refused_with<T>(code: &str, result: grantry_engine::Result<T>, what: &str) -> Result<grantry_engine::Error, Failure> {
    let error = refusal(result, what)?;
    ensure(error.code() == Some(code), format!("{what}: expected {code}, got: {error}"))?;
    Ok(error)
}
