use super::*;

fn to_vault() -> Vec<ToVault> {
    vec![
        ToVault::Load(Box::new(Load {
            source: "function f() { return 1; }".into(),
            file: "f.js".into(),
            args: "[]".into(),
            heap_bytes: 1 << 20,
            deadline_ms: 1000,
            max_frame_bytes: 1 << 20,
            seed: 7,
            vault: "vlt_x".into(),
            fetch: true,
        })),
        ToVault::Call { call: 9, deadline_ms: 5, method: "f".into(), caller: "{}".into(), params: None },
        ToVault::Call {
            call: u64::MAX,
            deadline_ms: 0,
            method: String::new(),
            caller: String::new(),
            params: Some("[\"ä\"]".into()),
        },
        ToVault::Dest { deadline_ms: 250 },
        ToVault::Stats { call: 3 },
        ToVault::Answer { ask: 1, value: "{\"a\":1}".into() },
        ToVault::Refusal { ask: 2, error: Box::new(Unanswered::new("denied", "no")) },
    ]
}

#[test]
fn what_is_written_is_read_back_also_byte_by_byte() {
    for message in to_vault() {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        for cut in 0..bytes.len() {
            assert!(ToVault::decode(&bytes[..cut], 1 << 20).expect("a prefix is no error").is_none());
        }
        let (read, used) = ToVault::decode(&bytes, 1 << 20).expect("decodes").expect("is complete");
        assert_eq!((read, used), (message, bytes.len()));
    }
}

#[test]
fn an_ask_is_read_back() {
    let (object, method, params) = ("word".into(), "f".into(), "[1]".into());
    let ask = FromVault::Ask { ask: 7, object, method, params };
    let mut bytes = Vec::new();
    ask.encode(&mut bytes);
    assert_eq!(length(&bytes), Some(bytes.len()));
    let read = FromVault::decode(&bytes, 1024).expect("decodes").expect("is complete");
    assert_eq!(read, (ask, bytes.len()));
}

#[test]
fn lengths_over_the_limit_are_refused_before_the_body_arrives() {
    let error = FromVault::decode(&u32::MAX.to_le_bytes(), 1024).expect_err("is refused");
    assert!(matches!(error, FrameError::TooLong { limit: 1024, .. }));
}

#[test]
fn rubbish_from_a_vault_is_an_error_and_never_a_panic() {
    for kind in 0..=u8::MAX {
        for body in [&b""[..], b"\xff\xff\xff\xff", b"{}", b"\x05\0\0\0ab", b"null"] {
            let mut bytes = Vec::new();
            frame(&mut bytes, kind, 1, |out| out.extend_from_slice(body));
            let _ = FromVault::decode(&bytes, 1 << 16);
            let _ = ToVault::decode(&bytes, 1 << 16);
        }
    }
}

#[test]
fn a_list_is_no_body() {
    let frame = |kind, body: &[u8]| {
        let mut bytes = Vec::new();
        frame(&mut bytes, kind, 1, |out| out.extend_from_slice(body));
        FromVault::decode(&bytes, 1024)
    };
    assert!(frame(kind::READY, b"{\"build\":\"b\",\"locked\":true}").is_ok());
    for (kind, body) in [
        (kind::READY, &b"[\"b\",true]"[..]),
        (kind::LOADED, b"[[\"f\"],1]"),
        (kind::ERROR, b"[\"throw\",\"m\",null,null,null,null]"),
        (kind::STATS_REPLY, b"[1,2,3]"),
    ] {
        assert!(matches!(frame(kind, body), Err(FrameError::Malformed { .. })), "{kind:#x}");
    }
}
