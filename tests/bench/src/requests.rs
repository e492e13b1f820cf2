//! Requests over loopback, against the same with nothing but the HTTP client, and against a peer.

use grantry::{Client, Pending};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    TokenUrl,
};
use serde::Deserialize;

use crate::measure::{Cost, Rounds, compare, prepared, request};
use crate::provider::{CLIENT_ID, CLIENT_SECRET, Provider, REDIRECT_URI};
use crate::report::{Gate, Report};
use crate::{Bench, Result};

const ROUNDS: Rounds = Rounds { rounds: 600, operations: 40 };

const TOKEN: &str = "mF_9.B5f-4.1JqMmF_9.B5f-4.1JqM";

#[derive(Deserialize)]
#[expect(dead_code, reason = "read and thrown away")]
struct User {
    id: u64,
    login: String,
    name: String,
    email: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read and thrown away")]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    scope: Option<String>,
}

/// A GET with a token that is there and valid.
pub fn protected_get(bench: &Bench, report: &mut Report) -> Result<()> {
    let session = bench.provider.session()?;
    let (client, bare, url) = (raw_http(), reqwest::Client::new(), bench.provider.url("api/me"));
    let mut own = request(async || Ok(session.get("me").send().await?.json::<User>().await?));
    let mut raw = request(async || Ok(client.get(&url).bearer_auth(TOKEN).send().await?.json::<User>().await?));
    let mut bare = request(async || Ok(bare.get(&url).bearer_auth(TOKEN).send().await?.json::<User>().await?));
    let [own, raw, bare] = compare(&bench.runtime, ROUNDS, [&mut own, &mut raw, &mut bare])?;
    report.title("a protected GET with a cached token");
    report.ratio("CPU", "us", own.nanoseconds / 1e3, ("raw reqwest", raw.nanoseconds / 1e3), Gate::AtMost(1.02));
    report.ratio("CPU", "us", own.nanoseconds / 1e3, ("raw reqwest, no User-Agent", bare.nanoseconds / 1e3), Gate::None);
    report.value(
        "allocations",
        "",
        own.allocations,
        Some(("raw reqwest", raw.allocations)),
        Gate::AtMost(raw.allocations.ceil()),
    );
    Ok(())
}

/// Tokens, by both of the common grants.
pub fn token_fetch(bench: &Bench, report: &mut Report) -> Result<()> {
    client_credentials(bench, report)?;
    code(bench, report)
}

fn client_credentials(bench: &Bench, report: &mut Report) -> Result<()> {
    let client = bench.provider.client()?;
    let mut own = request(async || Ok(client.client_credentials().scopes(["read".to_owned(), "write".to_owned()]).await?));
    let (raw, url) = (raw_http(), bench.provider.url("token"));
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "read write"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    let mut floor = request(async || Ok(raw.post(&url).form(&form).send().await?.json::<Answer>().await?));
    let (peer, http) = (peer(&bench.provider)?, peer_http());
    let mut other = request(async || {
        let request = peer.exchange_client_credentials().add_scope(Scope::new("read".to_owned()));
        Ok(request.add_scope(Scope::new("write".to_owned())).request_async(&http).await?)
    });
    let costs = compare(&bench.runtime, ROUNDS, [&mut own, &mut floor, &mut other])?;
    lines(report, "a token fetch: client credentials", costs);
    Ok(())
}

fn code(bench: &Bench, report: &mut Report) -> Result<()> {
    let client = code_client(&bench.provider)?;
    let callback = |pending: &Pending| format!("{REDIRECT_URI}?code=SplxlOBeZQQYbYS6WxSbIA&state={}", pending.state());
    let begin = || {
        let (_, pending) = client.authorize().start()?;
        Ok((callback(&pending), pending))
    };
    let mut own = prepared(begin, async |(callback, pending)| Ok(client.exchange(pending, callback).await?));
    let (raw, url) = (raw_http(), bench.provider.url("token"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "SplxlOBeZQQYbYS6WxSbIA"),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    let mut floor = request(async || Ok(raw.post(&url).form(&form).send().await?.json::<Answer>().await?));
    let (peer, http) = (peer(&bench.provider)?, peer_http());
    let verifier = || Ok(PkceCodeChallenge::new_random_sha256().1);
    let mut other = prepared(verifier, async |verifier: PkceCodeVerifier| {
        let request = peer.exchange_code(AuthorizationCode::new("SplxlOBeZQQYbYS6WxSbIA".to_owned()));
        Ok(request.set_pkce_verifier(verifier).request_async(&http).await?)
    });
    let costs = compare(&bench.runtime, ROUNDS, [&mut own, &mut floor, &mut other])?;
    lines(report, "a token fetch: authorization code, the callback checked", costs);
    Ok(())
}

fn lines(report: &mut Report, title: &str, [own, floor, peer]: [Cost; 3]) {
    report.title(title);
    let microseconds = |cost: Cost| cost.nanoseconds / 1e3;
    report.ratio("CPU", "us", microseconds(own), ("raw reqwest", microseconds(floor)), Gate::AtMost(1.03));
    report.ratio("CPU", "us", microseconds(own), ("oauth2 over the same reqwest", microseconds(peer)), Gate::None);
    report.value("allocations", "", own.allocations, Some(("raw reqwest", floor.allocations)), Gate::AtMost(75.0));
    report.value("allocations", "", own.allocations, Some(("oauth2 over the same reqwest", peer.allocations)), Gate::None);
}

/// The HTTP client alone, which sends the same headers: one more than by itself.
fn raw_http() -> reqwest::Client {
    reqwest::Client::builder().user_agent("grantry/0.1.0").build().unwrap_or_default()
}

/// A client of the same provider without OpenID Connect.
fn code_client(provider: &Provider) -> Result<Client> {
    let descriptor = grantry::Descriptor::builder("bench")
        .authorization_endpoint(&provider.url("authorize"))
        .token_endpoint(&provider.url("token"))
        .client_authentication_method("client_secret_post")
        .build()?;
    let client = Client::from_descriptor(descriptor, grantry::NoVariables, CLIENT_ID, CLIENT_SECRET)?;
    let transport = grantry::Transport::builder().danger_allow_loopback_http().build();
    Ok(client.transport(transport).redirect_uri(REDIRECT_URI)?)
}

type Peer =
    BasicClient<oauth2::EndpointSet, oauth2::EndpointNotSet, oauth2::EndpointNotSet, oauth2::EndpointNotSet, oauth2::EndpointSet>;

fn peer(provider: &Provider) -> Result<Peer> {
    Ok(BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_auth_uri(AuthUrl::new(provider.url("authorize"))?)
        .set_token_uri(TokenUrl::new(provider.url("token"))?)
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned())?))
}

/// The peer brings no HTTP client of this version; its documentation says how to pass one.
fn peer_http() -> PeerHttp {
    PeerHttp(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap_or_default())
}

struct PeerHttp(reqwest::Client);

impl<'c> oauth2::AsyncHttpClient<'c> for PeerHttp {
    type Error = oauth2::HttpClientError<reqwest::Error>;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = std::result::Result<oauth2::HttpResponse, Self::Error>> + Send + Sync + 'c>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move {
            let boxed = |error| oauth2::HttpClientError::Reqwest(Box::new(error));
            let response = self.0.execute(request.try_into().map_err(boxed)?).await.map_err(boxed)?;
            let mut answer = http::Response::builder().status(response.status());
            for (name, value) in response.headers() {
                answer = answer.header(name, value);
            }
            let body = response.bytes().await.map_err(boxed)?;
            answer.body(body.to_vec()).map_err(oauth2::HttpClientError::Http)
        })
    }
}
