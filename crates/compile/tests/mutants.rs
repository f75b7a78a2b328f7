//! Mutants: rows of the table of constructs, cut and joined by chance. The compiler refuses them or makes of them what the
//! engine takes, and never panics.
//!
//! `HAUKI_MUTANTS` says how many there are, and `HAUKI_SEED` where chance begins.

use std::any::Any;
use std::panic::{catch_unwind, resume_unwind};

use hauki_compile::compile;
use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose};
use hauki_lang::engine;
use hauki_lang::lexer::words;

const TABLE: &str = include_str!("constructs/table.txt");

const MANY: u64 = 600;

struct Chance(u64);

impl Chance {
    /// Below `most`, which is not zero.
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A text of words of these rows.
fn mutant(rows: &[&str], chance: &mut Chance) -> String {
    let of = |row: &str| words(row).iter().map(|word| word.text.to_owned()).collect::<Vec<_>>();
    let mut one = of(rows[chance.below(rows.len())]);
    let other = of(rows[chance.below(rows.len())]);
    for _ in 0..chance.below(3) {
        if one.is_empty() || other.is_empty() {
            break;
        }
        let at = chance.below(one.len());
        match chance.below(5) {
            0 => drop(one.remove(at)),
            1 => one.insert(at, other[chance.below(other.len())].clone()),
            2 => one[at] = other[chance.below(other.len())].clone(),
            3 => {
                let second = chance.below(one.len());
                one.swap(at, second);
            }
            _ => {
                let from = chance.below(other.len());
                let to = (from + 1 + chance.below(8)).min(other.len());
                one.splice(at..at, other[from..to].iter().cloned());
            }
        }
    }
    one.join(" ")
}

/// swc's parser asserts an order of places that `let this` in TypeScript does not keep, in builds for development only;
/// others go on, and the engine refuses the name.
fn is_of_development(panic: &(dyn Any + Send)) -> bool {
    cfg!(debug_assertions)
        && panic.downcast_ref::<String>().is_some_and(|text| text.contains("(span.start <= span.end)"))
}

#[test]
fn mutants_are_refused_or_taken_by_the_engine() {
    let (seed, many) = (number("HAUKI_SEED", 1), number("HAUKI_MUTANTS", MANY));
    let test = move || {
        let rows: Vec<&str> =
            TABLE.split("\n== ").filter_map(|row| row.split_once('\n')).map(|(_, text)| text).collect();
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut taken = 0;
        for _ in 0..many {
            let body = mutant(&rows, &mut chance);
            let source = if body.contains("export ") { body } else { format!("function f() {{ {body} }}") };
            let language = if chance.below(3) == 0 { Language::TypeScript } else { Language::JavaScript };
            let purpose = if chance.below(2) == 0 { Purpose::Program } else { Purpose::Worker };
            let order = CompileOrder { file: "m.js".into(), language, purpose, ..CompileOrder::default() };
            let lowered = match catch_unwind(|| compile(&source, &order)) {
                Ok(Ok(lowered)) => lowered,
                Err(panic) if !is_of_development(&*panic) => resume_unwind(panic),
                Ok(Err(_)) | Err(_) => continue,
            };
            if let Err(error) = engine::check(&lowered.text, "m.js") {
                panic!("{source}\n{}\n{error:?}", lowered.text);
            }
            taken += 1;
        }
        assert!(taken > many / 50, "only {taken} of {many} are programs");
    };
    std::thread::Builder::new().stack_size(256 << 20).spawn(test).expect("begins").join().expect("holds");
}
