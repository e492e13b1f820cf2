//! A way to a server that can be cut.

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use grantry_engine::store::{Record, StoreError, StoreKey, TokenStore};
use url::Url;

use crate::server;

pub(crate) struct Proxy {
    url: Url,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Opens a way to the server of a URL.
    pub(crate) fn to(server: &Url) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let mut url = server.clone();
        let _ = url.set_host(Some("127.0.0.1")).map(|()| listener.local_addr().map(|address| url.set_port(Some(address.port()))));
        let open = Arc::new(Mutex::new(Vec::new()));
        let (server, ways) = (server.clone(), open.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = server::connect(&server) else { continue };
                let _ = join(client, server, &ways);
            }
        });
        Ok(Self { url, open })
    }

    /// The URL of the server, over this way.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Cuts every connection; new ones can be made. How many there were.
    pub(crate) fn cut(&self) -> usize {
        let cut: Vec<TcpStream> = self.open.lock().map(|mut open| open.drain(..).collect()).unwrap_or_default();
        for stream in &cut {
            let _ = stream.shutdown(Shutdown::Both);
        }
        cut.len() / 2
    }
}

fn join(client: TcpStream, server: TcpStream, open: &Mutex<Vec<TcpStream>>) -> Result<()> {
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || copy(from, to));
    let (from, to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || copy(from, to));
    if let Ok(mut open) = open.lock() {
        open.extend([client, server]);
    }
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// A store whose connections are cut goes on: what can be repeated is done at once, everything else after it.
pub(crate) async fn survives(store: &dyn TokenStore, proxy: &Proxy) -> std::result::Result<(), String> {
    let key = StoreKey::new("acme", ["cut"]);
    let failed = |error: StoreError| format!("after a cut: {error}");
    store.compare_and_swap(&key, None, &Record::new(1, "one")).await.map_err(failed)?;
    for version in 1..=3 {
        let count = proxy.cut();
        if count == 0 {
            return Err("there was no connection to cut".to_owned());
        }
        let is_taken = store.lease(&key, "one", Duration::from_secs(600)).await.map_err(failed)?;
        let is_written = store.compare_and_swap(&key, Some(version), &Record::new(version + 1, "next")).await.map_err(failed)?;
        proxy.cut();
        let found = store.load(&key).await.map_err(failed)?.map(|record| record.version);
        if !is_taken || !is_written || found != Some(version + 1) {
            return Err(format!("after a cut: lease {is_taken}, written {is_written}, {found:?}"));
        }
    }
    proxy.cut();
    store.release(&key, "one").await.map_err(failed)?;
    proxy.cut();
    store.delete(&key).await.map_err(failed)
}
