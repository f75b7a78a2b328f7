//! Arrow masking: `object->method(…)` as the member `object. method(…)` that a JavaScript parser reads, letter for
//! letter in its place.
//!
//! Where the operand begins is left to the parser, which knows. What is remembered is where the names stand, so that
//! the tree can tell such a call from an ordinary one.

use hauki_lang::lexer::{Lexer, TokenKind};

use super::faults::FaultList;

/// Templates within templates are read anew on each level.
const DEEPEST: usize = 64;

/// A text without arrows, of the same length.
pub(crate) struct MaskedArrows {
    pub(crate) text: String,
    pub(crate) arrows: Arrows,
}

/// Where the names behind arrows begin, and their arrows, in order.
#[derive(Default, Clone)]
pub(crate) struct Arrows {
    names: Vec<(usize, usize)>,
}

impl Arrows {
    /// The arrow before the name that begins at this byte.
    pub(crate) fn before(&self, name: usize) -> Option<usize> {
        let found = self.names.binary_search_by_key(&name, |(name, _)| *name).ok()?;
        Some(self.names[found].1)
    }

    /// Those of a text behind all others.
    pub(crate) fn extend(&mut self, behind: Self) {
        self.names.extend(behind.names);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.names.iter().copied()
    }
}

/// `base` is where the text begins among all that are compiled together.
pub(crate) fn mask(source: &str, base: usize, faults: &mut FaultList) -> MaskedArrows {
    let mut found = FoundArrows { names: Vec::new(), faults };
    if source.contains("->") {
        found.read(source, base, 0);
    }
    let mut names = found.names;
    names.sort_unstable();
    let mut text = source.as_bytes().to_vec();
    for (_, arrow) in &names {
        text[arrow - base..arrow - base + 2].copy_from_slice(b". ");
    }
    // Two letters of ASCII in the place of two others.
    let text = String::from_utf8(text).unwrap_or_else(|_| source.to_owned());
    MaskedArrows { text, arrows: Arrows { names } }
}

struct FoundArrows<'a> {
    names: Vec<(usize, usize)>,
    faults: &'a mut FaultList,
}

impl FoundArrows<'_> {
    /// `text` stands at `base` of the source. Says where it ends: behind the brace that closes what was open before it.
    fn read(&mut self, text: &str, base: usize, depth: usize) -> usize {
        let mut arrow = None;
        let mut braces = 0_usize;
        for word in Lexer::new(text) {
            if let Some(at) = arrow.take() {
                if word.kind == TokenKind::Name {
                    self.names.push((base + word.offset, at));
                } else {
                    let instead = "write `call_other(object, name, arguments)`";
                    self.faults.add_at(at, "an arrow without a method's name", instead);
                }
            }
            match word.kind {
                TokenKind::Punctuation if word.text == "->" => arrow = Some(base + word.offset),
                TokenKind::Punctuation if word.text == "{" => braces += 1,
                TokenKind::Punctuation if word.text == "}" && depth > 0 => match braces.checked_sub(1) {
                    Some(fewer) => braces = fewer,
                    None => return word.end(),
                },
                TokenKind::Template if word.text.contains("->") => {
                    self.template(word.text, base + word.offset, depth);
                }
                _ => {}
            }
        }
        text.len()
    }

    fn template(&mut self, text: &str, base: usize, depth: usize) {
        if depth == DEEPEST {
            self.faults.add_at(base, "templates are nested too deep", "name what is inside");
            return;
        }
        let bytes = text.as_bytes();
        let mut at = 1;
        while at < bytes.len() {
            match bytes[at] {
                b'\\' => at += 2,
                b'$' if bytes.get(at + 1) == Some(&b'{') => {
                    at += 2;
                    at += self.read(&text[at..], base + at, depth + 1);
                }
                b'`' => return,
                _ => at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(source: &str) -> (String, Vec<String>, bool) {
        let mut faults = FaultList::default();
        let MaskedArrows { text, arrows } = mask(source, 0, &mut faults);
        assert_eq!(text.len(), source.len(), "{source}");
        let names = arrows.iter().map(|(name, _)| source[name..].chars().take(1).collect()).collect();
        (text, names, faults.is_empty())
    }

    #[test]
    fn arrows_are_found_wherever_code_stands() {
        for (source, wanted, names) in [
            ("a->b()", "a. b()", "b"),
            ("a ->\n b()", "a . \n b()", "b"),
            ("`->${a->b()}->`", "`->${a. b()}->`", "b"),
            ("`${`${a->b(`${{c: d->e()}}`)}`}`; f->g()", "`${`${a. b(`${{c: d. e()}}`)}`}`; f. g()", "beg"),
            ("`\\${a->b()}`", "`\\${a->b()}`", ""),
            ("'a->b()'; /a->b/; // a->b()", "'a->b()'; /a->b/; // a->b()", ""),
            ("x => x->y()", "x => x. y()", "y"),
            ("n --> 0", "n --> 0", ""),
            ("`${() => { return a->b() }}${c->d()}`", "`${() => { return a. b() }}${c. d()}`", "bd"),
            ("ä->ö()", "ä. ö()", "ö"),
        ] {
            let (text, found, fine) = masked(source);
            assert_eq!((text.as_str(), found.concat().as_str(), fine), (wanted, names, true), "{source}");
        }
    }

    #[test]
    fn what_is_no_name_is_a_fault() {
        for source in ["a->'b'()", "a->(b)()", "`${a->1}`"] {
            assert!(!masked(source).2, "{source}");
        }
        let deep = format!("{}a->b(){}", "`${".repeat(500), "}`".repeat(500));
        assert!(!masked(&deep).2);
    }
}
