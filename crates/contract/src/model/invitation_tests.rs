//! Tests of invitations: what is one, and what it admits.

use proptest::prelude::*;

use super::*;

fn target(text: &str) -> FetchTarget<'_> {
    let (method, url) = text.split_once(' ').expect("has a method");
    let (is_tls, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("http://").expect("has a scheme")),
    };
    let (authority, path) = rest.split_at(rest.find('/').expect("has a path"));
    let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => (host, port.parse().expect("is a port")),
        None => (authority, usual_port(is_tls)),
    };
    FetchTarget { method: FetchMethod::named(method).expect("is a method"), is_tls, host, port, path }
}

#[test]
fn an_invitation_admits_its_methods_origin_and_whole_segments() {
    for (invitation, inside, outside) in [
        (
            "https://api.example.com/v1/",
            &["GET https://api.example.com/v1", "DELETE https://api.example.com/v1/a/b%20c"][..],
            &[
                "GET https://api.example.com/v10",
                "GET https://api.example.com/",
                "GET http://api.example.com/v1/",
                "GET https://api.example.com:8443/v1/",
                "GET https://evil.example.com/v1/",
                "GET https://api.example.com./v1/",
                "GET https://api.example.com.evil.org/v1/",
                "GET https://api.example.com/v1/%2e%2e/admin",
                "GET https://api.example.com/v1/%2E./admin",
                "GET https://api.example.com/v1/a%2fb",
                "GET https://api.example.com/v1/..%5cadmin",
                "GET https://api.example.com/v1/%252e%252e/admin",
                "GET https://api.example.com/v1/..;/admin",
                "GET https://api.example.com/v1/a%",
            ][..],
        ),
        (
            "GET,HEAD http://127.0.0.1:8080",
            &["GET http://127.0.0.1:8080/any%2fthing", "HEAD http://127.0.0.1:8080/"],
            &["POST http://127.0.0.1:8080/", "GET http://127.0.0.1/", "GET http://127.0.0.2:8080/"],
        ),
        ("https://[::1]:9/", &["PUT https://[::1]:9/x"], &["PUT https://[::2]:9/x", "PUT https://[::1]/x"]),
    ] {
        let read: Invitation = invitation.parse().expect(invitation);
        for inside in inside {
            assert!(read.admits(target(inside)), "{invitation}: {inside}");
        }
        for outside in outside {
            assert!(!read.admits(target(outside)), "{invitation}: {outside}");
        }
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_no_invitation() {
    for wrong in [
        "",
        "api.example.com",
        "ftp://api.example.com/",
        "HTTPS://api.example.com/",
        "https://API.example.com/",
        "https://user@api.example.com/",
        "https://user:word@api.example.com/",
        "https://api.example.com/#a",
        "https://api.example.com/?a",
        "https://api.example.com/a//b",
        "https://api.example.com//",
        "https://api.example.com/../a",
        "https://api.example.com/./a",
        "https://api.example.com/%61",
        "https://api.example.com/a\\b",
        "https://*.example.com/",
        "https://api.example.com./",
        "https://-api.example.com/",
        "https://localhost/",
        "https:///a",
        "https://127.1/",
        "https://0x7f000001/",
        "https://127.0.0.01/",
        "https://2130706433/",
        "https://a.0x7f/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::]/",
        "https://[::1/",
        "https://::1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://api.example.com:/",
        "https://api.example.com:0/",
        "https://api.example.com:080/",
        "https://api.example.com:65536/",
        "https://bücher.example/",
        "get https://api.example.com/",
        "GET,GET https://api.example.com/",
        "GET, POST https://api.example.com/",
        "GET  https://api.example.com/",
        "TRACE https://api.example.com/",
        " https://api.example.com/",
        "https://api.example.com/ ",
        "https://api.example.com/\n",
    ] {
        assert!(wrong.parse::<Invitation>().is_err(), "{wrong:?}");
    }
    let long = format!("https://api.example.com/{}", "a".repeat(MOST_LETTERS));
    assert!(long.parse::<Invitation>().is_err());
}

#[test]
fn it_is_told_in_one_way() {
    for (written, told) in [
        ("https://api.example.com", "https://api.example.com/"),
        ("https://api.example.com:443/v1/", "https://api.example.com/v1"),
        ("POST,GET http://10.0.0.1:80/", "GET,POST http://10.0.0.1/"),
        ("GET,HEAD,POST,PUT,PATCH,DELETE https://[0:0::1]/", "https://[::1]/"),
    ] {
        let read: Invitation = written.parse().expect(written);
        assert_eq!(read.to_string(), told);
        assert_eq!(told.parse::<Invitation>().as_ref(), Ok(&read));
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_read_is_told_and_read_the_same(text in "(GET |POST,PUT )?https?://[a-z0-9.:\\[\\]@/%-]{0,40}") {
        if let Ok(read) = text.parse::<Invitation>() {
            let told = read.to_string();
            prop_assert_eq!(told.parse::<Invitation>(), Ok(read));
        }
    }

    #[test]
    fn a_prefix_admits_nothing_beside_it(path in "/[a-z0-9/.%;\\\\-]{0,24}") {
        let read: Invitation = "https://api.example.com/v1/".parse().expect("is one");
        let target = FetchTarget {
            method: FetchMethod::Get, is_tls: true, host: "api.example.com", port: 443, path: &path,
        };
        if read.admits(target) {
            prop_assert!(path == "/v1" || path.starts_with("/v1/"));
            prop_assert!(!path.contains("/.."));
        }
    }
}
