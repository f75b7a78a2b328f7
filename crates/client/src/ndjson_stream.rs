//! NDJSON stream: an answer that comes in lines, each of which is an answer of its own.

use std::ops::Range;

use reqwest::Response;

use super::endpoint::{ControlPlane, MOST_ANSWER};
use super::error::ClientError;
use hauki_contract::strict::WireDocument;

/// Lines of `application/x-ndjson`, each as JSON text.
#[derive(Debug)]
pub struct NdjsonStream {
    response: Response,
    endpoint: ControlPlane,
    path: &'static str,
    buffer: Vec<u8>,
    start: usize,
}

impl NdjsonStream {
    pub(super) fn new(response: Response, endpoint: ControlPlane, path: &'static str) -> Self {
        Self { response, endpoint, path, buffer: Vec::new(), start: 0 }
    }

    /// The next line; `None` at the end of the stream.
    pub async fn next<T: WireDocument>(&mut self) -> Result<Option<T>, ClientError> {
        match self.line().await? {
            Some(line) => self.endpoint.read(self.path, 200, &self.buffer[line]).map(Some),
            None => Ok(None),
        }
    }

    /// Where the next line that says something stands.
    async fn line(&mut self) -> Result<Option<Range<usize>>, ClientError> {
        let broken = |lines: &Self| lines.endpoint.not_ours(lines.path, 200, None);
        loop {
            if let Some(length) = self.buffer[self.start..].iter().position(|byte| *byte == b'\n') {
                let line = self.start..self.start + length;
                self.start = line.end + 1;
                if line.is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            match self.response.chunk().await {
                Ok(Some(chunk)) if self.buffer.len() + chunk.len() > MOST_ANSWER.bytes => {
                    return Err(broken(self));
                }
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) if self.buffer.is_empty() => return Ok(None),
                Ok(None) => return Err(broken(self)),
                Err(source) => return Err(self.endpoint.failure(self.path, source)),
            }
        }
    }
}
