//! Compilation: the order of the passes over one source.

use hauki_contract::rpc::compile::{CompileOrder, Language, Purpose, SourceFault};
use swc_common::{GLOBALS, Globals};
use swc_ecma_transforms_base::helpers::{HELPERS, Helpers};
use swc_ecma_transforms_base::resolver;
use swc_ecma_transforms_typescript::strip;

use super::arrows::{self, MaskedArrows};
use super::faults::FaultList;
use super::scopes::ResolvedNames;
use super::separate::{self, TopVariables};
use super::{
    absent, brackets, call_other, dialect, early_errors, lower, modules, parse, refusals, regex, write,
};

/// The first line of a compiled text: which run-time it needs.
pub const DIRECTIVE: &str = "\"hauki runtime 1\";\n";

/// A text that the engine takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoweredSource {
    pub text: String,
    /// What runs, and not as its author may think.
    pub warnings: Vec<SourceFault>,
}

/// Lowers a source, or says all that is wrong with it. It goes as deep as the source does: give it a thread with a large
/// stack.
pub fn compile(source: &str, order: &CompileOrder) -> Result<LoweredSource, Vec<SourceFault>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    GLOBALS.set(&Globals::new(), || HELPERS.set(&Helpers::new(true), || lowered(source, order)))
}

fn lowered(source: &str, order: &CompileOrder) -> Result<LoweredSource, Vec<SourceFault>> {
    let (mut faults, mut warnings) = (FaultList::default(), FaultList::default());
    let MaskedArrows { text, arrows } = arrows::mask(source, &mut faults);
    let Some(mut program) = parse::parse(text, order.language, &mut faults) else {
        return Err(faults.told(source));
    };
    call_other::check(&program, &arrows, &mut faults);
    let names = ResolvedNames::fresh();
    let typed = order.language == Language::TypeScript;
    program.mutate(resolver(names.unresolved, names.top_level, typed));
    early_errors::check(&program, &mut faults);
    if typed {
        let before = faults.count();
        refusals::check_types(&program, &mut faults);
        // What is refused there cannot be taken out. Other faults are told together with all that is found later.
        if faults.count() > before {
            return Err(faults.told(source));
        }
        program.mutate(strip(names.unresolved, names.top_level));
    }
    dialect::fold_environment(&mut program, names);
    refusals::check(&program, names, &mut faults);
    absent::check(&program, names, &mut faults);
    regex::check(&program, &mut faults);
    modules::lower(&mut program, order.purpose, names, &mut faults, &mut warnings);
    if !faults.is_empty() {
        return Err(faults.told(source));
    }
    let own = (order.purpose == Purpose::Program).then(|| TopVariables::of(&program));
    lower::lower(&mut program, &arrows, names, &mut faults);
    if let Some(own) = own {
        separate::separate(&mut program, &own, source);
    }
    if !faults.is_empty() {
        return Err(faults.told(source));
    }
    regex::lower(&mut program, names);
    dialect::adapt(&mut program);
    lower::settle(&mut program);
    brackets::put(&mut program);
    let text = write::write(&program, source, &order.file).map_err(|error| {
        faults.add_at(0, format!("the compiler could not write what it made: {error}"), "");
        std::mem::take(&mut faults).told(source)
    })?;
    Ok(LoweredSource { text, warnings: warnings.told(source) })
}
