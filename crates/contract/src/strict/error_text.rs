//! Error text: what was wrong, in the words of whoever wrote the document: derived code speaks of its own types.

/// Of our types and serde's, what a document holds where they are read.
const MEANT: &[(&str, &str)] = &[
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("a string", "text"),
    ("string or bytes", "text"),
    ("a boolean", "true or false"),
    ("unit", "null"),
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number from 0"),
    ("usize", "a whole number from 0"),
    ("i32", "a whole number"),
    ("i64", "a whole number"),
    ("f64", "a number"),
    ("a JSON number", "a number"),
];

/// What stands there, as serde calls it, and as people do.
const FOUND: &[(&str, &str)] = &[
    ("sequence", "a list"),
    ("map", "an object"),
    ("unit value", "nothing"),
    ("null", "null"),
    ("newtype struct", "an object"),
    ("enum", "a tagged value"),
];

/// The same of what stands there with its value behind, which is in quotes or backticks.
const VALUES: &[(&str, &str)] = &[
    ("string ", "the text "),
    ("integer ", ""),
    ("floating point ", ""),
    ("boolean ", ""),
    ("character ", ""),
];

/// Where a text stops too early.
const ENDS: &[(&str, &str)] = &[
    ("EOF while parsing a value", "a value is missing"),
    ("EOF while parsing a list", "it ends within a list"),
    ("EOF while parsing an object", "it ends within an object"),
    ("EOF while parsing a string", "it ends within a text"),
];

pub(super) fn plain(told: &str) -> String {
    for lead in ["invalid type: ", "invalid value: "] {
        if let Some((before, rest)) = told.split_once(lead)
            && let Some((found, wanted)) = rest.rsplit_once(", expected ")
        {
            return format!("{before}expected {}, found {}", meant(wanted), here(found));
        }
    }
    if let Some((before, rest)) = told.split_once("unknown variant `")
        && let Some((found, wanted)) = rest.split_once("`, ")
    {
        return format!("{before}{wanted}, found `{found}`");
    }
    for (theirs, ours) in ENDS {
        if let Some((before, rest)) = told.split_once(theirs) {
            return format!("{before}{ours}{rest}");
        }
    }
    told.to_owned()
}

/// What YAML takes for a number or a truth value, whoever wrote it may have meant as text.
#[cfg(feature = "documents")]
pub(super) fn with_quotes(reason: String) -> String {
    let found = reason.split_once("expected text, found ").map(|(_, found)| found);
    if found.is_some_and(|found| found.parse::<f64>().is_ok() || matches!(found, "true" | "false")) {
        return reason + "; in quotes it is text";
    }
    reason
}

fn meant(wanted: &str) -> &str {
    if wanted.starts_with("struct ") {
        return "an object";
    }
    MEANT.iter().find(|(theirs, _)| *theirs == wanted).map_or(wanted, |(_, ours)| ours)
}

fn here(found: &str) -> String {
    if let Some((_, ours)) = FOUND.iter().find(|(theirs, _)| *theirs == found) {
        return (*ours).to_owned();
    }
    for (theirs, ours) in VALUES {
        if let Some(value) = found.strip_prefix(theirs) {
            return format!("{ours}{}", value.trim_matches('`'));
        }
    }
    found.to_owned()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nobody_needs_to_know_our_types() {
        for (theirs, ours) in [
            ("n: invalid type: sequence, expected struct Node", "n: expected an object, found a list"),
            (
                "invalid type: string \"a, expected b\", expected u8",
                "expected a whole number from 0 to 255, found the text \"a, expected b\"",
            ),
            (
                "invalid value: integer `-1`, expected u32",
                "expected a whole number from 0 to 4294967295, found -1",
            ),
            ("invalid type: floating point `1.5`, expected u64", "expected a whole number from 0, found 1.5"),
            ("invalid type: boolean `true`, expected a string", "expected text, found true"),
            ("invalid type: unit value, expected a sequence", "expected a list, found nothing"),
            ("invalid type: sequence, expected an object", "expected an object, found a list"),
            ("unknown variant `x`, expected `a` or `b`", "expected `a` or `b`, found `x`"),
            ("unknown field `x`, expected `a`", "unknown field `x`, expected `a`"),
            ("missing field `x`", "missing field `x`"),
            ("n: EOF while parsing a list at line 1 column 5", "n: it ends within a list at line 1 column 5"),
        ] {
            assert_eq!(plain(theirs), ours);
        }
    }
}
