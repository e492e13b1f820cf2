//! Requests and responses as values.

use std::fmt;
use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ::http::{Method, StatusCode};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use serde_json::Value;
use url::Url;

use crate::error::Error;
use crate::phase::json;
use crate::phase::request::header_value;
use crate::secret::Secret;

/// A request as it will be sent. Hooks may read and change it. The transport adds its `User-Agent` where no other is set.
#[non_exhaustive]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The URL with its query. It can hold secrets.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Ends the request earlier than the transport would.
    pub(crate) timeout: Option<Duration>,
}

impl HttpRequest {
    /// A request that asks for JSON.
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let mut headers = HeaderMap::new();
        set_header(&mut headers, ACCEPT, const { HeaderValue::from_static("application/json") });
        Self { method, url, headers, body: Body::empty(), timeout: None }
    }

    /// Sets a header. No debug output shows its value.
    ///
    /// # Errors
    /// [`Misuse`](crate::ErrorKind::Misuse): name and value are no header.
    pub fn with_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> crate::Result<Self> {
        let name = name.as_ref();
        let value = header_value(name, value.as_ref())?;
        let name: HeaderName = name.parse().map_err(|_| Error::misuse(format!("{name:?} is no name of a header")))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Takes the access token out of the `Authorization` header, for providers that want it elsewhere.
    pub fn take_bearer_token(&mut self) -> Option<Secret> {
        let (scheme, token) = self.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let token = scheme.eq_ignore_ascii_case("Bearer").then(|| Secret::from(token))?;
        self.headers.remove(AUTHORIZATION);
        Some(token)
    }
}

/// Sets a header. Most are not there yet, and `insert` takes more time to find out.
pub(crate) fn set_header(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if headers.contains_key(&name) {
        headers.remove(&name);
    }
    headers.append(name, value);
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

/// A whole answer. Hooks may read and change it before it is parsed.
#[non_exhaustive]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. It can hold secrets.
    pub body: Bytes,
}

impl HttpResponse {
    /// An answer as it came.
    pub const fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse): it is none, or nested too deeply.
    pub fn json(&self) -> crate::Result<Value> {
        json::parse(&self.body).map_err(|error| Error::invalid(format!("the answer is no JSON: {error}")))
    }

    /// The same answer with a body of JSON and its media type.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = body.to_string().into();
        self
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// The body of a request: bytes, or a stream of them.
#[derive(Default)]
pub struct Body(Repr);

#[derive(Default)]
enum Repr {
    #[default]
    Empty,
    Bytes(Bytes),
    Stream(reqwest::Body),
}

impl Body {
    /// No body.
    pub const fn empty() -> Self {
        Self(Repr::Empty)
    }

    /// A body that is sent while it is produced. A request with one is never sent twice.
    pub fn stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        Self(Repr::Stream(reqwest::Body::wrap_stream(stream.map_err(std::io::Error::other))))
    }

    /// The bytes, unless the body is a stream.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::Empty => Some(&[]),
            Repr::Bytes(bytes) => Some(bytes),
            Repr::Stream(_) => None,
        }
    }

    /// The same body once more, unless it is a stream.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        match &self.0 {
            Repr::Empty => Some(Self::empty()),
            Repr::Bytes(bytes) => Some(Self(Repr::Bytes(bytes.clone()))),
            Repr::Stream(_) => None,
        }
    }

    pub(crate) fn into_reqwest(self) -> Option<reqwest::Body> {
        match self.0 {
            Repr::Empty => None,
            Repr::Bytes(bytes) => Some(bytes.into()),
            Repr::Stream(body) => Some(body),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Repr::Bytes(bytes.into()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_bytes() {
            Some(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            None => f.write_str("Body(stream)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> HttpRequest {
        HttpRequest::new(Method::GET, "https://api.example/".parse().unwrap())
    }

    #[test]
    fn a_header_is_set_once_and_hidden() {
        let request = request().with_header("X-Key", "one").unwrap().with_header("x-key", "two").unwrap();
        let values: Vec<_> = request.headers.get_all("x-key").iter().collect();
        assert_eq!(values, ["two"]);
        assert!(values[0].is_sensitive());
    }

    #[test]
    fn what_is_no_header_is_refused_without_its_value() {
        let wrong = |name, value| request().with_header(name, value).unwrap_err().to_string();
        assert_eq!(wrong("x key", "v"), "\"x key\" is no name of a header");
        assert!(!wrong("x-key", "hunter2\n").contains("hunter2"));
    }

    #[test]
    fn a_bearer_token_is_taken_once() {
        let mut request = request().with_header("authorization", "bearer at").unwrap();
        assert_eq!(request.take_bearer_token().unwrap().expose(), "at");
        assert!(!request.headers.contains_key("authorization") && request.take_bearer_token().is_none());
    }

    #[test]
    fn another_scheme_stays() {
        let mut request = request().with_header("authorization", "Basic aWQ6").unwrap();
        assert!(request.take_bearer_token().is_none());
        assert_eq!(request.headers.get("authorization").unwrap(), "Basic aWQ6");
    }

    #[test]
    fn json_replaces_body_and_media_type() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let response = HttpResponse::new(StatusCode::OK, headers, Bytes::from_static(b"{\"a\":1}"));
        let mut body = response.json().unwrap();
        body["b"] = 2.into();
        let response = response.with_json(&body);
        assert_eq!(response.body, "{\"a\":1,\"b\":2}");
        assert_eq!(response.headers.get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), ["application/json"]);
    }

    #[test]
    fn a_body_that_is_no_json_is_said_to_be_none() {
        let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), Bytes::from_static(b"at=1"));
        assert_eq!(response.json().unwrap_err().kind(), crate::ErrorKind::InvalidResponse);
    }
}
