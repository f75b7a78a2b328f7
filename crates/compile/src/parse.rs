//! Parser adapter: swc's parser, asked for all that it finds wrong and not for the first thing only.

use hauki_contract::rpc::compile::Language;
use swc_common::sync::Lrc;
use swc_common::{FileName, SourceMap};
use swc_ecma_ast::{EsVersion, Program};
use swc_ecma_parser::lexer::Lexer;
use swc_ecma_parser::{EsSyntax, Parser, StringInput, Syntax, TsSyntax};

use super::faults::FaultList;

/// The tree of a text, whose top level may wait if `waits` says so. What the parser can read on behind is in `faults` as well, and then there is a tree all the same.
pub(crate) fn parse(
    map: &Lrc<SourceMap>,
    text: String,
    (language, waits): (Language, bool),
    faults: &mut FaultList,
) -> Option<Program> {
    let waits = waits && text.contains("await");
    let file = map.new_source_file(FileName::Anon.into(), text);
    let syntax = match language {
        // Decorators are read so that they can be refused by name.
        Language::JavaScript => Syntax::Es(EsSyntax {
            decorators: true,
            decorators_before_export: true,
            explicit_resource_management: true,
            ..EsSyntax::default()
        }),
        Language::TypeScript => Syntax::Typescript(TsSyntax { decorators: true, ..TsSyntax::default() }),
    };
    let parser = || Parser::new_from(Lexer::new(syntax, EsVersion::EsNext, StringInput::from(&*file), None));
    if waits {
        // To a script `await (x)` is a call. What is no module is told as what it is below.
        let mut parser = parser();
        if let Ok(module) = parser.parse_module()
            && parser.take_errors().is_empty()
        {
            return Some(Program::Module(module));
        }
    }
    let mut parser = parser();
    let parsed = parser.parse_program();
    let mut errors = parser.take_errors();
    let program = match parsed {
        Ok(program) => {
            if program.is_module() {
                errors.extend(parser.take_script_module_errors());
            }
            Some(program)
        }
        Err(error) => {
            errors.push(error);
            None
        }
    };
    for error in errors {
        let at = swc_common::Spanned::span(&error);
        faults.add(at, error.kind().msg(), "");
    }
    program
}
