//! Statement preprocessing: what people type at the top level that the engine would read otherwise.

use std::borrow::Cow;

use hauki_lang::lexer::{TokenKind, words};

/// What stands in brackets before a brace of these is no list of parameters.
const BLOCKS: [&str; 6] = ["if", "for", "while", "switch", "catch", "with"];

/// `this` outside of every function is the object of the conversation, which is `this_object()`; the
/// engine has nothing there. Inside of functions it is left alone.
pub(super) fn with_this(source: &str) -> Cow<'_, str> {
    if !source.contains("this") {
        return Cow::Borrowed(source);
    }
    let words = words(source);
    let (mut text, mut copied) = (String::new(), 0);
    // For each open brace, whether it is a function's; for each open bracket, whether parameters may be in it.
    let (mut braces, mut brackets, mut parameters) = (Vec::new(), Vec::new(), false);
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| &words[index]);
        let after_dot = before.is_some_and(|word| word.is("."));
        let is_key = words.get(index + 1).is_some_and(|word| word.is(":"))
            && before.is_some_and(|word| word.is("{") || word.is(","));
        match word.text {
            "(" => brackets.push(before.is_some_and(|word| {
                word.kind == TokenKind::Name && (after_dot || !BLOCKS.contains(&word.text))
            })),
            ")" => parameters = brackets.pop().unwrap_or(false),
            "{" => braces.push(before.is_some_and(|word| word.is(")")) && parameters),
            "}" => {
                braces.pop();
            }
            "this" if word.kind == TokenKind::Name && !after_dot && !is_key && !braces.contains(&true) => {
                text.push_str(&source[copied..word.offset]);
                text.push_str("this_object()");
                copied = word.end();
            }
            _ => {}
        }
    }
    text.push_str(&source[copied..]);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::with_this;

    #[test]
    fn this_is_the_object_outside_of_functions_only() {
        for (typed, seen) in [
            ("this->report()", "this_object()->report()"),
            ("if (this) { f(this); }", "if (this_object()) { f(this_object()); }"),
            ("x.this + 'this' + {this: 1}.this", "x.this + 'this' + {this: 1}.this"),
            (
                "function f() { return this; } f.call(this)",
                "function f() { return this; } f.call(this_object())",
            ),
            (
                "({f() { if (1) { return this } }, a: this})",
                "({f() { if (1) { return this } }, a: this_object()})",
            ),
            ("nothing", "nothing"),
        ] {
            assert_eq!(with_this(typed), seen);
        }
    }
}
