//! `object->method(a, b)` becomes `call_other(object, "method", a, b)`.
//!
//! A pure function over the words of [`super::lexer`]: strings, comments, regular expressions and `-->`
//! are not arrows there. `->` followed by a name and a bracket is never JavaScript, so nothing valid is
//! touched, and a program without arrows is returned as it came. Only single words are replaced and
//! nothing between them, so every line break stays and line numbers in errors are the author's.

use std::borrow::Cow;

use super::lexer::{Kind, Word, words};

/// The source as the engine sees it.
#[must_use]
pub fn rewrite(source: &str) -> Cow<'_, str> {
    // Also true of most programs, and far cheaper than reading their words.
    if !source.contains("->") {
        return Cow::Borrowed(source);
    }
    let all = words(source);
    let partners = partners(&all);
    let mut edits = Vec::new();
    for index in 0..all.len() {
        if all[index].is("->") {
            edit_call(&all, &partners, index, &mut edits);
        }
    }
    if edits.is_empty() {
        return Cow::Borrowed(source);
    }
    // At one place, the outer call is opened first; all openings there read the same.
    edits.sort_by_key(|edit| edit.start);
    let mut text = String::with_capacity(source.len() + edits.len() * 8);
    let mut copied = 0;
    for edit in edits {
        text.push_str(&source[copied..edit.start]);
        text.push_str(&edit.text);
        copied = edit.end;
    }
    text.push_str(&source[copied..]);
    Cow::Owned(text)
}

/// The lines, one-based, on which the rewritten text differs: columns there are not the author's.
#[must_use]
pub fn altered_lines(source: &str, rewritten: &str) -> Vec<u32> {
    let pairs = source.split('\n').zip(rewritten.split('\n'));
    (1..).zip(pairs).filter(|(_, (before, after))| before != after).map(|(line, _)| line).collect()
}

struct Edit {
    start: usize,
    end: usize,
    text: String,
}

impl Edit {
    fn over(word: &Word<'_>, text: impl Into<String>) -> Self {
        Self { start: word.offset, end: word.end(), text: text.into() }
    }
}

/// Queues the edits of one arrow, unless it is not a method call.
fn edit_call(all: &[Word<'_>], partners: &[Option<usize>], arrow: usize, edits: &mut Vec<Edit>) {
    let (Some(name), Some(open)) = (all.get(arrow + 1), all.get(arrow + 2)) else { return };
    if name.kind != Kind::Name || !open.is("(") || partners[arrow + 2].is_none() {
        return;
    }
    let Some(first) = operand_start(all, partners, arrow) else { return };
    let start = all[first].offset;
    let no_arguments = partners[arrow + 2] == Some(arrow + 3);
    // `typeof(a)->b()`: the name of the call must not run into the word before it.
    let touches = first > 0 && all[first - 1].kind == Kind::Name && all[first - 1].end() == start;
    let opening = if touches { " call_other(" } else { "call_other(" };
    edits.push(Edit { start, end: start, text: opening.to_owned() });
    edits.push(Edit::over(&all[arrow], ","));
    edits.push(Edit::over(name, format!("\"{}\"", name.text)));
    edits.push(Edit::over(open, if no_arguments { "" } else { "," }));
}

/// For each bracket the index of its partner.
fn partners(all: &[Word<'_>]) -> Vec<Option<usize>> {
    let mut partners = vec![None; all.len()];
    let mut open: Vec<usize> = Vec::new();
    for (index, word) in all.iter().enumerate() {
        if word.kind != Kind::Punctuation {
            continue;
        }
        let opening = match word.text {
            "(" | "[" | "{" => {
                open.push(index);
                continue;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => continue,
        };
        if let Some(partner) = open.pop().filter(|partner| all[*partner].text == opening) {
            partners[index] = Some(partner);
            partners[partner] = Some(index);
        }
    }
    partners
}

/// Words that stand before an operand and are not part of it.
const NOT_OPERANDS: [&str; 18] = [
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "throw",
    "instanceof",
    "else",
    "do",
    "if",
    "while",
    "for",
    "with",
    "switch",
    "catch",
    "var",
];

/// Where the expression to the left of `end` begins: a name, bracket or literal, with all its members,
/// indices, calls and earlier arrows, and its `new`.
fn operand_start(all: &[Word<'_>], partners: &[Option<usize>], end: usize) -> Option<usize> {
    let mut first = atom_start(all, partners, end)?;
    loop {
        let before = |count: usize| first.checked_sub(count).and_then(|index| all.get(index));
        if before(1).is_some_and(|word| word.is(".") || word.is("->")) {
            first = atom_start(all, partners, first - 1)?;
        } else if (all[first].is("(") || all[first].is("[")) && atom_start(all, partners, first).is_some() {
            // A call or an index of what is before it.
            first = atom_start(all, partners, first)?;
        } else {
            let constructed =
                before(1).is_some_and(|word| word.is("new")) && !before(2).is_some_and(|word| word.is("."));
            return Some(if constructed { first - 1 } else { first });
        }
    }
}

/// The start of the single name, literal or bracket that ends just before `end`.
fn atom_start(all: &[Word<'_>], partners: &[Option<usize>], end: usize) -> Option<usize> {
    let index = end.checked_sub(1)?;
    let word = all[index];
    match word.kind {
        Kind::Punctuation if word.text == "}" => function_start(all, partners, partners[index]?),
        Kind::Punctuation if matches!(word.text, ")" | "]") => partners[index],
        Kind::Punctuation => None,
        // After a dot, any word is a property.
        Kind::Name if NOT_OPERANDS.contains(&word.text) || word.text == "new" => {
            index.checked_sub(1).filter(|before| all[*before].is(".")).map(|_| index)
        }
        _ => Some(index),
    }
}

/// A closing brace ends an operand only if it is a function expression's; an object literal before an
/// arrow has no methods to call.
fn function_start(all: &[Word<'_>], partners: &[Option<usize>], brace: usize) -> Option<usize> {
    let parameters = partners[brace.checked_sub(1)?].filter(|open| all[*open].is("("))?;
    (1..=2).find_map(|back| parameters.checked_sub(back).filter(|at| all[*at].is("function")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_become_calls() {
        let table = [
            ("a->b()", "call_other(a,\"b\")"),
            ("a->b(1, 2)", "call_other(a,\"b\",1, 2)"),
            ("x = a.b[c]->d(e);", "x = call_other(a.b[c],\"d\",e);"),
            ("a->b()->c()", "call_other(call_other(a,\"b\"),\"c\")"),
            ("a->b(c->d())", "call_other(a,\"b\",call_other(c,\"d\"))"),
            ("(a || b)->c()", "call_other((a || b),\"c\")"),
            ("f(x)->g(y)", "call_other(f(x),\"g\",y)"),
            ("f(x)(y)[z].w->g()", "call_other(f(x)(y)[z].w,\"g\")"),
            ("new Foo(1)->bar()", "call_other(new Foo(1),\"bar\")"),
            ("return a->b()", "return call_other(a,\"b\")"),
            ("typeof(a)->b()", "typeof call_other((a),\"b\")"),
            ("!a->b()", "!call_other(a,\"b\")"),
            ("1 + a->b() * 2", "1 + call_other(a,\"b\") * 2"),
            ("i++ - a->b()", "i++ - call_other(a,\"b\")"),
            ("this->b()", "call_other(this,\"b\")"),
            ("clone_object('x')->b()", "call_other(clone_object('x'),\"b\")"),
            ("a\n  ->b(\n  1\n)", "call_other(a\n  ,\"b\",\n  1\n)"),
            ("a /* -> */ -> // c\n b ( 1 )", "call_other(a /* -> */ , // c\n \"b\" , 1 )"),
            ("if (x) a->b()", "if (x) call_other(a,\"b\")"),
            ("a->b().c", "call_other(a,\"b\").c"),
            ("a.b->c().d->e()", "call_other(call_other(a.b,\"c\").d,\"e\")"),
            ("o.return->x()", "call_other(o.return,\"x\")"),
            ("(function () { return a })()->x()", "call_other((function () { return a })(),\"x\")"),
            ("[a->b(), c->d()]", "[call_other(a,\"b\"), call_other(c,\"d\")]"),
            ("a->b(')', /)/, c)", "call_other(a,\"b\",')', /)/, c)"),
            ("a->b(/* none */)", "call_other(a,\"b\"/* none */)"),
        ];
        for (source, wanted) in table {
            assert_eq!(rewrite(source), wanted, "{source}");
            let lines = |text: &str| text.matches('\n').count();
            assert_eq!(lines(source), lines(wanted));
            assert!(matches!(rewrite(wanted), Cow::Borrowed(_)) || wanted.contains("->"), "{wanted}");
        }
    }

    #[test]
    fn what_is_no_arrow_stays_as_it_is() {
        for source in [
            "",
            "while (n --> 0) f()",
            "'a->b()'",
            "\"a->b()\"",
            "`a->b()`",
            "/a->b()/.test(c)",
            "// a->b()",
            "/* a->b() */",
            "a - > b()",
            "a->b",
            "a->",
            "->b()",
            "a->1()",
            "a->b(",
            "a->(b)()",
            "return->b()",
            "a-->b()",
            "a--->b",
        ] {
            assert!(matches!(rewrite(source), Cow::Borrowed(same) if same == source), "{source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn line_breaks_stay_and_no_arrow_means_no_change(
            source in proptest::collection::vec(
                proptest::sample::select(vec![
                    "a", "b", "->", "(", ")", "[", "]", "{", "}", ".", ",", "\n", " ", "'", "\"", "/", "*", "//",
                    "-->", "--", ">", "new ", "function ", "return ", "1", "`", "=", "ä",
                ]),
                0..40,
            )
        ) {
            let source = source.concat();
            let text = rewrite(&source);
            proptest::prop_assert_eq!(source.matches('\n').count(), text.matches('\n').count());
            if !source.contains("->") {
                proptest::prop_assert!(matches!(text, Cow::Borrowed(same) if same == source));
            }
            // A second pass finds nothing that the first left undone.
            let again = rewrite(&text).into_owned();
            proptest::prop_assert_eq!(again, text.into_owned());
        }
    }
}
