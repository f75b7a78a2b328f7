//! A control plane of a few lines: HTTP over a Unix socket, answers from a function.
//!
//! It knows nothing of vaults; each test says what it answers, so that the tool's own behaviour is
//! tested without LXC and without root.

// Each test target uses what it needs of this.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: String,
    /// With its query.
    pub path: String,
    pub body: Value,
}

type Answers = dyn Fn(&Request) -> (u16, Value) + Send + Sync;

/// Serves until the test process ends; the log holds what was asked.
pub(crate) fn serve(
    socket: &Path,
    answers: impl Fn(&Request) -> (u16, Value) + Send + Sync + 'static,
) -> Arc<Mutex<Vec<Request>>> {
    let listener = UnixListener::bind(socket).expect("binds");
    let log = Arc::new(Mutex::new(Vec::new()));
    let (answers, seen): (Arc<Answers>, _) = (Arc::new(answers), Arc::clone(&log));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
            std::thread::spawn(move || connection(stream, &*answers, &log));
        }
    });
    seen
}

fn connection(stream: UnixStream, answers: &Answers, log: &Mutex<Vec<Request>>) {
    let mut writer = stream.try_clone().expect("clones");
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("is a number");
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let request = Request { method, path, body };
        log.lock().expect("is whole").push(request.clone());
        let (status, answer) = answers(&request);
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        if writer.write_all(format!("{head}{answer}").as_bytes()).is_err() {
            return;
        }
    }
}
