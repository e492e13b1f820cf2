//! Requests for protected resources (RFC 6750).

use std::borrow::Cow;
use std::fmt;
use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::Either;
use futures_util::stream::try_unfold;
use futures_util::{Stream, StreamExt as _, TryFutureExt as _};
use grantry_descriptor::model::Hook;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::timeout;
use url::Url;

use crate::client::Task;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::http::{Body, HttpRequest, set_header};
use crate::phase::encode::{self, Pair};
use crate::phase::template::Values;
use crate::phase::{request, response};
use crate::placement;
use crate::session::SessionInner;
use crate::token::Token;
use crate::transport::{Incoming, Origin};

/// Longest body of an API's error that is read for the error's text, in bytes.
const MAX_ERROR: usize = 64 * 1024;

/// Builds a request for a protected resource; `.send().await`, or await it as it is.
#[must_use = "await it, or call `.send()`"]
pub struct RequestBuilder {
    session: Arc<SessionInner>,
    method: Method,
    target: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Body,
    with_token: bool,
    any_status: bool,
    timeout: Option<Duration>,
    problem: Option<Error>,
}

impl RequestBuilder {
    pub(crate) fn new(session: Arc<SessionInner>, method: Method, target: String) -> Self {
        Self {
            session,
            method,
            target,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Body::empty(),
            with_token: true,
            any_status: false,
            timeout: None,
            problem: None,
        }
    }

    /// Appends to the query; names may repeat.
    pub fn query<K: AsRef<str>, V: AsRef<str>>(mut self, pairs: &[(K, V)]) -> Self {
        self.query.extend(pairs.iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())));
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(header), Ok(value)) => {
                self.headers.insert(header, value);
            }
            _ => self.fail(Error::misuse(format!("{name:?} and its value are no header"))),
        }
        self
    }

    /// A JSON body.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(text) => self.set_body("application/json", text),
            Err(error) => self.fail(Error::misuse(format!("the body cannot be written as JSON: {error}"))),
        }
        self
    }

    /// A form body (`application/x-www-form-urlencoded`); names may repeat.
    pub fn form<K: AsRef<str>, V: AsRef<str>>(mut self, pairs: &[(K, V)]) -> Self {
        self.set_body("application/x-www-form-urlencoded", encode::form(pairs).into_bytes());
        self
    }

    /// A body of any kind; set its `Content-Type` with [`header`](Self::header).
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request without the access token, and without the descriptor's parameters and headers that are made of it.
    pub const fn without_token(mut self) -> Self {
        self.with_token = false;
        self
    }

    /// Returns answers of every status; by default one of 400 and above is an error.
    pub const fn any_status(mut self) -> Self {
        self.any_status = true;
        self
    }

    /// The time for this request and the whole of its answer; if it is sent again after a 401, it has the time again. Renewals of the
    /// token are not part of it. The transport's own timeouts end it earlier where they are shorter.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request. Redirects are not followed.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse): a target outside of the provider's API. [`Refused`](ErrorKind::Refused): a status of 400 and above.
    /// [`Network`](ErrorKind::Network): no answer.
    pub fn send(mut self) -> Task<'static, Response> {
        Box::pin(async move {
            let outcome = self.run().await;
            outcome.map_err(|error| error.in_phase(Phase::ProtectedRequest).of_provider(self.session.config.id()))
        })
    }

    fn set_body(&mut self, media_type: &'static str, body: Vec<u8>) {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = Body::from(body);
    }

    fn fail(&mut self, error: Error) {
        self.problem.get_or_insert(error);
    }

    async fn run(&mut self) -> Result<Response> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let session = Arc::clone(&self.session);
        let mut token = if self.with_token { Some(session.active().await?) } else { session.token() };
        let again = self.body.try_clone().filter(|_| self.with_token);
        let body = std::mem::take(&mut self.body);
        let mut response = self.attempt(body, token.as_ref()).await?;
        if let (StatusCode::UNAUTHORIZED, Some(body), Some(seen)) = (response.status(), again, &token)
            && let Some(renewed) = Box::pin(renewed(&session, response.status(), seen)).await?
        {
            response = Box::pin(self.attempt(body, Some(&renewed))).await?;
            token = Some(renewed);
        }
        if self.any_status || response.status().as_u16() < 400 {
            Ok(response)
        } else {
            let token = token.as_ref().map_or("", |token| token.access_token.expose());
            Err(Box::pin(refused(response, token, session.config.transport.timeout())).await)
        }
    }

    fn attempt(&self, body: Body, token: Option<&Arc<Token>>) -> impl Future<Output = Result<Response>> + Send + use<'_> {
        let Config { hooks, transport, .. } = &*self.session.config;
        let started = match self.build(body, token) {
            Ok(request) if hooks.is_empty() => Either::Left(transport.start(request)),
            built => Either::Right(Box::pin(async move {
                let request = hooks.on_request(Hook::ProtectedRequest, built?).await?;
                transport.start(request).await
            })),
        };
        started.map_ok(Response)
    }

    fn build(&self, body: Body, token: Option<&Arc<Token>>) -> Result<HttpRequest> {
        let config = &self.session.config;
        let requests = &config.model().requests;
        let values = Values {
            token: token.map(AsRef::as_ref),
            learned: token.map_or(&[], |token| &token.learned),
            callback: self.session.callback.as_ref(),
            id_token: self.session.signed_in(),
            ..Values::new(config)
        };
        let mut url = target(&self.target, &values)?;
        let mut pairs: Vec<Pair<'static>> = Vec::new();
        if self.with_token {
            request::set_parameters(&mut pairs, &requests.parameters, &values)?;
            pairs.retain(|(name, _)| !self.query.iter().any(|(own, _)| own == name));
        }
        encode::append_query(&mut url, &self.query);
        encode::append_query(&mut url, &pairs);
        let mut built = HttpRequest::new(self.method.clone(), url);
        // Headers that are made of the token, or of what came with it, go with it.
        let values = Values { token: values.token.filter(|_| self.with_token), ..values };
        request::set_headers(&mut built.headers, &requests.headers, &values)?;
        request::set_headers(&mut built.headers, self.session.headers(), &values)?;
        for (name, value) in &self.headers {
            set_header(&mut built.headers, name.clone(), value.clone());
        }
        built.body = body;
        built.timeout = self.timeout;
        if let Some(token) = token.filter(|_| self.with_token) {
            self.place(token, &mut built)?;
        }
        Ok(built)
    }

    /// Puts the token in; its header is made once for each token.
    fn place(&self, token: &Arc<Token>, request: &mut HttpRequest) -> Result<()> {
        let current = self.session.current();
        let prepared = current.as_ref().filter(|current| Arc::ptr_eq(&current.token, token));
        match prepared.and_then(|current| current.header(&self.session.config)) {
            Some(header) => {
                let (name, value) = header.pair();
                set_header(&mut request.headers, name, value);
                Ok(())
            }
            None => placement::place(&self.session.config, token, request),
        }
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Response>;
    type IntoFuture = Task<'static, Response>;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The answer to a request for a protected resource.
pub struct Response(Incoming);

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The whole body.
    pub async fn bytes(mut self) -> Result<Bytes> {
        self.read().await
    }

    /// The whole body as text.
    pub async fn text(mut self) -> Result<String> {
        let bytes = self.read().await?;
        String::from_utf8(bytes.into()).map_err(|_| Error::invalid("the answer is not UTF-8").in_phase(Phase::ProtectedRequest))
    }

    /// The whole body, read as JSON.
    pub async fn json<T: DeserializeOwned>(mut self) -> Result<T> {
        let status = self.status().as_u16();
        let bytes = self.read().await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::invalid(unexpected_json(&error)).in_phase(Phase::ProtectedRequest).with_status(status))
    }

    /// The next piece of the body; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.0.read_chunk().await.map_err(|error| error.in_phase(Phase::ProtectedRequest))
    }

    /// What is left of the body, piece by piece.
    fn pieces(self) -> impl Stream<Item = Result<Bytes>> + Send {
        try_unfold(self, |mut response| async move { Ok(response.chunk().await?.map(|piece| (piece, response))) })
    }

    async fn read(&mut self) -> Result<Bytes> {
        self.0.read_all().await.map_err(|error| error.in_phase(Phase::ProtectedRequest))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// A newer token in place of one that an API refuses, where there is a way to one. Once per token: of the requests that it fails, one
/// renews it.
pub(crate) async fn renewed(session: &Arc<SessionInner>, status: StatusCode, seen: &Arc<Token>) -> Result<Option<Arc<Token>>> {
    match status == StatusCode::UNAUTHORIZED && session.config.refreshing.is_automatic {
        true => Box::pin(session.after_refusal(seen)).await,
        false => Ok(None),
    }
}

/// What is wrong with a body of JSON, and where. The text of `serde_json`'s error stays out, also as a source: it quotes the body.
fn unexpected_json(error: &serde_json::Error) -> String {
    let problem = match error.classify() {
        Category::Data => "is not the JSON that was expected",
        Category::Eof => "is JSON that ends too early",
        Category::Syntax | Category::Io => "is no JSON",
    };
    format!("the answer {problem}, at line {}, column {}", error.line(), error.column())
}

/// The error of an API: whatever its body looks like, status and the beginning of the body.
async fn refused(response: Response, token: &str, patience: Duration) -> Error {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = short(response.pieces(), patience).await.unwrap_or_default();
    Error::new(ErrorKind::Refused, "the API refused")
        .with_status(status)
        .with_retry_after(response::retry_after(&headers))
        .with_excerpt(response::excerpt(&body, &[token]))
}

/// A body that is short and comes in time. Of another nothing is shown: what is cut off may be half a token.
async fn short(pieces: impl Stream<Item = Result<Bytes>> + Send, patience: Duration) -> Option<BytesMut> {
    let read = async {
        let mut pieces = pin!(pieces);
        let mut body = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.ok()?;
            if body.len().saturating_add(piece.len()) > MAX_ERROR {
                return None;
            }
            body.extend_from_slice(&piece);
        }
        Some(body)
    };
    timeout(patience, read).await.ok()?
}

/// Where a request goes: a path is appended to the base URL, an absolute URL must be on an API origin.
fn target(target: &str, values: &Values<'_>) -> Result<Url> {
    let requests = &values.config.model().requests;
    let base = values.base_url()?;
    if is_absolute(target) {
        let url: Url = target.parse().map_err(|_| Error::misuse("the target is no URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::misuse("the target has a user or password in its URL"));
        }
        let mut origins = requests.api_origins.iter().map(|origin| values.url(origin)).collect::<Result<Vec<_>>>()?;
        origins.extend(base.map(Cow::into_owned));
        if origins.iter().any(|origin| origin.origin() == url.origin()) {
            return Ok(url);
        }
        let known = origins.iter().map(|url| Origin(url).to_string()).collect::<Vec<_>>().join(", ");
        return Err(Error::misuse(format!(
            "{} is no origin of the provider's API ({known}); the access token does not go there",
            Origin(&url)
        )));
    }
    let base =
        base.ok_or_else(|| Error::misuse("the provider has no base URL; pass an absolute URL on one of its API origins"))?;
    under(&base, target)
}

/// Whether a target begins with a scheme and `://`.
fn is_absolute(target: &str) -> bool {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    target.split_once(':').is_some_and(|(before, rest)| rest.starts_with("//") && is_scheme(before))
}

/// A path below a base URL.
fn under(base: &Url, path: &str) -> Result<Url> {
    let relative = path.strip_prefix('/').unwrap_or(path);
    let (steps, query) = relative.split_once('?').map_or((relative, None), |(steps, query)| (steps, Some(query)));
    let hostile = relative.starts_with('/')
        || steps.contains('\\')
        || steps.split('/').any(is_dotted)
        || path.chars().any(char::is_control);
    if hostile || steps.contains('#') {
        return Err(Error::misuse(
            "the target is no plain path: `//`, `\\`, `#`, dot segments and control characters are refused",
        ));
    }
    let mut url = base.clone();
    url.set_path(&[base.path().trim_end_matches('/'), "/", steps].concat());
    if query.is_some() {
        url.set_query(query);
    }
    Ok(url)
}

/// Whether a step is `.` or `..`, each dot encoded or not.
fn is_dotted(step: &str) -> bool {
    match without_dot(step) {
        None => false,
        Some(rest) => rest.is_empty() || without_dot(rest) == Some(""),
    }
}

/// What follows a dot.
fn without_dot(step: &str) -> Option<&str> {
    let (encoded, rest) = step.split_at_checked(3).unwrap_or_default();
    if encoded.eq_ignore_ascii_case("%2e") { Some(rest) } else { step.strip_prefix('.') }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn joined(path: &str) -> Result<String> {
        under(&"https://api.example/v1/".parse().unwrap(), path).map(Into::into)
    }

    #[test]
    fn a_path_is_appended() {
        assert_eq!(joined("user/repos").unwrap(), "https://api.example/v1/user/repos");
        assert_eq!(joined("/user/repos?x=1").unwrap(), "https://api.example/v1/user/repos?x=1");
        assert_eq!(joined("").unwrap(), "https://api.example/v1/");
        assert_eq!(joined("a@b:c").unwrap(), "https://api.example/v1/a@b:c");
        assert_eq!(joined("people/~:(id)").unwrap(), "https://api.example/v1/people/~:(id)");
    }

    const ACME: &str = "
name: Acme
documentation: https://docs.acme.example/
variables:
  site: { description: Where the user's data are, from: token.site, optional: true, pattern: '[a-z]+' }
endpoints:
  authorization_endpoint: https://acme.example/authorize
  token_endpoint: https://acme.example/token
client_authentication: { method: client_secret_post }
requests:
  base_url: https://api.acme.example/
  headers:
    X-App: '{client_id}'
    X-Site: '{site}'
    X-Token: '{access_token}'
    X-Proof: '{digest.proof}'
    X-User: '{token.user}'
digests:
  proof: { algorithm: hmac-sha256, key: '{client_secret}', message: '{access_token}' }
";

    #[test]
    fn headers_that_are_made_of_the_token_go_with_it() {
        let descriptor = grantry_descriptor::Descriptor::from_yaml(ACME, "acme.yaml").unwrap();
        let client = crate::Client::from_descriptor(descriptor, crate::NoVariables, "app", "secret").unwrap();
        let mut token = Token::new("t0ken");
        token.learned = vec![("site".to_owned(), "eu".to_owned())];
        token.extra.insert("user".to_owned(), "jane".into());
        let token = Arc::new(token);
        let sent = |with_token: bool| {
            let request = client.session((*token).clone()).get("items");
            let request = if with_token { request } else { request.without_token() };
            let headers = request.build(Body::default(), Some(&token)).unwrap().headers;
            headers.keys().map(|name| name.as_str().to_owned()).filter(|name| name.starts_with("x-")).collect::<Vec<_>>()
        };
        assert_eq!(sent(true), ["x-app", "x-site", "x-token", "x-proof", "x-user"]);
        assert_eq!(sent(false), ["x-app", "x-site"]);
    }

    #[test]
    fn a_url_inside_a_query_makes_no_absolute_target() {
        assert!(is_absolute("https://api.example/x"));
        assert!(is_absolute("://x"));
        assert!(!is_absolute("search?url=https://x.example"));
        assert!(!is_absolute("a/b"));
    }

    #[test]
    fn a_path_stays_below_the_base() {
        for hostile in
            ["//evil.example", "///x", "\\\\evil", "a/../b", "..", "%2e%2e/x", "a/%2E./b", "./x", "a\nb", "a#b", "a\\b"]
        {
            assert!(joined(hostile).is_err(), "{hostile}");
        }
    }

    #[tokio::test]
    async fn the_body_of_an_error_is_short_or_not_read_to_its_end() {
        let mut taken = 0;
        let long = stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1024]))).take(100).inspect(|_| taken += 1);
        assert_eq!(short(long, LONG).await, None);
        assert_eq!(taken, MAX_ERROR / 1024 + 1);
        let exact = stream::iter([Bytes::from(vec![b'x'; MAX_ERROR - 1]), Bytes::from_static(b"y")].map(Ok));
        assert_eq!(short(exact, LONG).await.map(|body| body.len()), Some(MAX_ERROR));
        let broken = stream::iter([Ok(Bytes::from_static(b"half a to")), Err(Error::new(ErrorKind::Network, "lost"))]);
        assert_eq!(short(broken, LONG).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_body_of_an_error_that_trickles_is_given_up() {
        let trickle = stream::repeat(()).then(|()| async {
            tokio::time::sleep(Duration::from_secs(8)).await;
            Ok(Bytes::from_static(b"."))
        });
        let started = tokio::time::Instant::now();
        assert_eq!(short(trickle, Duration::from_secs(30)).await, None);
        assert_eq!(started.elapsed().as_secs(), 30);
    }
}
