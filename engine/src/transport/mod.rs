//! The only place that builds a `reqwest` client and does network I/O.
//!
//! Every default that would leak a credential is turned off: redirects are never followed, no `Referer` is sent, bodies of
//! protocol answers are capped and must not be compressed, every request has a deadline, proxies of the environment are ignored
//! unless asked for, and no error shows a URL.

mod address;
mod patience;
mod timers;

use std::fmt;
use std::future::poll_fn;
use std::mem::take;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use url::{Host, Url};

use self::patience::Patience;
use self::timers::Timers;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{HttpRequest, HttpResponse};
use crate::metadata;
use crate::secret::Secret;

/// Caps the body of a protocol answer: 1 MiB.
const MAX_BODY: usize = 1024 * 1024;

/// How requests travel. Cheap to clone; clients that share one share its connections. Connects on first use.
#[derive(Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    timers: Timers,
    client: OnceLock<std::result::Result<reqwest::Client, String>>,
}

#[derive(Clone)]
struct Options {
    connect_timeout: Duration,
    read_timeout: Duration,
    timeout: Duration,
    user_agent: String,
    proxy: Option<Url>,
    environment_proxies: bool,
    root_certificates: Vec<Vec<u8>>,
    client_certificate: Option<Secret>,
    private_addresses: bool,
    loopback_http: bool,
    test_network: Option<TestNetwork>,
    in_process: Option<InProcess>,
}

type InProcess = Arc<dyn Fn(HttpRequest) -> BoxFuture<'static, std::result::Result<HttpResponse, Lost>> + Send + Sync>;

/// How an in-process exchange fails: see [`TransportBuilder::danger_in_process`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// The request did not leave.
    Request,
    /// The request left, and no answer came.
    Answer,
}

#[derive(Clone)]
struct TestNetwork {
    address: SocketAddr,
    certificate: Vec<u8>,
}

impl Default for Transport {
    fn default() -> Self {
        TransportBuilder::default().build()
    }
}

impl Transport {
    /// Starts from the defaults: 5 s to connect, 10 s between two reads, 30 s for a whole protocol request.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// The time for a whole protocol request.
    pub(crate) fn timeout(&self) -> Duration {
        self.inner.options.timeout
    }

    /// The value of `User-Agent`.
    pub(crate) fn user_agent(&self) -> &str {
        &self.inner.options.user_agent
    }

    /// Whether a URL may be called: https, or loopback http where that is allowed; no address that the policy forbids.
    pub(crate) fn permits(&self, url: &Url) -> Result<()> {
        let options = &self.inner.options;
        let loopback = metadata::is_loopback(url);
        if url.scheme() != "https" && !(options.loopback_http && loopback && url.scheme() == "http") {
            return Err(Error::misuse(format!("{} is not an https URL", Origin(url))));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            _ => None,
        };
        match literal {
            Some(ip) if !(options.private_addresses || (options.loopback_http && loopback) || address::is_public(ip)) => {
                Err(Error::misuse(format!("{} is not a public address", Origin(url))).with_hint(ALLOW_PRIVATE))
            }
            _ => Ok(()),
        }
    }

    /// Sends a protocol request and reads its whole answer.
    pub(crate) fn send(&self, request: HttpRequest) -> impl Future<Output = Result<HttpResponse>> + Send + use<> {
        let mut patience = Patience::for_all(&self.inner.options, &self.inner.timers);
        let exchange = self.begin(request);
        async move {
            let mut response = head(exchange?, &mut patience).await?;
            check_answer(response.status(), response.headers())?;
            let body = read(&mut response, MAX_BODY, &mut patience).await?;
            Ok(HttpResponse::new(response.status(), take(response.headers_mut()), body))
        }
    }

    /// Sends a protected request; the answer's body is read by the caller.
    pub(crate) fn start(&self, request: HttpRequest) -> impl Future<Output = Result<Incoming>> + Send + use<> {
        let mut patience = Patience::for_each_read(&self.inner.options, &self.inner.timers);
        let exchange = self.begin(request);
        async move { Ok(Incoming { response: head(exchange?, &mut patience).await?, patience }) }
    }

    /// Hands a request over. It is no part of the future, which is small: futures are moved and allocated with all their room.
    fn begin(
        &self,
        request: HttpRequest,
    ) -> Result<Exchange<impl Future<Output = reqwest::Result<reqwest::Response>> + Send + Unpin + use<>>> {
        self.permits(&request.url)?;
        if let Some(answer) = &self.inner.options.in_process {
            return Ok(Exchange::InProcess(answer(request)));
        }
        let client = self.client()?;
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.body_mut() = request.body.into_reqwest();
        // To ask for none takes the client three allocations.
        if request.timeout.is_some() {
            *outgoing.timeout_mut() = request.timeout;
        }
        Ok(Exchange::Network(client.execute(outgoing)))
    }

    fn client(&self) -> Result<&reqwest::Client> {
        let built = self.inner.client.get_or_init(|| self.inner.options.client());
        built.as_ref().map_err(|problem| Error::misuse(format!("the transport cannot be built: {problem}")))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("timeout", &self.inner.options.timeout).finish_non_exhaustive()
    }
}

const ALLOW_PRIVATE: &str = "if the provider really stands there, allow it with `Transport::builder().private_addresses()`";

/// Options of a [`Transport`].
#[derive(Clone)]
#[must_use = "call `.build()`"]
pub struct TransportBuilder {
    options: Options,
}

impl Default for TransportBuilder {
    fn default() -> Self {
        Self {
            options: Options {
                connect_timeout: Duration::from_secs(5),
                read_timeout: Duration::from_secs(10),
                timeout: Duration::from_secs(30),
                user_agent: concat!("grantry/", env!("CARGO_PKG_VERSION")).to_owned(),
                proxy: None,
                environment_proxies: false,
                root_certificates: Vec::new(),
                client_certificate: None,
                private_addresses: false,
                loopback_http: false,
                test_network: None,
                in_process: None,
            },
        }
    }
}

impl TransportBuilder {
    /// The time to connect.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// The time between two reads of an answer. The first one's begins when the request is sent: an upload has to be done, and answered,
    /// within it.
    pub const fn read_timeout(mut self, timeout: Duration) -> Self {
        self.options.read_timeout = timeout;
        self
    }

    /// The time for a whole protocol request. Protected requests end by [`read_timeout`](Self::read_timeout) only; the body of an API's
    /// error is read for as long at most.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// The value of `User-Agent`; some providers ask for the application's name here.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.options.user_agent = user_agent.into();
        self
    }

    /// Sends everything through this proxy, which may have a private address.
    ///
    /// The proxy resolves the names of hosts, so it has to refuse those of private addresses: what
    /// [`private_addresses`](Self::private_addresses) says of names does not hold behind it. Addresses in URLs are still checked here.
    pub fn proxy(mut self, proxy: Url) -> Self {
        self.options.proxy = Some(proxy);
        self
    }

    /// Uses the proxies that the environment names (`HTTPS_PROXY` and the like), unless there is a [`proxy`](Self::proxy). Off by default.
    ///
    /// As there, the proxy has to refuse private addresses. Where the environment changes nothing, as for hosts of `NO_PROXY`, names are
    /// checked here. The proxy's own host may have a private address where `HTTPS_PROXY` or `ALL_PROXY` names it, also if it is called
    /// without the proxy; one that is known from elsewhere, as from the system's settings, may not.
    pub const fn environment_proxies(mut self) -> Self {
        self.options.environment_proxies = true;
        self
    }

    /// Trusts a further certificate authority: DER bytes.
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.options.root_certificates.push(der.into());
        self
    }

    /// Shows this certificate where a server asks for one (RFC 8705): PEM text of the certificates, the client's first, and of its private
    /// key in PKCS#8.
    pub fn client_certificate(mut self, pem: impl Into<Secret>) -> Self {
        self.options.client_certificate = Some(pem.into());
        self
    }

    /// Allows hosts with private, link-local and loopback addresses: for providers in one's own network. By default they are
    /// refused, so that a host name from outside cannot reach internal services. Behind a [`proxy`](Self::proxy) it is the proxy that
    /// resolves names and has to refuse them; here only addresses in URLs are.
    pub const fn private_addresses(mut self) -> Self {
        self.options.private_addresses = true;
        self
    }

    /// Allows `http://localhost` and loopback addresses: for development.
    pub const fn danger_allow_loopback_http(mut self) -> Self {
        self.options.loopback_http = true;
        self
    }

    /// For tests: every host stands at `address`, and only the certificate authority `certificate` (DER) is trusted.
    pub fn danger_test_network(mut self, address: SocketAddr, certificate: impl Into<Vec<u8>>) -> Self {
        self.options.test_network = Some(TestNetwork { address, certificate: certificate.into() });
        self
    }

    /// For tests: requests are answered in this process, and nothing is sent.
    pub fn danger_in_process<F, Fut>(mut self, answer: F) -> Self
    where
        F: Fn(HttpRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<HttpResponse, Lost>> + Send + 'static,
    {
        self.options.in_process = Some(Arc::new(move |request| Box::pin(answer(request))));
        self
    }

    /// The transport. Nothing is set up before its first use.
    pub fn build(self) -> Transport {
        Transport { inner: Arc::new(Inner { options: self.options, timers: Timers::default(), client: OnceLock::new() }) }
    }
}

impl Options {
    fn client(&self) -> std::result::Result<reqwest::Client, String> {
        let user_agent = HeaderValue::try_from(self.user_agent.as_str())
            .map_err(|_| "the value of the header User-Agent has characters that no header can hold".to_owned())?;
        let mut builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout);
        if !self.environment_proxies || self.test_network.is_some() {
            builder = builder.no_proxy();
        }
        if let Some(proxy) = self.proxy.as_ref().filter(|_| self.test_network.is_none()) {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(describe)?);
        }
        builder = match &self.test_network {
            Some(network) => builder.dns_resolver(Arc::new(address::Everywhere(network.address))),
            None if self.private_addresses => builder,
            None => {
                builder.dns_resolver(Arc::new(address::PublicOnly { loopback: self.loopback_http, proxy: self.proxy_host() }))
            }
        };
        self.certificates(builder)?.build().map_err(describe)
    }

    /// The host of the proxy, as far as it is known here.
    fn proxy_host(&self) -> Option<String> {
        match &self.proxy {
            Some(proxy) => proxy.host_str().map(str::to_owned),
            None if self.environment_proxies => address::environment_proxy(|name| std::env::var(name).ok()),
            None => None,
        }
    }

    #[cfg(feature = "tls")]
    fn certificates(&self, mut builder: reqwest::ClientBuilder) -> std::result::Result<reqwest::ClientBuilder, String> {
        let certificate = |der: &Vec<u8>| reqwest::Certificate::from_der(der).map_err(describe);
        if let Some(pem) = &self.client_certificate {
            builder = builder.identity(reqwest::Identity::from_pem(pem.expose().as_bytes()).map_err(describe)?);
        }
        if let Some(network) = &self.test_network {
            return Ok(builder.tls_certs_only([certificate(&network.certificate)?]));
        }
        let roots = self.root_certificates.iter().map(certificate).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(if roots.is_empty() { builder } else { builder.tls_certs_merge(roots) })
    }

    #[cfg(not(feature = "tls"))]
    fn certificates(&self, builder: reqwest::ClientBuilder) -> std::result::Result<reqwest::ClientBuilder, String> {
        let wanted = !self.root_certificates.is_empty()
            || self.client_certificate.is_some()
            || self.test_network.as_ref().is_some_and(|network| !network.certificate.is_empty());
        if wanted { Err("certificates need the feature `tls`".to_owned()) } else { Ok(builder) }
    }
}

/// A request that left, or that is answered here.
enum Exchange<N> {
    Network(N),
    InProcess(BoxFuture<'static, std::result::Result<HttpResponse, Lost>>),
}

/// The head of its answer.
async fn head<N: Future<Output = reqwest::Result<reqwest::Response>> + Unpin>(
    mut exchange: Exchange<N>,
    patience: &mut Patience,
) -> Result<reqwest::Response> {
    poll_fn(|context| {
        patience.poll(context, |context| match &mut exchange {
            Exchange::Network(answer) => Pin::new(answer).poll(context).map_err(network),
            Exchange::InProcess(answer) => answer.as_mut().poll(context).map(in_process),
        })
    })
    .await
}

fn in_process(answer: std::result::Result<HttpResponse, Lost>) -> Result<reqwest::Response> {
    match answer {
        Ok(response) => {
            let mut built = http::Response::new(response.body);
            *built.status_mut() = response.status;
            *built.headers_mut() = response.headers;
            Ok(built.into())
        }
        Err(Lost::Request) => Err(Error::new(ErrorKind::Network, "the connection failed").unsent()),
        Err(Lost::Answer) => Err(Error::new(ErrorKind::Network, "the network failed")),
    }
}

/// The answer to a protected request.
pub(crate) struct Incoming {
    response: reqwest::Response,
    patience: Patience,
}

impl Incoming {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The whole body, however large.
    pub(crate) async fn read_all(&mut self) -> Result<Bytes> {
        self.patience.rest();
        read(&mut self.response, usize::MAX, &mut self.patience).await
    }

    /// The next piece of the body.
    pub(crate) async fn read_chunk(&mut self) -> Result<Option<Bytes>> {
        // Who asked last may not have waited for the end.
        self.patience.rest();
        poll_fn(|context| poll_chunk(&mut self.response, &mut self.patience, context)).await
    }
}

/// Refuses the kinds of answers that no endpoint of the protocol gives.
fn check_answer(status: StatusCode, headers: &HeaderMap) -> Result<()> {
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|value| value.as_bytes() != b"identity") {
        return Err(Error::invalid(format!("the answer is compressed ({encoding:?}), which nobody asked for")));
    }
    if status.is_redirection() {
        return Err(Error::invalid(
            "the endpoint redirects; a redirect is never followed, since it would carry credentials along",
        )
        .with_status(status.as_u16()));
    }
    Ok(())
}

/// Reads a body up to its cap.
async fn read(response: &mut reqwest::Response, most: usize, patience: &mut Patience) -> Result<Bytes> {
    let mut body = Bytes::new();
    while let Some(chunk) = poll_fn(|context| poll_chunk(response, patience, context)).await? {
        body = joined(body, chunk, most)?;
    }
    Ok(body)
}

/// A body and its next piece. A body that comes in one piece is not copied.
fn joined(body: Bytes, chunk: Bytes, most: usize) -> Result<Bytes> {
    if body.len().saturating_add(chunk.len()) > most {
        return Err(Error::invalid(format!("the answer is larger than {most} bytes")));
    }
    if body.is_empty() {
        return Ok(chunk);
    }
    let mut body = BytesMut::from(body);
    body.extend_from_slice(&chunk);
    Ok(body.freeze())
}

/// The next piece of a body. It is asked for anew each time: nothing is lost, and no room is made to remember it.
fn poll_chunk(
    response: &mut reqwest::Response,
    patience: &mut Patience,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>>> {
    patience.poll(context, |context| pin!(response.chunk()).poll(context).map_err(network))
}

fn network(error: reqwest::Error) -> Error {
    if let Some(refused) = address::refusal(&error) {
        return Error::misuse(refused).with_hint(ALLOW_PRIVATE);
    }
    let what = if error.is_timeout() {
        "the provider did not answer in time"
    } else if error.is_connect() {
        "the connection failed"
    } else {
        "the network failed"
    };
    let is_unsent = error.is_connect();
    let error = error.without_url();
    let cause = deepest(&error).to_string();
    let error = Error::new(ErrorKind::Network, format!("{what}: {cause}")).with_source(error);
    if is_unsent { error.unsent() } else { error }
}

fn describe(error: reqwest::Error) -> String {
    deepest(&error.without_url()).to_string()
}

fn deepest<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest
}

/// Shows scheme, host and port only: paths and queries can hold secrets.
pub(crate) struct Origin<'a>(pub(crate) &'a Url);

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(transport: &Transport, url: &str) -> bool {
        transport.permits(&url.parse().unwrap()).is_ok()
    }

    #[test]
    fn only_https_to_public_addresses() {
        let transport = Transport::default();
        assert!(permits(&transport, "https://id.example/token"));
        for refused in [
            "http://id.example/",
            "http://localhost/",
            "ftp://id.example/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/",
        ] {
            assert!(!permits(&transport, refused), "{refused}");
        }
    }

    #[test]
    fn loopback_http_is_an_opt_in() {
        let transport = Transport::builder().danger_allow_loopback_http().build();
        assert!(permits(&transport, "http://localhost:8080/token"));
        assert!(permits(&transport, "http://127.0.0.1:8080/token"));
        assert!(permits(&transport, "http://[::ffff:127.0.0.1]:8080/token"));
        assert!(!permits(&transport, "http://id.example/token"));
        assert!(!permits(&transport, "https://10.0.0.1/token"));
    }

    #[tokio::test]
    async fn a_proxy_may_stand_in_ones_own_network() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let proxy = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let transport = Transport::builder().proxy(proxy.parse().unwrap()).build();
        let ask = |url: &str| transport.send(HttpRequest::new(http::Method::GET, url.parse().unwrap()));
        let accept = async {
            let stream = listener.accept().await.unwrap().0;
            let mut bytes = [0; 28];
            let mut length = 0;
            while length < bytes.len() {
                stream.readable().await.unwrap();
                length += stream.try_read(&mut bytes[length..]).unwrap_or_default();
            }
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        // The proxy is told the name, and resolves it.
        let asking = ask("https://id.example/token");
        tokio::select! {
            error = asking => panic!("{:?}", error.err()),
            asked = accept => assert_eq!(asked, "CONNECT id.example:443 HTTP/"),
        }
        let error = ask("https://10.0.0.1/token").await.err().unwrap();
        assert!(error.kind() == ErrorKind::Misuse && error.to_string().contains("not a public address"), "{error}");
    }

    #[test]
    fn an_error_shows_no_path() {
        let url: Url = "http://id.example/secret?token=hunter2".parse().unwrap();
        assert_eq!(Transport::default().permits(&url).unwrap_err().to_string(), "http://id.example is not an https URL");
    }
}
