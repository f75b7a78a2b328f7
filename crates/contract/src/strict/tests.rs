//! What each rule refuses, and what it must not.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

const SMALL: DocumentLimits = DocumentLimits::bytes(64 * 1024);

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Outer {
    n: u32,
    signed: i64,
    ratio: f64,
    text: String,
    inner: Option<Inner>,
    list: Vec<Inner>,
    labels: BTreeMap<String, String>,
    any: Value,
    choice: Option<Choice>,
    wrapped: Option<Wrapped>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    a: u8,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    One,
    Two(u16),
    Three { a: u8 },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(Inner);

fn read(text: &str) -> Result<Outer, StrictError> {
    from_str(text, SMALL)
}

fn refused(text: &str) -> String {
    read(text).expect_err(text).to_string()
}

#[test]
fn an_object_is_an_object_wherever_one_is_meant() {
    for (text, path) in [
        ("[]", ""),
        ("[1,2]", ""),
        (r#"{"inner":[1]}"#, "inner: "),
        (r#"{"list":[{"a":1},[2]]}"#, "list[1]: "),
        (r#"{"wrapped":[1]}"#, "wrapped: "),
        (r#"{"choice":{"three":[1]}}"#, "choice.three: "),
    ] {
        let told = refused(text);
        assert!(told.starts_with(path) && told.contains("expected an object"), "{text}: {told}");
    }
}

#[test]
fn a_word_is_a_text_and_no_object() {
    assert_eq!(read(r#"{"choice":"one"}"#).expect("is a word").choice, Some(Choice::One));
    assert_eq!(read(r#"{"choice":{"two":2}}"#).expect("has a value").choice, Some(Choice::Two(2)));
    for text in [r#"{"choice":{"one":null}}"#, r#"{"choice":{"one":{}}}"#, r#"{"choice":{"one":[]}}"#] {
        let told = refused(text);
        assert!(
            told.starts_with("choice") && told.contains("expected text, found an object"),
            "{text}: {told}"
        );
    }
}

#[test]
fn integers_are_taken_by_their_value() {
    for (text, n) in [("60000.0", 60_000), ("6e4", 60_000), ("-0", 0), ("0.0", 0), ("4294967295.0", u32::MAX)]
    {
        assert_eq!(read(&format!(r#"{{"n":{text}}}"#)).expect(text).n, n);
    }
    assert_eq!(read(r#"{"signed":-9007199254740991.0}"#).expect("is exact").signed, -9_007_199_254_740_991);
    assert_eq!(read(r#"{"signed":-6e1,"choice":{"two":2.0}}"#).expect("reads").signed, -60);
    for text in [
        "1.5",
        "-1.0",
        "1e10",
        "4294967296",
        "1e300",
        "9007199254740992.0",
        "9007199254740993.0",
        "\"1\"",
        "true",
        "null",
    ] {
        let told = refused(&format!(r#"{{"inner":{{"a":1}},"n":{text}}}"#));
        assert!(told.starts_with("n: expected a whole number"), "{text}: {told}");
    }
    // What is no integer, and what nobody typed, stays as it is.
    let kept = read(r#"{"ratio":2,"any":[1.0,-0.0]}"#).expect("reads");
    assert_eq!((kept.ratio, kept.any.to_string().as_str()), (2.0, "[1.0,-0.0]"));
}

#[test]
fn no_member_comes_twice() {
    for (text, path) in [
        (r#"{"n":1,"n":1}"#, "n: "),
        (r#"{"labels":{"a":"1","b":"2","a":"1"}}"#, "labels.a: "),
        (r#"{"labels":{"a":"1","\u0061":"1"}}"#, "labels["),
        (r#"{"any":{"x":[{"k":1,"k":2}]}}"#, "any.x[0].k: "),
        (r#"{"list":[{"a":1,"a":1}]}"#, "list[0].a: "),
    ] {
        assert!(refused(text).starts_with(path), "{text}: {}", refused(text));
    }
    assert!(read(r#"{"any":{"a":{"a":1},"b":{"a":1}},"labels":{"a":"a"}}"#).is_ok());
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    for text in [
        r#"{"text":"\ud800"}"#,
        r#"{"labels":{"\ud800":"1","\ud801":"2"}}"#,
        r#"{"any":["\udfff"]}"#,
        r#"{"\ud800":1}"#,
    ] {
        assert!(refused(text).contains("surrogate"), "{text}: {}", refused(text));
    }
    assert_eq!(read(r#"{"text":"\ud83d\ude00"}"#).expect("is a pair").text, "\u{1f600}");
    // Where it is carried, it stays what was written.
    let raw: &RawValue = from_str(r#" {"\ud800":1} "#, SMALL).expect("is carried");
    assert_eq!(raw.get(), r#"{"\ud800":1}"#);
}

#[test]
fn raw_text_is_kept_inside_of_documents_too() {
    #[derive(Deserialize)]
    struct Carrier<'a> {
        #[serde(borrow)]
        args: &'a RawValue,
        name: &'a str,
        boxed: Option<Box<RawValue>>,
    }
    let read: Carrier<'_> =
        from_str(r#"{"args":[1.10,{"a":1,"a":2}],"name":"x","boxed":"\ud800"}"#, SMALL).expect("reads");
    assert_eq!((read.args.get(), read.name), (r#"[1.10,{"a":1,"a":2}]"#, "x"));
    assert_eq!(read.boxed.expect("is there").get(), r#""\ud800""#);
}

#[test]
fn size_depth_and_encoding_are_bounded() {
    let deep = |levels: usize| format!(r#"{{"any":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert!(read(&deep(DocumentLimits::DEPTH - 1)).is_ok());
    assert!(refused(&deep(DocumentLimits::DEPTH)).contains("deeper than 120 levels"));
    assert!(refused(&deep(100_000)[..60_000]).contains("deeper"));
    assert!(read(&format!(r#"{{"text":"{}"}}"#, "[{\\\"".repeat(1000))).is_ok());
    assert!(
        refused(&format!(r#"{{"text":"{}"}}"#, "a".repeat(70_000))).contains("longer than the 65536 bytes")
    );
    assert!(from_slice::<Outer>(b"\xef\xbb\xbf{\"n\":1}", SMALL).is_ok());
    assert!(
        from_slice::<Outer>(b"{\"text\":\"\xed\xa0\x80\"}", SMALL)
            .expect_err("is WTF-8")
            .reason
            .contains("byte 9")
    );
}

#[test]
fn a_refusal_names_the_member_or_the_column() {
    for (text, told) in [
        (r#"{"list":[{"a":1},{"a":300}]}"#, "list[1].a: expected a whole number from 0 to 255, found 300"),
        ("{\n \"inner\": {}\n}", "inner: missing field `a`"),
        (r#"{"inner":{"b":1}}"#, "inner.b: unknown field `b`, expected `a`"),
        (r#"{"odd name":1}"#, "[\"odd name\"]: unknown field"),
        (r#"{"n":1} x"#, "trailing characters at line 1 column 9"),
        (r#"{"n":"#, "n: a value is missing at line 1 column 5"),
        (r#"{"choice":"four"}"#, "choice: expected one of"),
    ] {
        assert!(refused(text).starts_with(told), "{text}: {}", refused(text));
    }
    let error = read("{\n  \"n\": -1\n}").expect_err("is negative");
    assert_eq!((error.path.as_str(), error.line), ("n", 2));
}

#[test]
fn whatever_comes_is_answered() {
    // Each prefix of a document, and each with one byte changed: an answer, never a panic.
    let whole = r#"{"n":1,"list":[{"a":1}],"labels":{"\u00e4":"\\\""},"any":[null,[],{"k":-1e3}]}"#;
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "{}", &whole[..end]);
        for byte in [b'[', b'}', b'"', b'\\', b',', 0xff] {
            let mut bytes = whole.as_bytes().to_vec();
            bytes[end] = byte;
            let _ = from_slice::<Outer>(&bytes, SMALL);
        }
    }
    assert_eq!(
        from_value::<Outer>(&serde_json::json!({"list": [[1]]})).expect_err("is a list").path,
        "list[0]"
    );
}

#[cfg(feature = "documents")]
#[test]
#[allow(clippy::disallowed_methods, reason = "how long the parser works is what is tested")]
fn yaml_is_as_strict_and_as_quick() {
    let yaml = |text: &str| from_yaml::<Outer>(text, SMALL);
    let read = yaml("\u{feff}n: 6e4\nlist: [{a: 1}]\nlabels:\n  x: 'y'\n").expect("reads");
    assert_eq!((read.n, read.list.len()), (60_000, 1));
    for text in [
        "inner: [1]\n",
        "n: 1\nn: 1\n",
        "labels: {a: b, a: b}\n",
        "labels:\n  a: b\n  'a': b\n",
        "n: 1.5\n",
        "[1]\n",
        "list:\n  - - 1\n",
    ] {
        assert!(yaml(text).is_err(), "{text}");
    }
    // A bracket in a text is none.
    let text =
        format!("text: '{}'\nlabels:\n  a: \"{}\" # {}\n", "[".repeat(99), "{".repeat(99), "[".repeat(99));
    assert_eq!(yaml(&text).expect("reads").text.len(), 99);
    let most = |levels: usize| format!("any: {}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(yaml(&most(31)).is_ok());
    let told = yaml(&format!("n: 1\n{}", most(32))).expect_err("is deep");
    assert!(told.line == 2 && told.reason.contains("deeper than 32"), "{told}");
    assert_eq!(yaml("n: 1\ninner:\n  a: 300\n").expect_err("is over").line, 3);
    let bomb: String =
        (1..9).map(|n| format!("x{n}: &x{n} [{}]\n", vec![format!("*x{}", n - 1); 9].join(","))).collect();
    let began = std::time::Instant::now();
    for text in [
        "[".repeat(60_000),
        "{".repeat(60_000),
        "{a: ".repeat(15_000),
        "- ".repeat(30_000),
        "? ".repeat(30_000),
        (0..300).map(|n| format!("{}a:\n", " ".repeat(n))).collect(),
        format!("any:\n  x0: &x0 [a]\n{}", bomb.replace("x", "  x")),
        format!("inner: [{}]\n", "&a a, *a, ".repeat(6_000)),
        // Closed in quotes, in comments and in plain text, and in truth never.
        format!("any: {}", format!("{}\"{}\",", "[".repeat(31), "]".repeat(31)).repeat(900)),
        format!("any: {}", format!("{}'{}',", "[".repeat(31), "]".repeat(31)).repeat(900)),
        format!("any: {}", format!("{} #{}\n", "[".repeat(31), "]".repeat(31)).repeat(900)),
        "a: \"".repeat(16_000),
        "!!x ".repeat(16_000),
    ] {
        assert!(yaml(&text).is_err(), "{}", &text[..40]);
    }
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn breadth_is_bounded_whatever_it_is_made_of() {
    let few = |text: &str| from_str::<Value>(text, SMALL.values(100));
    let repeated = |part: &str, count: usize| format!("[{}]", vec![part; count].join(","));
    for part in ["1", "[]", "{}", "[1]", r#"{"":0}"#, r#"",[{""#, "null"] {
        assert!(few(&repeated(part, 40)).is_ok(), "{part}");
        let refused = few(&repeated(part, 101)).expect_err(part).to_string();
        assert!(refused.contains("more than 100 values"), "{refused}");
    }
    assert!(few(&repeated("1", 99)).is_ok());
    assert!(few(&format!("{}{}", "[".repeat(101), "]".repeat(101))).is_err());
    assert!(few(&format!(r#"{{"text":"{}"}}"#, ",[{".repeat(1_000))).is_ok(), "text is one value");
    // Where nobody bounds it, it is as before.
    assert!(from_str::<Value>(&repeated("1", 10_000), SMALL).is_ok());
}

#[cfg(feature = "documents")]
#[test]
fn a_tag_that_means_nothing_here_is_refused_where_it_stands() {
    let read = |text: &str| from_yaml::<Outer>(text, SMALL);
    for (text, tag, place) in [
        ("n: 1\ntext: !!python/object x", "!!python/object", (2, 7)),
        ("text: !!python/object:os.system [a]", "!!python/object:os.system", (1, 7)),
        ("any: {a: [!!set {b}]}", "!!set", (1, 11)),
        ("!!omap\nn: 1", "!!omap", (1, 1)),
        ("? !!binary n\n: 1", "!!binary", (1, 3)),
        ("%TAG ! tag:evil.example,2000:\n---\ntext: !x y", "!<tag:evil.example,2000:x>", (3, 7)),
        ("text: !<tag:yaml.org,2002:python/name:a%0Ab> x", "!!python/name:a\\nb", (1, 7)),
    ] {
        let told = read(text).expect_err(text);
        assert_eq!(
            ((told.line, told.column), told.reason.contains(&format!("\"{tag}\""))),
            (place, true),
            "{told}"
        );
    }
    let long = read(&format!("text: !!{} x", "p".repeat(1_000))).expect_err("is long").to_string();
    assert!(long.len() < 200, "{long}");
    let plain = "!!map\ntext: !!str 5\nn: !!int 7\nlist: !!seq []\nlabels: {a: '5'}\n";
    let read = read(plain).expect("is plain");
    assert_eq!((read.text.as_str(), read.n), ("5", 7));
}

#[cfg(feature = "documents")]
#[test]
fn a_scalar_of_another_type_is_no_text() {
    let read = |text: &str| from_yaml::<Outer>(text, SMALL);
    for (text, found) in [
        ("text: 5", "found 5; in quotes it is text"),
        ("text: 0x1F", "found 31; in quotes it is text"),
        ("text: 1.5", "found 1.5; in quotes it is text"),
        ("text: true", "found true; in quotes it is text"),
        ("labels: {a: 5}", "labels.a: expected text, found 5; in quotes it is text"),
        ("text: ~", "found nothing"),
        ("text: [a]", "found a list"),
        ("text: {a: b}", "found an object"),
        ("text: !object x", "found a tagged value"),
    ] {
        let told = read(text).expect_err(text).to_string();
        assert!(told.contains("expected text, ") && told.contains(found), "{text}: {told}");
        assert_eq!(told.contains("quotes"), found.contains("quotes"), "{text}: {told}");
    }
    for (text, meant) in [
        ("text: '5'", "5"),
        ("text: \"true\"", "true"),
        ("text: 5s", "5s"),
        ("text: yes", "yes"),
        ("text: !!str 5", "5"),
    ] {
        assert_eq!(read(text).expect(text).text, meant);
    }
    // The name of a member is what was written.
    let labels = read("labels: {5: a, true: b}").expect("reads").labels;
    assert_eq!(labels.into_keys().collect::<Vec<_>>(), ["5", "true"]);
}
