//! Arrow forms: `object->method(…)` wherever an expression of JavaScript or TypeScript may stand, as the calls that they are
//! lowered to.

use hauki_compile::compile;
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose};
use hauki_lang::engine;

/// Without white space, directive and map.
fn lowered(source: &str, language: Language) -> String {
    let order =
        CompileOrder { file: "f.js".into(), language, purpose: Purpose::Program, ..CompileOrder::default() };
    let text = compile(source, &order).unwrap_or_else(|faults| panic!("{source}: {faults:?}")).text;
    engine::check(&text, "f.js").unwrap_or_else(|error| panic!("{source}: {error:?}"));
    let lines = text.lines().skip(1).take_while(|line| !line.starts_with("//#"));
    let text = lines.collect::<String>();
    // What lowering adds to a program has a mark of eight digits behind its name.
    let mut plain = String::new();
    for piece in text.split('_') {
        let marked = piece.len() >= 8
            && piece.is_char_boundary(8)
            && piece.as_bytes()[..8].iter().all(u8::is_ascii_hexdigit);
        if marked {
            plain.push_str(&piece[8..]);
        } else {
            plain.push('_');
            plain.push_str(piece);
        }
    }
    plain.split_off(1)
}

#[test]
fn every_form_is_a_call_of_the_other_object() {
    let table: &[(&str, &str)] = &[
        ("a->b()", "call_other(a, \"b\");"),
        ("a->b(1, 2)", "call_other(a, \"b\", 1, 2);"),
        ("a -> b ( )", "call_other(a, \"b\");"),
        ("a\n->b()", "call_other(a, \"b\");"),
        ("a.b.c->d()", "call_other(a.b.c, \"d\");"),
        ("a[b]->c()", "call_other(a[b], \"c\");"),
        ("a()->b()", "call_other(a(), \"b\");"),
        ("a->b()->c()", "call_other(call_other(a, \"b\"), \"c\");"),
        ("a->b().c", "call_other(a, \"b\").c;"),
        ("a->b()()", "call_other(a, \"b\")();"),
        ("a->b()[0]->c()", "call_other(call_other(a, \"b\")[0], \"c\");"),
        ("a->b(c->d())", "call_other(a, \"b\", call_other(c, \"d\"));"),
        ("(a || b)->c()", "call_other(a || b, \"c\");"),
        ("this->a()", "call_other(this, \"a\");"),
        ("'path'->a()", "call_other(\"path\", \"a\");"),
        ("[a][0]->b()", "call_other([a][0], \"b\");"),
        ("({a})->b()", "call_other({a: a}, \"b\");"),
        ("new A()->b()", "call_other(new A(), \"b\");"),
        ("new A->b()", "call_other(new A, \"b\");"),
        ("new A.B->c(1)", "call_other(new A.B, \"c\", 1);"),
        ("a->delete()", "call_other(a, \"delete\");"),
        ("a->if()", "call_other(a, \"if\");"),
        ("!a->b()", "!call_other(a, \"b\");"),
        ("typeof a->b()", "typeof call_other(a, \"b\");"),
        ("a + b->c()", "a + call_other(b, \"c\");"),
        ("a = b->c()", "a = call_other(b, \"c\");"),
        ("a ? b->c() : d->e()", "a ? call_other(b, \"c\") : call_other(d, \"e\");"),
        ("`x${a->b()}y`", "\"x\".concat(call_other(a, \"b\"), \"y\");"),
        ("`${`${a->b()}`}`", "\"\".concat(\"\".concat(call_other(a, \"b\")));"),
        ("f`${a->b()}`", "call_other(a, \"b\"));"),
        ("f`x`->a()", ", \"a\");"),
        ("a->b(...c)", "call_other.apply(void 0, [a,\"b\"].concat(_to_consumable_array(c)));"),
        ("a->b(1, ...c, 2)", "call_other.apply(void 0, [a,\"b\",1].concat(_to_consumable_array(c), [2]));"),
        ("a?.b->c()", "= a) == null ? void 0 : call_other(_a.b, \"c\");"),
        ("a->b()?.c", "= call_other(a, \"b\")) == null ? void 0 : "),
        ("a?.()->b()", "= a) == null ? void 0 : call_other(_a(), \"b\");"),
        ("a->b() ?? c", "= call_other(a, \"b\")) != null ? "),
        ("x => x->y()", "return call_other(x, \"y\");"),
        ("async x => await x->y()", "call_other(x, \"y\")"),
        ("function* g() { yield a->b() }", "call_other(a, \"b\")"),
        (
            "class A { #p; f() { return this.#p->f() } }",
            "call_other(_class_private_field_loose_base(this, _p)[_p], \"f\")",
        ),
        ("class A { x = a->b() }", "this.x = call_other(a, \"b\");"),
        ("var {a = b->c()} = d", "call_other(b, \"c\")"),
        ("var o = {[a->b()]: c->d()}", "call_other(a, \"b\")"),
        ("for (const a of b->c()) a->d()", "_open_iterator(call_other(b, \"c\"))"),
        ("n --> a->b()", "n-- > call_other(a, \"b\");"),
        ("a / b->c() / d", "a / call_other(b, \"c\") / d;"),
        ("if (a) /->b()/.test(c->d())", "(/->b()/).test(call_other(c, \"d\"));"),
        ("{ let call_other = 1; a->b(call_other) }", "call_other(a, \"b\", "),
        ("a->é()", "call_other(a, \"é\");"),
    ];
    let mut wrong = Vec::new();
    for (source, wanted) in table {
        let found = lowered(source, Language::JavaScript);
        if !found.contains(wanted) {
            wrong.push(format!("{source}: {found}"));
        }
    }
    for (source, wanted) in [
        ("a!->b()", "call_other(a, \"b\");"),
        ("(a as B)->c()", "call_other(a, \"c\");"),
        ("f<T>(x)->b()", "call_other(f(x), \"b\");"),
        ("new F<T>()->b()", "call_other(new F(), \"b\");"),
        ("a->b<T>(c)", "call_other(a, \"b\", c);"),
        ("(<A>a)->b()", "call_other(a, \"b\");"),
        ("const f = (a: A): B => a->b()", "return call_other(a, \"b\");"),
        ("enum E { A = 1 } a->b(E.A)", "call_other(a, \"b\","),
    ] {
        let found = lowered(source, Language::TypeScript);
        if !found.contains(wanted) {
            wrong.push(format!("{source}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
