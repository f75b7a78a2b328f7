//! Endpoint address: where a control plane listens, as people and files write it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::error::ClientError;

/// Where a control plane listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Unix(PathBuf),
    /// `https://host[:port]`, no path.
    Https(String),
}

impl FromStr for Address {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, ClientError> {
        let error = || ClientError::Address(text.to_owned());
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') { socket(path) } else { Err(error()) };
        }
        if text.starts_with('/') {
            return socket(text);
        }
        let url: reqwest::Url = text.parse().map_err(|_| error())?;
        if url.scheme() != "https" || url.path() != "/" || url.host_str().is_none() {
            return Err(error());
        }
        Ok(Self::Https(text.trim_end_matches('/').to_owned()))
    }
}

/// At a path that the kernel takes.
fn socket(path: &str) -> Result<Address, ClientError> {
    const MOST: usize = 107;
    if path.len() > MOST { Err(ClientError::LongPath(path.into())) } else { Ok(Address::Unix(path.into())) }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix://{}", path.display()),
            Self::Https(url) => out.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_where_the_kernel_can_have_one() {
        let (fits, long) = (format!("/{}", "s".repeat(106)), format!("unix:///{}", "s".repeat(107)));
        assert!(fits.parse::<Address>().is_ok());
        let refused = long.parse::<Address>().expect_err("is too long");
        assert!(refused.to_string().ends_with("a socket's path may have 107 bytes"), "{refused}");
        assert_eq!(refused.exit(), crate::Exit::Config);
    }

    #[test]
    fn an_address_is_a_socket_or_https_and_nothing_else() {
        for (text, shown) in [
            ("unix:///run/hauki/hauki.sock", Some("unix:///run/hauki/hauki.sock")),
            ("/run/hauki.sock", Some("unix:///run/hauki.sock")),
            ("https://core.example:7443/", Some("https://core.example:7443")),
            ("http://core.example", None),
            ("unix://relative", None),
            ("https://core.example/path", None),
            ("core", None),
            ("", None),
        ] {
            assert_eq!(
                text.parse::<Address>().ok().map(|address| address.to_string()).as_deref(),
                shown,
                "{text}"
            );
        }
    }
}
