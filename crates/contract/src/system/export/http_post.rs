//! HTTP client of one request: a POST of HTTP/1.1, which is all that a collector wants: a client for more would cost
//! each build a dependency.

use std::io::{self, Read, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// For each step of a request.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is looked at of an answer.
const ANSWER: u64 = 512;

/// One request on a connection of its own.
pub(super) fn post((host, port): (&str, u16), path: &str, document: &str) -> io::Result<()> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        let mut stream = match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => stream,
            Err(error) => {
                last = error;
                continue;
            }
        };
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            document.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(document.as_bytes())?;
        return taken(&mut stream);
    }
    Err(last)
}

/// Whether the answer's first line is a success.
fn taken(stream: &mut impl Read) -> io::Result<()> {
    let mut answer = Vec::new();
    stream.take(ANSWER).read_to_end(&mut answer).or_else(|error| {
        // The status is what counts; whoever is slow with the rest has taken it.
        if answer.is_empty() { Err(error) } else { Ok(0) }
    })?;
    let line = answer.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some(http), Some(status)) if http.starts_with("HTTP/1.") && status.starts_with('2') => Ok(()),
        _ => Err(io::Error::other(format!(
            "the collector answers {:?}",
            line.chars().take(64).collect::<String>()
        ))),
    }
}
