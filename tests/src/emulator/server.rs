//! HTTPS on loopback: one thread with a runtime of its own.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::record::{Received, Sent};

/// Answers one request.
pub(crate) type Handler = Arc<dyn Fn(Received) -> Sent + Send + Sync>;

/// A running server; dropping it stops it.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(config: ServerConfig, handler: Handler) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let thread = std::thread::Builder::new().name("emulator".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = listen(listener, acceptor, handler) => {}
                }
            });
        })?;
        Ok(Self { addr, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's has already shown up at the client.
            let _ = thread.join();
        }
    }
}

async fn listen(listener: StdListener, acceptor: TlsAcceptor, handler: Handler) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, acceptor.clone(), handler.clone()));
    }
}

/// Serves one connection. Whatever goes wrong here the client sees as a failed connection.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, handler: Handler) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| answer(request, handler.clone()));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, handler: Handler) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = match receive(request).await {
        Ok(received) => respond(handler(received)),
        Err(problem) => respond(super::answer::refusal(&[problem])),
    };
    Ok(response)
}

async fn receive(request: Request<Incoming>) -> Result<Received, String> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| format!("the body cannot be read: {error}"))?.to_bytes();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<(String, String)> = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let host = headers.iter().find_map(|(name, value)| (name == "host").then_some(value)).ok_or("header `host`: missing")?;
    let url = Url::parse(&format!("https://{host}{}", parts.uri)).map_err(|error| format!("the URL is invalid: {error}"))?;
    Ok(Received { method: parts.method.to_string(), url, headers, body })
}

fn respond(sent: Sent) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(sent.status);
    for (name, value) in &sent.headers {
        response = response.header(name, value);
    }
    response.body(Full::from(sent.body)).unwrap_or_else(|error| {
        let mut response = Response::new(Full::from(format!("the fixture's answer is no HTTP response: {error}")));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}
