//! Credential injection: a vault's secrets go into the requests that they are for, at the last moment, and stand nowhere else.
//!
//! What a worker asks for is kept apart from what is sent: each step of a request, redirects too, is made anew of the
//! worker's own address and headers, so that a value that was for one origin is not in what goes to the next.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use hauki_contract::model::secret_use::{GrantedSecret, SecretPlace, SecretUse};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::FetchError;
use super::redaction::Redaction;
use super::request::{CheckedRequest, target};

/// What a vault's requests carry.
#[derive(Default)]
pub(in crate::outbound) struct VaultSecrets {
    held: Vec<(SecretUse, GrantedSecret)>,
    pub(super) redaction: Redaction,
}

impl VaultSecrets {
    /// Each use with its value; nothing where one has none.
    pub(in crate::outbound) fn new(uses: &[SecretUse], granted: &[GrantedSecret]) -> Option<Self> {
        let value = |used: &SecretUse| granted.iter().find(|granted| granted.name == used.name).cloned();
        let held = uses.iter().map(|used| Some((used.clone(), value(used)?))).collect::<Option<Vec<_>>>()?;
        let redaction = Redaction::of(held.iter().map(|(_, granted)| granted));
        Some(Self { held, redaction })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Address and headers as they go out.
    pub(super) fn put_into(&self, request: &CheckedRequest) -> Result<(Url, HeaderMap), FetchError> {
        let (mut url, mut headers) = (request.url.clone(), request.headers.clone());
        for (used, granted) in &self.held {
            if !target(request.method, &request.url).is_some_and(|target| used.is_for(target)) {
                continue;
            }
            let value = granted.value.reveal();
            match &used.place {
                SecretPlace::Header { name, scheme } => {
                    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| FetchError::Unsent)?;
                    let text = match scheme.as_deref() {
                        None => value.to_owned(),
                        Some(scheme) if scheme.eq_ignore_ascii_case("basic") => {
                            format!("{scheme} {}", BASE64.encode(value))
                        }
                        Some(scheme) => format!("{scheme} {value}"),
                    };
                    let mut text = HeaderValue::from_str(&text).map_err(|_| FetchError::Unsent)?;
                    text.set_sensitive(true);
                    // Whatever the worker wrote there.
                    headers.insert(name, text);
                }
                SecretPlace::Query { key } => {
                    without(&mut url, key);
                    url.query_pairs_mut().append_pair(key, value);
                }
            }
        }
        Ok((url, headers))
    }

    /// An address that an answer leads on to, without what was put into the one before; refused if a value is in it all the
    /// same, for it would go where that is not for.
    pub(super) fn take_out_of(&self, url: &mut Url) -> Result<(), FetchError> {
        for (used, _) in &self.held {
            if let SecretPlace::Query { key } = &used.place {
                without(url, key);
            }
        }
        match self.redaction.is_in(url.as_str().as_bytes()) {
            true => Err(FetchError::Leak),
            false => Ok(()),
        }
    }
}

/// The query as it is, without this key.
fn without(url: &mut Url, key: &str) {
    let Some(query) = url.query().map(str::to_owned) else { return };
    if !url.query_pairs().any(|(name, _)| name == key) {
        return;
    }
    // The parser passes over empty parts, and so does this.
    let parts = query.split('&').filter(|part| !part.is_empty());
    let kept: Vec<&str> =
        parts.zip(url.query_pairs()).filter(|(_, (name, _))| name != key).map(|(part, _)| part).collect();
    let kept = kept.join("&");
    url.set_query(Some(kept.as_str()).filter(|kept| !kept.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::super::request::FetchAsk;
    use super::*;
    use hauki_contract::model::secret::Secret;

    const VALUE: &str = "sk/the+value&=1";

    fn held(uses: &[&str]) -> VaultSecrets {
        let uses: Vec<SecretUse> = uses.iter().map(|text| text.parse().expect(text)).collect();
        let granted = |used: &SecretUse| GrantedSecret {
            name: used.name.clone(),
            value: Secret::new(VALUE.to_owned()),
        };
        let granted: Vec<_> = uses.iter().map(granted).collect();
        VaultSecrets::new(&uses, &granted).expect("each has a value")
    }

    fn request(url: &str, headers: &str) -> CheckedRequest {
        let net =
            ["https://api.example.com/", "https://other.example/"].map(|text| text.parse().expect(text));
        let asked = FetchAsk::read(&format!("[\"{url}\",\"GET\",{headers},null]")).expect("is one");
        CheckedRequest::of(asked, &net).expect("is invited")
    }

    #[test]
    fn a_value_stands_in_its_place_whatever_the_worker_wrote_there() {
        let secrets = held(&["a=Authorization:Bearer", "b=x-key", "c=authorization-2:Basic", "d=?key"]);
        let asked = request(
            "https://api.example.com/a?x=1&key=mine&&k%65y=mine&keys=2&y=%20#f",
            r#"[["authorization","mine"],["X-Key","one"],["x-key","two"],["x-mine","m"]]"#,
        );
        let (url, headers) = secrets.put_into(&asked).expect("can be sent");
        assert_eq!(url.as_str(), "https://api.example.com/a?x=1&keys=2&y=%20&key=sk%2Fthe%2Bvalue%26%3D1");
        let all = |name: &str| -> Vec<String> {
            headers.get_all(name).iter().map(|value| value.to_str().expect("is ASCII").to_owned()).collect()
        };
        assert_eq!(all("authorization"), [format!("Bearer {VALUE}")]);
        assert_eq!(all("x-key"), [VALUE]);
        assert_eq!(all("authorization-2"), [format!("Basic {}", BASE64.encode(VALUE))]);
        assert_eq!(all("x-mine"), ["m"]);
        assert!(!format!("{headers:?}").contains("the+value"), "{headers:?}");
        // What was asked for has nothing of it.
        assert!(!asked.url.as_str().contains("the%2Bvalue") && asked.headers["authorization"] == "mine");
    }

    #[test]
    fn it_goes_to_whom_it_is_for() {
        let secrets = held(&["a=x-a https://api.example.com/v1/", "b=?b GET https://other.example/"]);
        for (to, header, query) in [
            ("https://api.example.com/v1/a", true, false),
            ("https://api.example.com/v2/a", false, false),
            ("https://other.example/v1/a", false, true),
        ] {
            let (url, headers) = secrets.put_into(&request(to, "[]")).expect("can be sent");
            assert_eq!((headers.contains_key("x-a"), url.query().is_some()), (header, query), "{to}");
        }
    }

    #[test]
    fn an_answer_leads_nowhere_with_a_value() {
        let secrets = held(&["a=?key"]);
        let led = |text: &str| {
            let mut url: Url = text.parse().expect(text);
            secrets.take_out_of(&mut url).map(|()| url.to_string())
        };
        for (to, kept) in [
            ("https://api.example.com/b?key=sk%2Fthe%2Bvalue%26%3D1&x=1", "https://api.example.com/b?x=1"),
            ("https://api.example.com/b?key=sk%2Fthe%2Bvalue%26%3D1", "https://api.example.com/b"),
            ("https://api.example.com/b?x=1", "https://api.example.com/b?x=1"),
        ] {
            assert_eq!(led(to).expect("is harmless"), kept);
        }
        for leak in [
            "https://api.example.com/b?other=sk%2Fthe%2Bvalue%26%3D1",
            "https://other.example/sk/the+value&=1",
            "https://other.example/sk%2fthe%2bvalue%26%3d1",
            "https://other.example/%73k%2fthe+value%26=1#x",
        ] {
            assert!(matches!(led(leak), Err(FetchError::Leak)), "{leak}");
        }
        let encoded = format!("https://other.example/{}", BASE64.encode(VALUE));
        assert!(matches!(led(&encoded), Err(FetchError::Leak)));
    }

    #[test]
    fn a_use_without_its_value_is_no_use() {
        let used: SecretUse = "a=x-a".parse().expect("is one");
        assert!(VaultSecrets::new(&[used], &[]).is_none());
    }
}
