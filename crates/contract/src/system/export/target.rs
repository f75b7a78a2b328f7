//! Export target: where spans go, as somebody writes it: a URL of a collector, or a file.

use std::path::PathBuf;

const PORT: u16 = 4318;
const PATH: &str = "/v1/traces";

/// Where spans go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    File(PathBuf),
    Http { host: String, port: u16, path: String },
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    #[error(
        "{0:?} is not http://HOST[:PORT][/PATH]; a collector on this machine takes it, and sends it on with TLS"
    )]
    Url(String),
    #[error("{0:?} is neither an absolute path nor http://HOST[:PORT][/PATH]")]
    Neither(String),
}

impl Target {
    /// As in the daemon's configuration, where nobody has a working directory.
    pub fn absolute(text: &str) -> Result<Self, TargetError> {
        match Self::read(text)? {
            Self::File(path) if !path.is_absolute() => Err(TargetError::Neither(text.to_owned())),
            target => Ok(target),
        }
    }

    /// A URL, or else a file.
    pub fn read(text: &str) -> Result<Self, TargetError> {
        let Some(rest) = text.strip_prefix("http://") else {
            let is_url = text.split_once("://").is_some_and(|(scheme, _)| !scheme.contains('/'));
            return if is_url || text.is_empty() {
                Err(TargetError::Url(text.to_owned()))
            } else {
                Ok(Self::File(text.into()))
            };
        };
        let wrong = || TargetError::Url(text.to_owned());
        // It becomes the head of a request.
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) || rest.contains(['@', '?', '#']) {
            return Err(wrong());
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (authority, PORT),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() || port == 0 || (bare.contains(':') && bare.len() == host.len()) {
            return Err(wrong());
        }
        let path = if path.is_empty() || path == "/" { PATH } else { path };
        Ok(Self::Http { host: bare.to_owned(), port, path: path.to_owned() })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Http { host, port, path } => write!(f, "http://{host}:{port}{path}"),
        }
    }
}
