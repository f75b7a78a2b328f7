//! Regular expressions: what a literal may hold, and named groups and classes of Unicode, which the engine's lack.
//!
//! Groups are counted, and their names kept beside the expression as `$$names`, of which the run-time makes `groups`.
//! `\p{…}` becomes the ranges of letters that it stands for.

use regex_syntax::hir::{Class, HirKind};
use swc_atoms::Atom;
use swc_common::{DUMMY_SP, Span};
use swc_ecma_ast::{
    CallExpr, Callee, Expr, Ident, KeyValueProp, Lit, Number, ObjectLit, Program, Prop, PropName,
    PropOrSpread, Regex, Str,
};
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

use super::faults::FaultList;
use super::scopes::ResolvedNames;

/// Defines a property and gives back the object.
const DEFINE: &str = "_define_property";

/// Where the run-time finds the names of groups, with their numbers.
const NAMES: &str = "$$names";

pub(crate) fn check(program: &Program, faults: &mut FaultList) {
    program.visit_with(&mut RegexLiterals { faults });
}

pub(crate) fn lower(program: &mut Program, names: ResolvedNames) {
    program.visit_mut_with(&mut LowerRegex { names });
}

struct RegexLiterals<'a> {
    faults: &'a mut FaultList,
}

impl Visit for RegexLiterals<'_> {
    fn visit_regex(&mut self, literal: &Regex) {
        if let Err((message, instead)) = read(literal) {
            self.faults.add(literal.span, message, instead);
        }
    }
}

struct LowerRegex {
    names: ResolvedNames,
}

impl VisitMut for LowerRegex {
    fn visit_mut_expr(&mut self, expression: &mut Expr) {
        expression.visit_mut_children_with(self);
        let Expr::Lit(Lit::Regex(literal)) = expression else { return };
        // What cannot be read was refused.
        let Ok(plain) = read(literal) else { return };
        literal.exp = plain.pattern.into();
        if !plain.groups.is_empty() {
            let span = literal.span;
            *expression = self.named(std::mem::take(expression), plain.groups, span);
        }
    }
}

impl LowerRegex {
    fn named(&self, literal: Expr, groups: Vec<(Atom, u32)>, span: Span) -> Expr {
        let member = |(name, number): (Atom, u32)| {
            let key = PropName::Str(Str { span: DUMMY_SP, value: name.into(), raw: None });
            let value = Lit::Num(Number { span: DUMMY_SP, value: number.into(), raw: None });
            PropOrSpread::Prop(Box::new(Prop::KeyValue(KeyValueProp { key, value: Box::new(value.into()) })))
        };
        let names = ObjectLit { span: DUMMY_SP, props: groups.into_iter().map(member).collect() };
        let key = Lit::Str(Str { span: DUMMY_SP, value: NAMES.into(), raw: None });
        let callee = Expr::Ident(Ident::new(DEFINE.into(), DUMMY_SP, self.names.global()));
        let args = vec![literal.into(), Expr::from(key).into(), Expr::Object(names).into()];
        Expr::Call(CallExpr { span, callee: Callee::Expr(Box::new(callee)), args, ..CallExpr::default() })
    }
}

/// A pattern that the engine takes.
struct PlainPattern {
    pattern: String,
    groups: Vec<(Atom, u32)>,
}

/// Words for the author, and what to write instead.
type RegexRefusal = (String, &'static str);

fn read(literal: &Regex) -> Result<PlainPattern, RegexRefusal> {
    for flag in literal.flags.chars() {
        if !"gimsuy".contains(flag) {
            let message = format!("the flag `{flag}` of a regular expression");
            return Err((message, "leave it out"));
        }
    }
    let letters: Vec<char> = literal.exp.chars().collect();
    let groups = groups(&letters)?;
    let is_unicode = literal.flags.contains('u');
    let (mut pattern, mut at, mut in_class) = (String::with_capacity(literal.exp.len()), 0, false);
    while at < letters.len() {
        let rest = &letters[at..];
        match rest {
            ['\\', 'k', '<', ..] if !in_class && !groups.is_empty() => {
                let name = until(&rest[3..], '>');
                let number = groups.iter().find(|(known, _)| **known == *name).map(|(_, number)| *number);
                let number = number.ok_or_else(|| {
                    (
                        format!("a regular expression refers to a group `{name}` that it lacks"),
                        "name the group",
                    )
                })?;
                // In brackets of its own, so that no digit behind it joins the number.
                pattern.push_str(&format!("(?:\\{number})"));
                at += 4 + name.chars().count();
            }
            ['\\', kind @ ('p' | 'P'), '{', ..] if is_unicode => {
                let name = until(&rest[3..], '}');
                let ranges = ranges(&name, *kind == 'P')?;
                pattern.push_str(&if in_class { ranges } else { format!("[{ranges}]") });
                at += 4 + name.chars().count();
            }
            ['\\', next, ..] => {
                pattern.extend(['\\', *next]);
                at += 2;
            }
            ['(', '?', '<', ..] if !in_class => {
                pattern.push('(');
                at += 4 + until(&rest[3..], '>').chars().count();
            }
            [letter, ..] => {
                match letter {
                    '[' => in_class = true,
                    ']' => in_class = false,
                    _ => {}
                }
                pattern.push(*letter);
                at += 1;
            }
            [] => break,
        }
    }
    Ok(PlainPattern { pattern, groups })
}

/// The named groups, by their numbers.
fn groups(letters: &[char]) -> Result<Vec<(Atom, u32)>, RegexRefusal> {
    let (mut found, mut count, mut at, mut in_class): (Vec<(Atom, u32)>, _, _, _) = (Vec::new(), 0, 0, false);
    while at < letters.len() {
        match &letters[at..] {
            ['\\', ..] => at += 1,
            ['(', '?', '<', '=' | '!', ..] if !in_class => {
                return Err((
                    "a lookbehind in a regular expression".to_owned(),
                    "match more and take a group",
                ));
            }
            ['(', '?', '<', rest @ ..] if !in_class => {
                count += 1;
                let name = Atom::from(until(rest, '>'));
                if found.iter().any(|(known, _)| *known == name) {
                    let message = format!("two groups of a regular expression are called `{name}`");
                    return Err((message, "give one of them another name"));
                }
                found.push((name, count));
            }
            ['(', '?', ':' | '=' | '!', ..] => {}
            ['(', '?', ..] if !in_class => {
                return Err(("a flag within a regular expression".to_owned(), "set it for the whole"));
            }
            ['(', ..] if !in_class => count += 1,
            ['[', ..] => in_class = true,
            [']', ..] => in_class = false,
            _ => {}
        }
        at += 1;
    }
    Ok(found)
}

fn until(letters: &[char], end: char) -> String {
    letters.iter().take_while(|letter| **letter != end).collect()
}

/// The letters of a property of Unicode, as the inside of a class.
fn ranges(name: &str, others: bool) -> Result<String, RegexRefusal> {
    let refused = || (format!("the class `\\p{{{name}}}` of a regular expression"), "list the letters");
    // As there, but not as loosely: `\p{greek}` is no name in JavaScript.
    let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_=".contains(letter));
    if name.is_empty()
        || !is_name
        || name.starts_with(|first: char| first.is_ascii_lowercase() && !name.contains('='))
    {
        return Err(refused());
    }
    let kind = if others { 'P' } else { 'p' };
    let read = regex_syntax::ParserBuilder::new().build().parse(&format!("\\{kind}{{{name}}}"));
    let class = read.map_err(|_| refused())?;
    let HirKind::Class(Class::Unicode(class)) = class.kind() else { return Err(refused()) };
    let mut out = String::new();
    for range in class.ranges() {
        out.push_str(&escaped(range.start()));
        if range.end() > range.start() {
            out.push('-');
            out.push_str(&escaped(range.end()));
        }
    }
    Ok(out)
}

fn escaped(letter: char) -> String {
    match letter as u32 {
        code @ ..=0xff => format!("\\x{code:02x}"),
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\u{{{code:x}}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(pattern: &str, flags: &str) -> Result<(String, String), String> {
        let literal = Regex { span: DUMMY_SP, exp: pattern.into(), flags: flags.into() };
        let names = |groups: Vec<(Atom, u32)>| -> String {
            groups.into_iter().map(|(name, number)| format!("{name}{number}")).collect()
        };
        read(&literal).map(|plain| (plain.pattern, names(plain.groups))).map_err(|(message, _)| message)
    }

    #[test]
    fn groups_are_counted_and_named() {
        for (pattern, flags, wanted, names) in [
            ("a", "", "a", ""),
            ("(a)(?<b>c)(?:d)(?<e>f)\\k<e>1", "", "(a)(c)(?:d)(f)(?:\\3)1", "b2e3"),
            ("[(?<=]\\(?<", "", "[(?<=]\\(?<", ""),
            ("\\k<a>", "", "\\k<a>", ""),
            ("\\p{L}", "", "\\p{L}", ""),
            ("\\p{ASCII}[\\p{ASCII}_]\\P{ASCII}", "u", "[\\x00-\\x7f][\\x00-\\x7f_][\\x80-\\u{10ffff}]", ""),
        ] {
            assert_eq!(plain(pattern, flags), Ok((wanted.to_owned(), names.to_owned())), "{pattern}");
        }
        let greek = plain("\\p{Script=Greek}", "u").expect("is known").0;
        assert!(greek.starts_with("[\\u0370-\\u0373"), "{greek}");
    }

    #[test]
    fn what_the_engine_cannot_match_is_refused() {
        for (pattern, flags) in [
            ("(?<=a)b", ""),
            ("(?<!a)b", ""),
            ("(?<a>b)(?<a>c)", ""),
            ("(?<a>b)\\k<c>", ""),
            ("a", "v"),
            ("a", "d"),
            ("(?i:a)", ""),
            ("\\p{Nothing}", "u"),
            ("\\p{RGI_Emoji}", "u"),
            ("\\p{greek}", "u"),
        ] {
            assert!(plain(pattern, flags).is_err(), "{pattern}");
        }
    }
}
