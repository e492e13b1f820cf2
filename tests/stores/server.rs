//! Where the servers are.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use url::Url;

/// A server that is not there.
pub(crate) struct Missing(pub(crate) String);

/// A server that a store needs.
pub(crate) struct Server {
    name: &'static str,
    variable: &'static str,
    default: &'static str,
    port: u16,
    install: &'static str,
}

pub(crate) const POSTGRES: Server = Server {
    name: "PostgreSQL",
    variable: "GRANTRY_POSTGRES",
    default: "postgres://postgres@127.0.0.1:5432/test",
    port: 5432,
    install: "apt-get install postgresql && service postgresql start",
};

pub(crate) const REDIS: Server = Server {
    name: "Redis",
    variable: "GRANTRY_REDIS",
    default: "redis://127.0.0.1:6379/",
    port: 6379,
    install: "apt-get install redis-server && service redis-server start",
};

impl Server {
    /// The URL of the server, where something listens there.
    pub(crate) fn address(&self) -> Result<Url, Missing> {
        let text = std::env::var(self.variable).unwrap_or_else(|_| self.default.to_owned());
        let missing = |why: &dyn std::fmt::Display| {
            let Self { name, variable, default, install, .. } = self;
            Missing(format!("{name} is not there ({why}): `{install}`, or its URL in {variable} (default: {default})"))
        };
        let url = Url::parse(&text).map_err(|error| missing(&error))?;
        let mut url = url;
        // The proxy needs to know it.
        if url.port().is_none() && url.set_port(Some(self.port)).is_err() {
            return Err(missing(&"the URL has no host"));
        }
        connect(&url).map_err(|error| missing(&error))?;
        Ok(url)
    }
}

/// Connects to the host and port of a URL.
pub(crate) fn connect(url: &Url) -> std::io::Result<TcpStream> {
    let address = (url.host_str().unwrap_or_default(), url.port().unwrap_or_default()).to_socket_addrs()?.next();
    TcpStream::connect_timeout(&address.ok_or(std::io::ErrorKind::NotFound)?, Duration::from_secs(5))
}
