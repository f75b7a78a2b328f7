//! Lines as callers write them, well and badly.

use super::super::call_context::add_trace;
use super::*;

fn single(line: &str) -> Result<Request<'_>, Invalid> {
    match Incoming::decode(line.as_bytes()) {
        Incoming::Single(single) => single,
        Incoming::Batch(_) => panic!("{line} is no batch"),
    }
}

#[test]
fn ids_of_every_legal_type_come_back_as_they_were() {
    for id in ["1", "-7", "1.5", "1e3", "\"a\\\"b\"", "\"\"", "null"] {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"f\",\"id\":{id}}}");
        assert_eq!(single(&line).expect("is a request").id, Some(id));
    }
    assert!(single(r#"{"jsonrpc":"2.0","method":"f"}"#).expect("is a notification").id.is_none());
}

#[test]
fn what_is_no_request_is_named() {
    for (line, code) in [
        ("", code::PARSE),
        ("{", code::PARSE),
        ("{\"jsonrpc\":\"2.0\",\"method\":\"f\"", code::PARSE),
        ("1", code::INVALID_REQUEST),
        ("\"x\"", code::INVALID_REQUEST),
        ("[]", code::INVALID_REQUEST),
        ("[1", code::PARSE),
        ("{}", code::INVALID_REQUEST),
        (r#"{"jsonrpc":"1.0","method":"f","id":1}"#, code::INVALID_REQUEST),
        (r#"{"jsonrpc":"2.0","method":1,"id":1}"#, code::INVALID_REQUEST),
        (r#"{"jsonrpc":"2.0","method":"f","params":1,"id":1}"#, code::INVALID_REQUEST),
        (r#"{"jsonrpc":"2.0","method":"f","id":{}}"#, code::INVALID_REQUEST),
        (r#"{"jsonrpc":"2.0","method":"f","id":true}"#, code::INVALID_REQUEST),
    ] {
        assert_eq!(single(line).expect_err(line).code, code, "{line}");
    }
    assert!(matches!(Incoming::decode(b"\xff"), Incoming::Single(Err(Invalid { code: code::PARSE, .. }))));
}

#[test]
fn an_id_has_a_bound_and_a_text_is_the_same_however_it_is_written() {
    let of = |length: usize| format!(r#"{{"jsonrpc":"2.0","method":"f","id":"{}"}}"#, "i".repeat(length - 2));
    assert!(single(&of(MAX_ID_BYTES)).is_ok());
    let error = single(&of(MAX_ID_BYTES + 1)).expect_err("is too long");
    assert_eq!((error.code, error.id), (code::INVALID_REQUEST, None));
    assert!(is_same_id(r#""a""#, r#""\u0061""#) && is_same_id("1", "1"));
    assert!(!is_same_id("1", r#""1""#) && !is_same_id(r#""a""#, r#""b""#));
    assert!(!is_same_id(r#""\ud800""#, r#""\udfff""#) && is_same_id(r#""\ud800""#, r#""\ud800""#));
}

#[test]
fn an_invalid_request_keeps_its_id() {
    let error = single(r#"{"jsonrpc":"2.0","method":1,"id":"x"}"#).expect_err("is invalid");
    assert_eq!(error.id.as_deref(), Some("\"x\""));
}

#[test]
fn a_batch_keeps_its_good_members() {
    let line = br#"[1, {"jsonrpc":"2.0","method":"f","params":[1],"id":2}, {"jsonrpc":"2.0","method":"g"}]"#;
    let Incoming::Batch(items) = Incoming::decode(line) else { panic!("is a batch") };
    assert!(items[0].is_err());
    assert_eq!(items[1].as_ref().expect("is a request").params, Some("[1]"));
    assert!(items[2].as_ref().expect("is a notification").id.is_none());
}

#[test]
fn a_batch_over_the_limit_is_refused_as_one_and_not_read_to_its_end() {
    let batch = |count| format!("[{}]", vec!["1"; count].join(","));
    assert!(
        matches!(Incoming::decode(batch(MAX_BATCH).as_bytes()), Incoming::Batch(items) if items.len() == MAX_BATCH)
    );
    for over in [batch(MAX_BATCH + 1), format!("[{}{{\"", "1,".repeat(MAX_BATCH + 7))] {
        let error = single(&over).expect_err("is over");
        assert_eq!(error.code, code::INVALID_REQUEST);
        assert!(error.message.contains("1024"), "{}", error.message);
    }
}

#[test]
fn a_version_may_be_written_with_escapes() {
    assert!(single(r#"{"jsonrpc":"2\u002e0","method":"f","id":1}"#).is_ok());
    assert!(single(r#"{"jsonrpc":"2\u002e1","method":"f","id":1}"#).is_err());
    assert!(single(r#"{"jsonrpc":2.0,"method":"f","id":1}"#).is_err());
}

#[test]
fn escaped_method_names_are_read() {
    assert_eq!(single(r#"{"jsonrpc":"2.0","method":"f\u0061","id":1}"#).expect("is a request").method, "fa");
}

/// A parser looks at no byte of a member that nobody wants.
#[test]
fn a_line_that_is_no_text_is_no_message_wherever_the_bytes_stand() {
    assert!(GateMessage::decode(b"{\"id\":1,\"result\":[1],\"more\":\"m\"}").is_ok());
    for line in [
        &b"{\"id\":1,\"result\":[1],\"more\":\"\xff\"}"[..],
        b"{\"id\":1,\"m\xff\":1}",
        b"{\"result\":\"\xff\"}",
    ] {
        assert!(GateMessage::decode(line).is_err(), "{line:?}");
    }
    assert!(GateMessage::decode(b"{\"id\":1,\"id\":2,\"result\":1}").is_err());
}

#[test]
fn a_reply_has_a_result_or_an_error() {
    let error = r#""error":{"code":-32000,"message":"m"}"#;
    for good in [
        r#"{"id":1,"result":null}"#.to_owned(),
        format!(r#"{{"id":null,{error}}}"#),
        r#"{"method":"e","params":{}}"#.to_owned(),
    ] {
        assert!(GateMessage::decode(good.as_bytes()).is_ok(), "{good}");
    }
    for bad in [
        "{}".to_owned(),
        r#"{"id":1}"#.to_owned(),
        r#"{"id":1,"error":null}"#.to_owned(),
        r#"{"id":1,"result":1,"error":null}"#.to_owned(),
        format!(r#"{{"id":1,"result":null,{error}}}"#),
    ] {
        assert!(GateMessage::decode(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn white_space_that_json_does_not_have_is_not_passed_over() {
    let request = r#"{"jsonrpc":"2.0","method":"f","id":1}"#;
    assert!(single(&format!(" \t{request} \r\n")).is_ok());
    for space in ["\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{3000}"] {
        for line in
            [format!("{space}{request}"), format!("{request}{space}\n"), format!("{space}[{request}]")]
        {
            assert_eq!(single(&line).expect_err(&line).code, code::PARSE, "{line:?}");
        }
    }
}

#[test]
fn a_request_says_which_trace_it_belongs_to() {
    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let trace = TraceContext::read(TEXT).expect("is one");
    let mut plain = Vec::new();
    write_request(&mut plain, Some(7), "f", Some("[1]"));
    let mut traced = plain.clone();
    add_trace(&mut traced, trace, usize::MAX);
    let request = single(std::str::from_utf8(&traced).expect("is text")).expect("is a request");
    assert_eq!((request.id, request.params, request.trace), (Some("7"), Some("[1]"), Some(trace)));
    // Where it would make the line too long it is left out.
    for (room, is_there) in [(0, true), (1, false)] {
        let mut line = plain.clone();
        add_trace(&mut line, trace, traced.len() - 1 - room);
        assert_eq!(line, if is_there { traced.clone() } else { plain.clone() });
    }
    // It decides nothing, so none that is wrong is a reason to refuse.
    for wrong in ["\"\"", "\"00\"", "\"00-0-0-0\"", "1", "null", "{}"] {
        let line = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"f\",\"id\":1,\"traceparent\":{wrong}}}");
        assert_eq!(single(&line).expect("is a request").trace, None, "{line}");
    }
}
