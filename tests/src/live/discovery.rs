//! Discovery (OpenID Connect Discovery 1.0).

use grantry_engine::{Client, ErrorKind, Phase};

use super::provider::Provider;
use super::{Outcome, ensure, refusal};

pub(super) async fn finds_the_endpoints(provider: &Provider) -> Outcome {
    let client = provider.client("web").await?;
    let metadata = client.metadata().ok_or("the client has no metadata")?;
    ensure(metadata.issuer == provider.issuer(), format!("the issuer is {}", metadata.issuer))?;
    ensure(metadata.authorization_response_iss_parameter_supported, "`iss` in callbacks is not announced")?;
    let endpoints = [
        &metadata.authorization_endpoint,
        &metadata.token_endpoint,
        &metadata.userinfo_endpoint,
        &metadata.jwks_uri,
        &metadata.introspection_endpoint,
        &metadata.revocation_endpoint,
        &metadata.device_authorization_endpoint,
        &metadata.end_session_endpoint,
    ];
    let found = endpoints.iter().filter(|endpoint| endpoint.is_some()).count();
    ensure(found == endpoints.len(), format!("{found} of {} endpoints were found", endpoints.len()))?;
    Ok(format!("{found} endpoints; {} findings in the document", metadata.findings().len()))
}

/// The document is the same under both names, and says only one.
pub(super) async fn wants_the_issuer_as_it_is_written(provider: &Provider) -> Outcome {
    let issuer = provider.issuer();
    for other in [format!("{issuer}/"), issuer.replace("127.0.0.1", "localhost")] {
        let client = Client::from_issuer(&other, "web", provider.credential("web")?).transport(provider.transport()).await;
        let error = refusal(client, &other)?;
        let is_expected = error.kind() == ErrorKind::InvalidResponse && error.phase() == Some(Phase::Discovery);
        ensure(is_expected && error.to_string().contains("not the issuer that was asked for"), error.to_string())?;
    }
    Ok("refused with a slash at its end and with the host's other name".to_owned())
}
