use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;
use crate::system::trace;

fn span(name: &'static str) -> Span {
    let (context, now) = (trace::fresh(true), clock::now());
    Span { name, trace: context.trace, span: context.span, parent: None, began: now, ended: now }
}

#[test]
fn a_target_is_a_url_or_a_file_and_never_something_between() {
    let http = |host: &str, port, path: &str| Target::Http { host: host.into(), port, path: path.into() };
    for (text, target) in [
        ("http://localhost", http("localhost", 4318, "/v1/traces")),
        ("http://[::1]:80/", http("::1", 80, "/v1/traces")),
        ("http://c.example:9/otlp/v1/traces", http("c.example", 9, "/otlp/v1/traces")),
        ("/tmp/spans.json", Target::File("/tmp/spans.json".into())),
        ("spans.json", Target::File("spans.json".into())),
    ] {
        assert_eq!(Target::read(text), Ok(target), "{text}");
    }
    for wrong in [
        "",
        "https://c.example",
        "ftp://x",
        "http://",
        "http://:4318",
        "http://x:0",
        "http://x:70000",
        "http://::1",
        "http://u@x",
        "http://x/a b",
        "http://x/\r\nevil: 1",
        "http://x/?a=b",
    ] {
        assert!(Target::read(wrong).is_err(), "{wrong}");
    }
    assert!(Target::absolute("spans.json").is_err() && Target::absolute("/spans.json").is_ok());
}

/// Takes one request and answers it; what was sent.
fn take_one(listener: &TcpListener, answer: &str) -> (String, Value) {
    let (mut stream, _) = listener.accept().expect("comes");
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).expect("reads");
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("is told");
        if body.len() >= length.parse().expect("is a number") {
            let (head, body) =
                (head.to_owned(), crate::strict::from_str(body, crate::strict::DocumentLimits::MESSAGE));
            stream.write_all(answer.as_bytes()).expect("writes");
            return (head, body.expect("is JSON"));
        }
    }
}

#[test]
fn a_collector_gets_what_was_measured_and_what_it_refuses_is_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("http://{}", listener.local_addr().expect("has one"));
    let exporter = Exporter::start(Target::read(&url).expect("is one"), "haukid").expect("starts");
    let parent = span("request");
    let child = Span { parent: Some(parent.span), trace: parent.trace, ..span("place") };
    exporter.take(child.clone());
    exporter.take(parent.clone());
    let (head, body) = take_one(&listener, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json"), "{head}");
    let resource = &body["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "haukid");
    let spans = resource["scopeSpans"][0]["spans"].as_array().expect("a list");
    assert_eq!(spans.len(), 2);
    assert_eq!((&spans[0]["name"], &spans[0]["kind"]), (&json!("place"), &json!(1)));
    assert_eq!(spans[0]["parentSpanId"], parent.span.to_string());
    assert_eq!((&spans[1]["traceId"], &spans[1]["kind"]), (&json!(parent.trace.to_string()), &json!(2)));
    assert!(spans[1].get("parentSpanId").is_none());
    assert!(spans[1]["startTimeUnixNano"].as_str().is_some_and(|nanos| nanos.len() == 19));
    exporter.take(span("lost"));
    take_one(&listener, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
    exporter.flush(Duration::from_secs(20));
    assert_eq!(exporter.counts(), (2, 1));
    let found = exporter.found().expect("is told");
    assert!(found.what.contains("1 of 3 spans") && found.what.contains("503"), "{}", found.what);
}

/// Nobody takes them, and nobody is slowed down by that.
#[test]
fn an_export_that_is_down_holds_nobody_up_and_keeps_no_more_than_its_queue() {
    // It takes connections, and never reads.
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("http://{}", listener.local_addr().expect("has one"));
    let exporter = Exporter::start(Target::read(&url).expect("is one"), "haukid").expect("starts");
    let began = clock::thread_ns();
    for _ in 0..100_000 {
        exporter.take(span("order"));
    }
    let spent_ns = clock::thread_ns() - began;
    assert!(exporter.counts().1 >= 100_000 - 2 * (QUEUE + TOGETHER) as u64, "{:?}", exporter.counts());
    assert!(spent_ns < 10_000_000_000, "{spent_ns}");
    let began = clock::mono();
    exporter.flush(Duration::from_millis(100));
    assert!(clock::mono().since(began) < 5_000_000);
}

#[test]
fn a_file_gets_a_line_for_each_lot() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("spans.json");
    let exporter = Exporter::start(Target::File(path.clone()), "hauki").expect("starts");
    for _ in 0..2 {
        exporter.take(span("request"));
        exporter.flush(Duration::from_secs(20));
    }
    let text = std::fs::read_to_string(&path).expect("is there");
    assert_eq!(text.lines().count(), 2);
    for line in text.lines() {
        let document: Value =
            crate::strict::from_str(line, crate::strict::DocumentLimits::MESSAGE).expect("is JSON");
        assert_eq!(document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["kind"], 3);
    }
}
