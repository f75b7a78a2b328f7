//! Compilation: the order of the passes over one source.

use hauki_contract::rpc::compile::{CompileOrder, Purpose, SourceFault};
use swc_common::{GLOBALS, Globals};
use swc_ecma_ast::Program;
use swc_ecma_transforms_base::helpers::{HELPERS, Helpers};

use super::faults::FaultList;
use super::graph::{Graph, ModuleSource, NoModules};
use super::separate::{self, TopVariables};
use super::{brackets, dialect, link, lower, modules, regex, top_level_await, write};

/// The first line of a compiled text: which run-time it needs.
pub const DIRECTIVE: &str = "\"hauki runtime 1\";\n";

/// A text that the engine takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoweredSource {
    pub text: String,
    /// What runs, and not as its author may think.
    pub warnings: Vec<SourceFault>,
}

/// Lowers a source that stands alone, or says all that is wrong with it. It goes as deep as the source does: give it a
/// thread with a large stack.
pub fn compile(source: &str, order: &CompileOrder) -> Result<LoweredSource, Vec<SourceFault>> {
    compile_with(source, order, &mut NoModules)
}

/// As [`compile`], with what the source imports.
pub fn compile_with(
    source: &str,
    order: &CompileOrder,
    files: &mut dyn ModuleSource,
) -> Result<LoweredSource, Vec<SourceFault>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    GLOBALS.set(&Globals::new(), || HELPERS.set(&Helpers::new(true), || lowered(source, order, files)))
}

fn lowered(
    source: &str,
    order: &CompileOrder,
    files: &mut dyn ModuleSource,
) -> Result<LoweredSource, Vec<SourceFault>> {
    let (mut faults, mut warnings) = (FaultList::default(), FaultList::default());
    let mut graph = Graph::read(source, order, files, &mut faults);
    let names = graph.names;
    if faults.is_empty() {
        let mut program = link::link(&mut graph, &mut faults);
        modules::lower(&mut program, order.purpose, names, &mut faults, &mut warnings);
        if order.purpose == Purpose::Program {
            top_level_await::wrap(&mut program);
        }
        if let Some(text) = written(program, source, order, &graph, &mut faults) {
            return Ok(LoweredSource { text, warnings: warnings.told(&graph.texts) });
        }
    }
    Err(faults.told(&graph.texts))
}

/// Nothing where there are faults.
fn written(
    mut program: Program,
    source: &str,
    order: &CompileOrder,
    graph: &Graph<'_>,
    faults: &mut FaultList,
) -> Option<String> {
    let names = graph.names;
    let own = (order.purpose == Purpose::Program).then(|| TopVariables::of(&program));
    if faults.is_empty() {
        lower::lower(&mut program, &graph.arrows, names, faults);
    }
    if !faults.is_empty() {
        return None;
    }
    if let Some(own) = own {
        separate::separate(&mut program, &own, source);
    }
    regex::lower(&mut program, names);
    dialect::adapt(&mut program);
    lower::settle(&mut program);
    brackets::put(&mut program);
    match write::write(&program, &graph.texts) {
        Ok(text) => Some(text),
        Err(error) => {
            faults.add_at(0, format!("the compiler could not write what it made: {error}"), "");
            None
        }
    }
}
