//! The server's process.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use grantry_engine::{Credential, SigningKey};
use serde::Deserialize;

use super::Failure;

/// A running server; dropping it ends it. Should this process be killed, the server ends by itself: with its standard input.
pub(super) struct Server {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    pub(super) issuer: String,
    clients: BTreeMap<String, Registration>,
}

/// The first line that the server prints.
#[derive(Deserialize)]
struct Ready {
    issuer: String,
    clients: BTreeMap<String, Registration>,
}

/// What an application knows of its registration.
#[derive(Deserialize)]
struct Registration {
    secret: Option<String>,
    key: Option<Key>,
}

#[derive(Deserialize)]
struct Key {
    pem: String,
    kid: String,
}

impl Server {
    /// Starts `server.mjs` of the folder, and waits until it listens.
    pub(super) fn start(folder: &Path) -> Result<Self, Failure> {
        let mut command = Command::new("node");
        command.arg("server.mjs").current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("node does not start: {error}"))?;
        let stdout = child.stdout.take();
        let stderr = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut said = Vec::new();
                let _ = stderr.read_to_end(&mut said);
                String::from_utf8_lossy(&said).into_owned()
            })
        });
        let mut server = Self { child, stderr, issuer: String::new(), clients: BTreeMap::new() };
        let mut line = String::new();
        stdout.map(|stdout| BufReader::new(stdout).read_line(&mut line)).transpose()?;
        let Ok(ready) = serde_json::from_str::<Ready>(&line) else {
            return Err(format!("the server does not start:\n{}", server.end()).into());
        };
        (server.issuer, server.clients) = (ready.issuer, ready.clients);
        Ok(server)
    }

    /// The credential of a client.
    pub(super) fn credential(&self, client_id: &str) -> Result<Credential, Failure> {
        let registration = self.clients.get(client_id).ok_or_else(|| format!("the server has no client {client_id:?}"))?;
        Ok(match registration {
            Registration { key: Some(key), .. } => SigningKey::from_pem(&key.pem)?.key_id(&key.kid).into(),
            Registration { secret: Some(secret), .. } => secret.as_str().into(),
            Registration { .. } => Credential::None,
        })
    }

    /// Ends the server; what it printed as warnings and errors.
    pub(super) fn end(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.stderr.take().and_then(|stderr| stderr.join().ok()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
