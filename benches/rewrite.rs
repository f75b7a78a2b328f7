//! How fast the arrow rewriter is: `cargo bench --bench rewrite`. No root, no daemon.
//!
//! Megabytes of source for each second, the best and the median of some rounds. Others on the machine
//! only make a round slower, so the best says most.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use hauki_lang::arrow::rewrite;

const BYTES: usize = 8_000_000;
const ROUNDS: usize = 15;

#[allow(clippy::print_stdout, reason = "the report of a benchmark")]
fn main() {
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let workers = workers();
    let one_arrow = format!("x->y();\n{}", workers.replace("->", "."));
    let inputs = [
        ("the example workers, no arrow", workers.replace("->", ".")),
        ("the same behind one arrow", one_arrow.clone()),
        ("the same with every dot an arrow", one_arrow.replace('.', "->")),
        ("nothing but chains", "a->b(c->d(1), \"e\")->f()[0]->g();\n".to_owned()),
        (
            "minified",
            "x->y();function f(a){var b=/[/]/.test(a)?a.c/2:-1;return b>0&&(d[b]=a.e(b,1)),b}".to_owned(),
        ),
    ];
    println!("{:36} {:>10} {:>10}", "MB/s", "best", "median");
    for (name, text) in &inputs {
        let text = repeated(text);
        let mut rates: Vec<f64> = (0..ROUNDS).map(|_| rate(&text)).collect();
        rates.sort_by(f64::total_cmp);
        println!("{name:36} {:>10.0} {:>10.0}", rates[ROUNDS - 1], rates[ROUNDS / 2]);
    }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn rate(text: &str) -> f64 {
    let start = Instant::now();
    black_box(rewrite(black_box(text)));
    text.len() as f64 / 1e6 / start.elapsed().as_secs_f64()
}

fn workers() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/workers");
    let files = fs::read_dir(folder).expect("the examples are there").flatten().map(|entry| entry.path());
    let mut sources: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "js")).collect();
    sources.sort();
    sources.iter().map(|path| fs::read_to_string(path).expect("can be read")).collect()
}

fn repeated(text: &str) -> String {
    text.repeat(BYTES.div_ceil(text.len()))
}
