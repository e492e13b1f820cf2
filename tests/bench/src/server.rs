//! A provider on loopback, over plain HTTP/1.1: its threads are its own, and their CPU is not counted.

use std::io::{Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

const TOKEN: &str = r#"{"access_token":"mF_9.B5f-4.1JqMmF_9.B5f-4.1JqM","token_type":"Bearer","expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","scope":"read write"}"#;

const USER: &str = r#"{"id":4711,"login":"alice","name":"Alice","email":"alice@app.example"}"#;

/// Starts it; where it is. It ends with the process.
pub fn start(jwks: String) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let jwks: Arc<str> = jwks.into();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let jwks = Arc::clone(&jwks);
            // A client that goes away ends its thread.
            thread::spawn(move || serve(stream, &jwks));
        }
    });
    Ok(address)
}

/// Answers one request after the other.
fn serve(mut stream: TcpStream, jwks: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    loop {
        let Some(length) = read_request(&mut stream, &mut received)? else { return Ok(()) };
        let target = received.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let body = match target {
            b"/token" => TOKEN,
            b"/jwks" => jwks,
            _ => USER,
        };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes())?;
        received.drain(..length);
    }
}

/// Reads until there is a whole request; its length. `None`: the client has gone.
fn read_request(stream: &mut TcpStream, received: &mut Vec<u8>) -> Result<Option<usize>> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(length) = length(received).filter(|length| *length <= received.len()) {
            return Ok(Some(length));
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            read => received.extend_from_slice(&buffer[..read]),
        }
    }
}

/// The length of the request that begins here, head and body, where its head is whole.
fn length(received: &[u8]) -> Option<usize> {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    Some(end + body.unwrap_or_default())
}
