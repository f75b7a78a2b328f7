//! Tests of `fetch` in a worker: who has it, what it asks the node, and what becomes of the answer.

use super::*;

const DIRECTIVE: &str = "\"hauki runtime 1\";\n";

/// What was asked, as the body, in the shape that the node gives it.
pub(super) fn answer(params: &str) -> String {
    let body = if params.contains("/bytes") {
        serde_json::json!({ "base64": "/wD+" })
    } else {
        serde_json::json!({ "text": params })
    };
    let mut answer = serde_json::json!({ "status": if params.contains("/none") { 404 } else { 200 }, "reason": "Told",
        "url": "https://a.example/x", "redirected": false,
        "headers": [["content-type", "application/json"], ["x-a", "1"], ["x-a", "2"]] });
    let all = answer.as_object_mut().expect("is one");
    all.extend(body.as_object().expect("is one").clone());
    answer.to_string()
}

fn said(is_invited: bool, body: &str) -> Result<String, WorkerError> {
    let memory = Memory::map(MapAddress::Anywhere, 1 << 20).expect("maps");
    let mut engine = Engine::new(memory, 7, "vlt_test", SourceForm::Compiled)?;
    if is_invited {
        engine.invite();
    }
    let source = format!("{DIRECTIVE}function f() {{ {body} }}");
    engine.load(&mut Notes::default(), &source, "w/f.js", "[]", Deadline::after_ms(LONG))?;
    call(&mut engine, "f", None)
}

#[test]
fn only_who_is_invited_has_it() {
    let absent = "return [typeof fetch, typeof Headers, typeof globalThis.fetch]";
    assert_eq!(said(false, absent).expect("runs"), r#"["undefined","undefined","undefined"]"#);
    assert_eq!(said(true, absent).expect("runs"), r#"["function","function","function"]"#);
    let plain = load("function f() { return typeof fetch }");
    assert_eq!(call(&mut { plain }, "f", None).expect("runs"), "\"undefined\"");
}

#[test]
fn a_request_reaches_the_node_whole_and_its_answer_has_the_usual_shape() {
    for (body, wanted) in [
        ("return fetch('u').then(function (r) { return r.json() })", r#"["u","GET",[],null]"#),
        (
            "return fetch('u', {method: 'post', headers: {Accept: 'a'}, body: 'b'}).then(function (r) { return r.json() })",
            r#"["u","POST",[["accept","a"],["content-type","text/plain;charset=UTF-8"]],"b"]"#,
        ),
        (
            "return fetch('u', {headers: [['A', 1], ['a', 2]]}).then(function (r) { return r.json() })",
            r#"["u","GET",[["a","1"],["a","2"]],null]"#,
        ),
        (
            "return fetch('u').then(function (r) { return [r.ok, r.status, r.statusText, r.headers.get('X-A'), r.headers.has('y'), r.headers.get('y')] })",
            r#"[true,200,"Told","1, 2",false,null]"#,
        ),
        ("return fetch('/none').then(function (r) { return [r.ok, r.status] })", "[false,404]"),
        (
            "return fetch('u').then(function (r) { var l = []; r.headers.forEach(function (v, n) { l.push(n + v) }); return l })",
            r#"["content-typeapplication/json","x-a1, 2"]"#,
        ),
        (
            "return fetch('/bytes').then(function (r) { return r.arrayBuffer() }).then(function (b) { b = new Uint8Array(b); return [b.length, b[0], b[2]] })",
            "[3,255,254]",
        ),
        (
            "return Promise.all([fetch('1'), fetch('2'), fetch('3'), fetch('4'), fetch('5')]).then(function (l) { return l.length })",
            "5",
        ),
        (
            "var h = new Headers({a: 'b'}); h.append('A', 'c'); h.set('d', 1); h.delete('e'); return [h.get('a'), h.get('D')]",
            r#"["b, c","1"]"#,
        ),
    ] {
        assert_eq!(said(true, body).expect(body), wanted, "{body}");
    }
}

#[test]
fn what_cannot_be_asked_breaks_the_promise() {
    for (body, part) in [
        ("return fetch('u', {method: 'POST', body: {a: 1}})", "JSON.stringify"),
        ("return fetch('u', {signal: {}})", "no signals"),
        ("return fetch('u', {redirect: 'manual'})", "redirects are followed"),
        (
            "return fetch('u').then(function (r) { return r.text().then(function () { return r.text() }) })",
            "already been read",
        ),
    ] {
        let error = said(true, body).expect_err(body);
        assert!(error.message.contains(part), "{body}: {error:?}");
        let caught = body.replace("return fetch('u'", "return Promise.resolve(1) && fetch('u'")
            + ".catch(function () { return 'caught' })";
        assert_eq!(said(true, &caught).expect(body), "\"caught\"", "{body}");
    }
}
