//! Code generation: the lowered tree as text, with its directive before it and its source map behind it.

use swc_common::SourceMap;
use swc_common::source_map::LineCol;
use swc_common::sync::Lrc;
use swc_ecma_ast::{EsVersion, Program};
use swc_ecma_codegen::text_writer::JsWriter;
use swc_ecma_codegen::{Config, Emitter, Node};

use super::compile::DIRECTIVE;
use super::graph::PlacedText;
use super::source_map;

/// The text that the engine gets. `texts` are the authors', of the same lengths as those that were parsed.
pub(crate) fn write(program: &Program, texts: &[PlacedText]) -> std::io::Result<String> {
    let map: Lrc<SourceMap> = Lrc::default();
    let (mut out, mut rows): (Vec<u8>, Vec<(_, LineCol)>) = (Vec::new(), Vec::new());
    let mut writer = JsWriter::new(map.clone(), "\n", &mut out, Some(&mut rows));
    // Nobody reads it, but errors and maps go by lines.
    writer.set_indent_str("");
    let mut emitter = Emitter {
        cfg: Config::default().with_target(EsVersion::Es2022),
        cm: map,
        comments: None,
        wr: writer,
    };
    program.emit_with(&mut emitter)?;
    let written = String::from_utf8(out).map_err(std::io::Error::other)?;
    let last = source_map::line(texts, &written, 1, &rows);
    let end = if written.ends_with('\n') { "" } else { "\n" };
    Ok([DIRECTIVE, &written, end, &last].concat())
}
