//! Network allow-list of a worker: where it may fetch from, in entries that each say what is enforced and nothing else.
//!
//! An invitation is methods, an origin and the beginning of a path: `GET,POST https://api.example.com/v1/`. Whoever
//! reads one that could be read in two ways refuses it: there is one spelling for each host, no name for a machine's own
//! address, and nothing is decoded. What a worker asks for is compared after the same rules, so that a path which some
//! server could read as another one is outside of every invitation but those to a whole origin.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of one worker.
pub const MOST_INVITATIONS: usize = 32;
/// Of one invitation, in letters.
const MOST_LETTERS: usize = 512;

/// What may be done there. `CONNECT` and `TRACE` are for machines between, not for workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchMethod {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl FetchMethod {
    pub const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// In capitals only: methods are told apart by their letters.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == text)
    }
}

/// What the node writes itself: where the request goes, where its body ends, and what the connection does.
const NODES_HEADERS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-host",
];

/// Whether a header, in small letters, is nobody's to set but the node's.
#[must_use]
pub fn is_nodes_header(name: &str) -> bool {
    NODES_HEADERS.contains(&name) || name.starts_with("proxy-")
}

/// Who may be reached: a name, which never means a private address, or an address, which means itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitedHost {
    Name(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Invitation {
    /// In the order of [`FetchMethod::ALL`], each once.
    methods: Vec<FetchMethod>,
    is_tls: bool,
    host: InvitedHost,
    port: u16,
    /// `/`, or whole segments without a `/` behind them.
    path: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} invites to nothing: {why}")]
pub struct InvitationError {
    text: String,
    why: &'static str,
}

/// What a worker asks for, as the parser of URLs has read it.
#[derive(Debug, Clone, Copy)]
pub struct FetchTarget<'a> {
    pub method: FetchMethod,
    pub is_tls: bool,
    /// An address of IPv6 in its brackets.
    pub host: &'a str,
    pub port: u16,
    pub path: &'a str,
}

impl Invitation {
    #[must_use]
    pub fn host(&self) -> &InvitedHost {
        &self.host
    }

    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether both are of one host and port, spoken to in one way.
    #[must_use]
    pub fn is_same_origin(&self, other: &Self) -> bool {
        (self.is_tls, &self.host, self.port) == (other.is_tls, &other.host, other.port)
    }

    /// Whether it is meant by this invitation.
    #[must_use]
    pub fn admits(&self, target: FetchTarget<'_>) -> bool {
        let is_there = match &self.host {
            InvitedHost::Name(name) => name == target.host,
            InvitedHost::Address(address) => as_address(target.host) == Some(*address),
        };
        is_there
            && self.is_tls == target.is_tls
            && self.port == target.port
            && self.methods.contains(&target.method)
            && self.leads_to(target.path)
    }

    /// Whether this one admits whatever the other does.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.is_same_origin(other)
            && other.methods.iter().all(|method| self.methods.contains(method))
            && (other.path == self.path || self.leads_to(&other.path))
    }

    fn leads_to(&self, path: &str) -> bool {
        if self.path == "/" {
            return true;
        }
        let rest = path.strip_prefix(self.path.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && is_plain(path)
    }
}

/// Whether every server takes the path for the same one: nothing in it stands for a separator, a dot or a percent sign, and
/// no segment is nearly a way up.
fn is_plain(path: &str) -> bool {
    let is_hidden = |at: usize| {
        let code = path.get(at + 1..at + 3).map(str::to_ascii_lowercase);
        code.is_none_or(|code| matches!(code.as_str(), "2e" | "2f" | "5c" | "25" | "3b" | "00"))
    };
    let ways_up = path.split('/').any(|segment| segment.starts_with("..") || segment.starts_with(".;"));
    !ways_up && !path.contains('\\') && !path.match_indices('%').any(|(at, _)| is_hidden(at))
}

fn as_address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn read_methods(text: &str) -> Result<Vec<FetchMethod>, &'static str> {
    let mut methods = Vec::new();
    for word in text.split(',') {
        let method = FetchMethod::named(word)
            .ok_or("methods are GET, HEAD, POST, PUT, PATCH and DELETE, in capitals, with commas between")?;
        if methods.contains(&method) {
            return Err("a method is there twice");
        }
        methods.push(method);
    }
    methods.sort_unstable();
    Ok(methods)
}

fn read_host(text: &str) -> Result<InvitedHost, &'static str> {
    if let Some(address) = as_address(text) {
        let is_odd = match address {
            IpAddr::V4(one) => one.is_broadcast(),
            IpAddr::V6(one) => one.to_ipv4_mapped().is_some(),
        };
        if is_odd || address.is_unspecified() || address.is_multicast() {
            return Err("no machine has that address, or it has a shorter one");
        }
        return Ok(InvitedHost::Address(address));
    }
    let is_label = |label: &str| {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let ends = |label: &str| label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && label.len() <= 63 && label.bytes().all(letter) && !ends(label)
    };
    if text.len() > 253 || !text.split('.').all(is_label) {
        return Err("a host is a name in small letters (xn-- for others) or an address, of IPv6 in brackets");
    }
    match text.rsplit_once('.') {
        Some((_, last)) if last.starts_with(|letter: char| letter.is_ascii_lowercase()) => {
            Ok(InvitedHost::Name(text.to_owned()))
        }
        Some(_) => Err("an address of IPv4 is four numbers without zeros before them"),
        None => Err("a name has a dot; this machine and those beside it are named by their addresses"),
    }
}

fn read_port(text: &str) -> Result<u16, &'static str> {
    const WRONG: &str = "a port is a number from 1 to 65535, without zeros before it";
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if is_number { text.parse().map_err(|_| WRONG) } else { Err(WRONG) }
}

fn read_path(text: &str) -> Result<String, &'static str> {
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    if trimmed.is_empty() {
        return Ok("/".to_owned());
    }
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+:@=,!$".contains(&byte);
    let is_segment =
        |segment: &str| !segment.is_empty() && !segment.starts_with("..") && segment.bytes().all(letter);
    // The first is what stands before the first slash, nothing.
    if trimmed.split('/').skip(1).any(|segment| !is_segment(segment) || segment == ".") {
        return Err(
            "a path is whole segments of letters, digits and -_.~+:@=,!$, none empty and none a way up",
        );
    }
    Ok(trimmed.to_owned())
}

fn read(text: &str) -> Result<Invitation, &'static str> {
    if text.len() > MOST_LETTERS {
        return Err("it is too long");
    }
    let (methods, url) = match text.split_once(' ') {
        Some((methods, url)) => (read_methods(methods)?, url),
        None => (FetchMethod::ALL.to_vec(), text),
    };
    let (is_tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err("write https://HOST/PATH, before it methods and one space if not all are meant"),
    };
    if rest.contains(['?', '#']) {
        return Err("a query or a fragment cannot be invited to, only a path");
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("a name and a password do not belong into an invitation");
    }
    let after_host = if authority.starts_with('[') { authority.find(']').map_or(0, |at| at + 1) } else { 0 };
    let (host, port) = match authority[after_host..].find(':').map(|at| authority.split_at(after_host + at)) {
        Some((host, port)) => (host, Some(read_port(&port[1..])?)),
        None => (authority, None),
    };
    let port = port.unwrap_or_else(|| usual_port(is_tls));
    Ok(Invitation { methods, is_tls, host: read_host(host)?, port, path: read_path(path)? })
}

fn usual_port(is_tls: bool) -> u16 {
    if is_tls { 443 } else { 80 }
}

impl FromStr for Invitation {
    type Err = InvitationError;

    fn from_str(text: &str) -> Result<Self, InvitationError> {
        read(text).map_err(|why| InvitationError { text: text.to_owned(), why })
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.methods != FetchMethod::ALL {
            let names: Vec<&str> = self.methods.iter().map(|method| method.name()).collect();
            write!(out, "{} ", names.join(","))?;
        }
        out.write_str(if self.is_tls { "https://" } else { "http://" })?;
        match &self.host {
            InvitedHost::Name(name) => out.write_str(name)?,
            InvitedHost::Address(IpAddr::V4(address)) => write!(out, "{address}")?,
            InvitedHost::Address(IpAddr::V6(address)) => write!(out, "[{address}]")?,
        }
        if self.port != usual_port(self.is_tls) {
            write!(out, ":{}", self.port)?;
        }
        out.write_str(&self.path)
    }
}

impl TryFrom<String> for Invitation {
    type Error = InvitationError;

    fn try_from(text: String) -> Result<Self, InvitationError> {
        text.parse()
    }
}

impl From<Invitation> for String {
    fn from(invitation: Invitation) -> Self {
        invitation.to_string()
    }
}

impl JsonSchema for Invitation {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Invitation".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // What a pattern can say of it; the rest is said when it is read.
        let pattern = r"^(?:[A-Z]+(?:,[A-Z]+)* )?https?://[^/?#@ ]+(?:/[^?# ]*)?$";
        schemars::json_schema!({ "type": "string", "maxLength": MOST_LETTERS, "pattern": pattern })
    }
}

#[cfg(test)]
#[path = "invitation_tests.rs"]
mod tests;
