//! JSON pretty-printer: JSON text laid out for people, word by word as it came.
//!
//! What is carried for others is not read on the way: a number keeps its digits, and half of a surrogate pair its
//! spelling, which no value of ours could hold. So this moves white space only, and takes any depth.

/// Deeper levels are not set further in: the text must not grow with the square of its depth.
const MOST_STEPS: usize = 60;

/// The text must be JSON. Without a line break at its end.
pub(crate) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut rest = json;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth.min(MOST_STEPS)));
    };
    while let Some(first) = rest.chars().next() {
        let mut length = first.len_utf8();
        match first {
            '"' => {
                length = 1 + end_of_text(&rest[1..]);
                out.push_str(&rest[..length]);
            }
            '{' | '[' => {
                out.push(first);
                let inside = rest[1..].trim_start();
                if inside.starts_with(['}', ']']) {
                    out.push_str(&inside[..1]);
                    length = rest.len() - inside.len() + 1;
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(first);
            }
            ',' => {
                out.push(first);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' | '\t' | '\n' | '\r' => {}
            other => out.push(other),
        }
        rest = &rest[length..];
    }
    out
}

/// Behind the quotation mark that ends it.
fn end_of_text(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'"' if !is_escaped => return at + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_laid_out_as_serde_json_does_and_no_word_changes() {
        for text in [
            r#"{"v":1,"a":[],"b":{},"c":[1,[2,{"d":"e\"f{[,:"}],null],"g":"\\"}"#,
            r#"{"äö":"\u0000 \\\"","x":{"y":{"z":[[[]]]}}}"#,
            "\"alone\"",
            "true",
        ] {
            let value: serde_json::Value = serde_json::from_str(text).expect("is JSON");
            assert_eq!(indented(text), serde_json::to_string_pretty(&value).expect("serializes"));
        }
        assert_eq!(
            indented(" { \"a\" : [ 1.10 , 10928588.983213553,1e400 ],\"\\ud800\": [ ] }\r"),
            "{\n  \"a\": [\n    1.10,\n    10928588.983213553,\n    1e400\n  ],\n  \"\\ud800\": []\n}"
        );
    }

    #[test]
    fn depth_costs_no_more_than_length() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(indented(&deep).len() < 200_000 * (2 * MOST_STEPS + 2));
    }
}
