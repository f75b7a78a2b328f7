//! JSDoc: what the comment before a function says of it and of its parameters.

use std::collections::BTreeMap;

use hauki_client::visible;
use serde_json::{Map, Value};

use crate::method_schema::jsdoc_type;

/// Of a description, in letters.
pub(crate) const MOST_ABOUT: usize = 600;

/// A comment that documents a function.
#[derive(Default)]
pub(crate) struct FunctionDoc {
    pub(crate) about: Option<String>,
    pub(crate) parameters: BTreeMap<String, ParameterDoc>,
}

pub(crate) struct ParameterDoc {
    pub(crate) schema: Option<Map<String, Value>>,
    pub(crate) is_required: bool,
    pub(crate) about: Option<String>,
}

impl FunctionDoc {
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().map(|line| line.trim().trim_start_matches('*').trim());
        let (mut about, mut tags) = (String::new(), Vec::<String>::new());
        for line in lines {
            match (line.starts_with('@'), tags.last_mut()) {
                (true, _) => tags.push(line.to_owned()),
                (false, Some(tag)) => tag.extend([" ", line]),
                (false, None) => about.extend([line, " "]),
            }
        }
        let words = ["@param ", "@arg ", "@argument "];
        let told = tags.iter().filter_map(|tag| words.iter().find_map(|word| tag.strip_prefix(word)));
        let parameters = told.filter_map(ParameterDoc::read).collect();
        Self { about: described(&about), parameters }
    }
}

impl ParameterDoc {
    /// `{type} [name=default] - description`
    fn read(text: &str) -> Option<(String, Self)> {
        let text = text.trim_start();
        let (kind, rest) = match text.strip_prefix('{') {
            Some(rest) => {
                let (kind, rest) = bracketed(rest, '{', '}')?;
                (Some(kind.trim()), rest.trim_start())
            }
            None => (None, text),
        };
        let (name, rest, is_optional) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (name, rest) = bracketed(rest, '[', ']')?;
                (name.split('=').next().unwrap_or_default().trim(), rest, true)
            }
            None => {
                let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                (name, rest, false)
            }
        };
        let (schema, may_lack) = kind.map_or((None, true), |kind| {
            let (schema, may_lack) = jsdoc_type(kind);
            (Some(schema), may_lack)
        });
        let about = described(rest.trim().trim_start_matches("- "));
        let told = Self { schema, is_required: !is_optional && !may_lack, about };
        (!name.is_empty()).then(|| (name.to_owned(), told))
    }
}

/// Behind an open bracket: what stands before the one that closes it, and behind that.
fn bracketed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    let mut depth = 1_usize;
    let (end, _) = text.char_indices().find(|(_, letter)| {
        if *letter == open {
            depth += 1;
        } else if *letter == close {
            depth -= 1;
        }
        depth == 0
    })?;
    Some((&text[..end], &text[end + close.len_utf8()..]))
}

/// In one line that is no order to anybody's terminal.
fn described(text: &str) -> Option<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = text.chars().take(MOST_ABOUT).collect();
    (!cut.is_empty()).then(|| visible::line(&cut).into_owned())
}
