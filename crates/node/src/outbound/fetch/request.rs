//! Egress policy: from what a worker asks for to a request that its invitations admit.

use hauki_contract::model::invitation::{FetchMethod, FetchTarget, Invitation, is_nodes_header};
use hauki_contract::strict::{self, DocumentLimits};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde::Deserialize;

use super::FetchError;
use super::injection::VaultSecrets;

const MOST_URL: usize = 8 * 1024;
const MOST_HEADERS: usize = 64;
const MOST_HEADER_BYTES: usize = 16 * 1024;

/// As the run-time in the vault writes it: an array, so that nothing in it has a name of the worker's.
#[derive(Debug, Deserialize)]
pub(super) struct FetchAsk(String, String, Vec<(String, String)>, Option<String>);

impl FetchAsk {
    pub(super) fn read(params: &str) -> Result<Self, FetchError> {
        strict::from_str(params, DocumentLimits::bytes(params.len())).map_err(|_| bad("it is no request"))
    }

    /// Method and place, as they may be written down.
    pub(super) fn told(&self) -> (String, String) {
        let method = FetchMethod::named(&self.1).map_or("?", FetchMethod::name).to_owned();
        (method, Url::parse(&self.0).map_or_else(|_| "?".to_owned(), |url| shown(&url)))
    }
}

pub(super) struct CheckedRequest {
    pub(super) method: FetchMethod,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

fn bad(why: impl Into<String>) -> FetchError {
    FetchError::Request(why.into())
}

impl CheckedRequest {
    pub(super) fn of(asked: FetchAsk, invitations: &[Invitation]) -> Result<Self, FetchError> {
        let FetchAsk(url, method, headers, body) = asked;
        let method = FetchMethod::named(&method)
            .ok_or_else(|| bad("the method must be GET, HEAD, POST, PUT, PATCH or DELETE"))?;
        if url.len() > MOST_URL {
            return Err(bad("the address is too long"));
        }
        let url = Url::parse(&url).map_err(|error| bad(format!("the address is none: {error}")))?;
        let url = admitted(method, url, invitations)?;
        if body.is_some() && matches!(method, FetchMethod::Get | FetchMethod::Head) {
            return Err(bad("GET and HEAD have no body"));
        }
        Ok(Self { method, url, headers: read_headers(&headers)?, body })
    }

    /// Where an answer leads on to, if the invitations admit that, too.
    pub(super) fn redirected(
        mut self,
        status: u16,
        location: &str,
        invitations: &[Invitation],
        secrets: &VaultSecrets,
    ) -> Result<Self, FetchError> {
        let mut next = self.url.join(location).map_err(|_| FetchError::Redirect("nowhere".to_owned()))?;
        secrets.take_out_of(&mut next)?;
        let is_changed = status == 303 && self.method != FetchMethod::Head
            || matches!(status, 301 | 302) && self.method == FetchMethod::Post;
        if is_changed {
            self.method = FetchMethod::Get;
            self.body = None;
            self.headers.remove(reqwest::header::CONTENT_TYPE);
        }
        if next.origin() != self.url.origin() {
            // They were for somebody else.
            self.headers.remove(reqwest::header::AUTHORIZATION);
            self.headers.remove(reqwest::header::COOKIE);
        }
        let told = shown(&next);
        self.url = admitted(self.method, next, invitations).map_err(|_| FetchError::Redirect(told))?;
        Ok(self)
    }
}

/// Origin and path: what may be told and written down. A query may hold what is nobody's business.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = format!("{}{}", url.origin().ascii_serialization(), url.path());
    shown.truncate(shown.floor_char_boundary(256));
    shown
}

/// As invitations are held against it.
pub(super) fn target(method: FetchMethod, url: &Url) -> Option<FetchTarget<'_>> {
    let (host, port) = (url.host_str()?, url.port_or_known_default()?);
    Some(FetchTarget { method, is_tls: url.scheme() == "https", host, port, path: url.path() })
}

fn admitted(method: FetchMethod, mut url: Url, invitations: &[Invitation]) -> Result<Url, FetchError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("a name and a password do not belong into an address"));
    }
    url.set_fragment(None);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("only http and https can be fetched"));
    }
    let target = target(method, &url).ok_or_else(|| bad("the address has no host"))?;
    if invitations.iter().any(|invitation| invitation.admits(target)) {
        return Ok(url);
    }
    Err(FetchError::Uninvited { method: method.name(), to: shown(&url) })
}

fn read_headers(list: &[(String, String)]) -> Result<HeaderMap, FetchError> {
    let bytes: usize = list.iter().map(|(name, value)| name.len() + value.len()).sum();
    if list.len() > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
        return Err(bad("there are too many headers"));
    }
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("hauki/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in list {
        let lower = name.to_ascii_lowercase();
        if is_nodes_header(&lower) {
            return Err(bad(format!("the header {lower} is the node's")));
        }
        // Neither takes an end of line.
        let name = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| bad("a header has no such name"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| bad(format!("the header {name} has letters that none may have")))?;
        if name == USER_AGENT {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invited() -> Vec<Invitation> {
        ["https://api.example.com/v1/", "GET http://127.0.0.1:8080/"]
            .map(|text| text.parse().expect(text))
            .to_vec()
    }

    fn ask(url: &str, method: &str, headers: &str) -> Result<CheckedRequest, FetchError> {
        let url = serde_json::Value::from(url);
        CheckedRequest::of(FetchAsk::read(&format!("[{url},\"{method}\",{headers},null]"))?, &invited())
    }

    #[test]
    fn every_spelling_of_an_address_is_compared_in_its_one_form() {
        for inside in [
            "https://API.example.com/v1/a?q=1#f",
            "https://api.example.com:443/v1",
            "http://0x7f.1:8080/",
            "https://api.example.com/x/../v1/a",
        ] {
            ask(inside, "GET", "[]").map(drop).expect(inside);
        }
        for outside in [
            "https://api.example.com/v1/../v2",
            "https://api.example.com/v1/%2e%2e/v2",
            "https://api.example.com/v1/..%2fv2",
            "https://api.example.com\\@evil.example/v1/",
            "https://user@api.example.com/v1/",
            "https://evil.example/https://api.example.com/v1/",
            "http://api.example.com/v1/",
            "http://localhost:8080/",
            "http://[::ffff:127.0.0.1]:8080/",
            "http://127.0.0.2:8080/",
            "file:///etc/passwd",
            "data:,x",
            "https:",
            "",
        ] {
            assert!(ask(outside, "GET", "[]").is_err(), "{outside}");
        }
        assert!(ask("http://127.0.0.1:8080/", "POST", "[]").is_err(), "only GET is invited there");
        assert!(ask("http://127.0.0.1:8080/", "get", "[]").is_err());
    }

    #[test]
    fn no_header_ends_a_line_or_says_what_the_node_says() {
        let url = "https://api.example.com/v1/";
        let good = ask(url, "GET", r#"[["Authorization","Bearer x"],["accept","a"],["accept","b"]]"#);
        assert_eq!(good.expect("is good").headers.len(), 4);
        let many = serde_json::json!(vec![("a", "b"); 65]).to_string();
        let long = serde_json::json!([("a", "b".repeat(MOST_HEADER_BYTES))]).to_string();
        for wrong in [
            r#"[["Host","evil"]]"#,
            r#"[["content-length","0"]]"#,
            r#"[["Transfer-Encoding","chunked"]]"#,
            r#"[["proxy-authorization","x"]]"#,
            r#"[["a","x\r\nhost: evil"]]"#,
            r#"[["a\r\nhost","evil"]]"#,
            r#"[["a b","c"]]"#,
            r#"[["","c"]]"#,
            r#"[["a","\u0000"]]"#,
            &many,
            &long,
        ] {
            assert!(ask(url, "GET", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_redirect_stays_inside_and_takes_no_authority_elsewhere() {
        let begin =
            || ask("https://api.example.com/v1/a", "POST", r#"[["authorization","x"]]"#).expect("is good");
        let next = begin().redirected(302, "b?c", &invited(), &VaultSecrets::default()).expect("is inside");
        assert_eq!((next.method, next.url.as_str()), (FetchMethod::Get, "https://api.example.com/v1/b?c"));
        assert!(next.headers.contains_key("authorization"));
        let kept = begin().redirected(307, "/v1/", &invited(), &VaultSecrets::default()).expect("is inside");
        assert_eq!(kept.method, FetchMethod::Post);
        let other = begin()
            .redirected(303, "http://127.0.0.1:8080/", &invited(), &VaultSecrets::default())
            .expect("is inside");
        assert!(!other.headers.contains_key("authorization"));
        for outside in
            ["/v2", "//evil.example/v1/", "http://api.example.com/v1/", "http://169.254.169.254/", "http://["]
        {
            assert!(matches!(
                begin().redirected(302, outside, &invited(), &VaultSecrets::default()),
                Err(FetchError::Redirect(_))
            ));
        }
    }
}
