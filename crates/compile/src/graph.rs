//! Module graph: a source and all that it imports, each read once, checked and free of types, in the order in which they run.

use std::collections::HashMap;

use hauki_contract::rpc::compile::{CompileOrder, Language, ModuleKind, Purpose};
use hauki_contract::strict;
use swc_common::sync::Lrc;
use swc_common::{SourceMap, Span};
use swc_ecma_ast::{CallExpr, Callee, Expr, Lit, ModuleDecl, ModuleItem, Program};
use swc_ecma_transforms_base::resolver;
use swc_ecma_transforms_typescript::strip;
use swc_ecma_visit::{Visit, VisitWith};

use super::absent::{self, ModulePlace};
use super::arrows::{self, Arrows, MaskedArrows};
use super::faults::{FIRST, FaultList};
use super::scopes::ResolvedNames;
use super::{call_other, depth, dialect, early_errors, parse, refusals, regex};

/// The most modules of one worker.
const MOST_MODULES: usize = 512;

/// A module that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleText {
    /// What errors call it; one name for each file.
    pub name: String,
    pub kind: ModuleKind,
    pub text: String,
}

/// Who has the files.
pub trait ModuleSource {
    /// What `specifier` means in the module of this name, or why there is none.
    fn load(&mut self, from: &str, specifier: &str) -> Result<ModuleText, String>;
}

/// For sources that stand alone.
pub struct NoModules;

impl ModuleSource for NoModules {
    fn load(&mut self, _: &str, _: &str) -> Result<ModuleText, String> {
        Err("nothing can be imported here: put everything into one file, as a bundler does".to_owned())
    }
}

pub(crate) struct GraphModule {
    pub(crate) program: Program,
    /// It is no ES module, so it is one of CommonJS: its exports are those that it makes when it runs.
    pub(crate) is_common: bool,
    /// Where its specifiers lead.
    pub(crate) targets: HashMap<String, usize>,
}

/// A text in the numbers of swc.
pub(crate) struct PlacedText {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) start: u32,
}

pub(crate) struct Graph<'a> {
    pub(crate) modules: Vec<GraphModule>,
    /// In the order in which they run; the last one is the source itself.
    pub(crate) order: Vec<usize>,
    pub(crate) texts: Vec<PlacedText>,
    pub(crate) arrows: Arrows,
    pub(crate) names: ResolvedNames,
    by_name: HashMap<String, usize>,
    map: Lrc<SourceMap>,
    files: &'a mut dyn ModuleSource,
    /// Whether the worker will have `fetch`.
    is_invited: bool,
    purpose: Purpose,
}

impl<'a> Graph<'a> {
    /// Reads all of it. What is wrong is in `faults`; then the graph is not whole.
    pub(crate) fn read(
        source: &str,
        order: &CompileOrder,
        files: &'a mut dyn ModuleSource,
        faults: &mut FaultList,
    ) -> Self {
        let mut graph = Self {
            modules: Vec::new(),
            order: Vec::new(),
            texts: Vec::new(),
            arrows: Arrows::default(),
            names: ResolvedNames::fresh(),
            by_name: HashMap::new(),
            map: Lrc::default(),
            files,
            is_invited: order.fetch,
            purpose: order.purpose,
        };
        graph.add(&order.file, source, order.language, true, faults);
        graph
    }

    /// Of a module that has been parsed: its number.
    fn add(
        &mut self,
        name: &str,
        source: &str,
        language: Language,
        is_first: bool,
        faults: &mut FaultList,
    ) -> Option<usize> {
        let number = self.modules.len();
        let start = self.texts.last().map_or(FIRST, |last| last.start + last.text.len() as u32 + 1);
        let base = (start - FIRST) as usize;
        let before = faults.count();
        depth::check(source, base, faults);
        if faults.count() > before {
            self.texts.push(PlacedText { name: name.to_owned(), text: source.to_owned(), start });
            return None;
        }
        let MaskedArrows { text, arrows } = arrows::mask(source, base, faults);
        let waits = is_first && self.purpose == Purpose::Program;
        let parsed = parse::parse(&self.map, text, (language, waits), faults);
        self.texts.push(PlacedText { name: name.to_owned(), text: source.to_owned(), start });
        let mut program = parsed?;
        call_other::check(&program, &arrows, faults);
        self.arrows.extend(arrows);
        let names = self.names.beside();
        let typed = language == Language::TypeScript;
        program.mutate(resolver(names.unresolved, names.top_level, typed));
        early_errors::check(&program, waits, faults);
        if typed {
            let before = faults.count();
            refusals::check_types(&program, faults);
            // What is refused there cannot be taken out. Other faults are told together with all that is found later.
            if faults.count() > before {
                return None;
            }
            program.mutate(strip(names.unresolved, names.top_level));
        }
        let is_common = !is_first && program.is_script();
        dialect::fold_environment(&mut program, names, is_common);
        refusals::check(&program, names, faults);
        let place = ModulePlace {
            is_common,
            is_invited: self.is_invited,
            is_package: !is_first && name.contains("node_modules/"),
        };
        absent::check(&program, names, place, faults);
        regex::check(&program, faults);
        let specifiers = Specifiers::of(&program, is_common, names);
        self.by_name.insert(name.to_owned(), number);
        self.modules.push(GraphModule { program, is_common, targets: HashMap::new() });
        for (specifier, at) in specifiers {
            if let Some(target) = self.load(name, &specifier, at, faults) {
                self.modules[number].targets.insert(specifier, target);
            }
        }
        self.order.push(number);
        Some(number)
    }

    fn load(&mut self, from: &str, specifier: &str, at: Span, faults: &mut FaultList) -> Option<usize> {
        if self.modules.len() >= MOST_MODULES {
            faults.add(at, format!("more than {MOST_MODULES} modules are imported"), "import less");
            return None;
        }
        let ModuleText { name, kind, text } = match self.files.load(from, specifier) {
            Ok(module) => module,
            Err(why) => {
                faults.add(at, format!("an import of `{specifier}`"), &why);
                return None;
            }
        };
        if let Some(known) = self.by_name.get(&name) {
            return Some(*known);
        }
        match kind {
            ModuleKind::JavaScript => self.add(&name, &text, Language::JavaScript, false, faults),
            ModuleKind::TypeScript => self.add(&name, &text, Language::TypeScript, false, faults),
            ModuleKind::Json if !strict::is_json(&text) => {
                faults.add(at, format!("`{name}` is no JSON"), "");
                None
            }
            ModuleKind::Json => {
                // Who requires it and who imports it have the one value.
                let text = format!("module.exports = {text}");
                self.add(&name, &text, Language::JavaScript, false, faults)
            }
        }
    }
}

/// What a module imports, each specifier once, in its order.
struct Specifiers {
    found: Vec<(String, Span)>,
    is_common: bool,
    names: ResolvedNames,
}

impl Specifiers {
    fn of(program: &Program, is_common: bool, names: ResolvedNames) -> Vec<(String, Span)> {
        let mut this = Self { found: Vec::new(), is_common, names };
        if let Program::Module(module) = program {
            for item in &module.body {
                let ModuleItem::ModuleDecl(declaration) = item else { continue };
                match declaration {
                    ModuleDecl::Import(import) => this.add(&import.src.value.to_string_lossy(), import.span),
                    ModuleDecl::ExportAll(export) => {
                        this.add(&export.src.value.to_string_lossy(), export.span)
                    }
                    ModuleDecl::ExportNamed(export) => {
                        if let Some(from) = &export.src {
                            this.add(&from.value.to_string_lossy(), export.span);
                        }
                    }
                    _ => {}
                }
            }
        }
        program.visit_with(&mut this);
        this.found
    }

    fn add(&mut self, specifier: &str, at: Span) {
        if !self.found.iter().any(|(known, _)| known == specifier) {
            self.found.push((specifier.to_owned(), at));
        }
    }
}

impl Visit for Specifiers {
    fn visit_call_expr(&mut self, call: &CallExpr) {
        if let Some(specifier) = required(call, self.is_common, self.names) {
            self.add(&specifier, call.span);
        }
        call.visit_children_with(self);
    }
}

/// The specifier of `require("…")`.
pub(crate) fn required(call: &CallExpr, is_common: bool, names: ResolvedNames) -> Option<String> {
    let Callee::Expr(callee) = &call.callee else { return None };
    let [argument] = &call.args[..] else { return None };
    match &*argument.expr {
        Expr::Lit(Lit::Str(text)) if is_common && names.is_global(callee, "require") => {
            Some(text.value.to_string_lossy().into_owned())
        }
        _ => None,
    }
}
