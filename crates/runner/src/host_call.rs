//! Host calls: what is behind a script's prelude, seen from the engine: everything is asked of `hauki`,
//! but the clocks.

use super::channel::RunnerChannel;
use hauki_contract::rpc::script::EfunAnswer;
use hauki_lang::engine::{self, Argument, Efuns, SourceForm, Want, clock};

pub(crate) struct HostCalls<'a> {
    pub link: &'a mut RunnerChannel,
    /// The longest JSON that goes out.
    pub longest: usize,
    pub heap_bytes: usize,
    pub form: SourceForm,
}

impl Efuns for HostCalls<'_> {
    fn interrupt(&mut self) -> bool {
        self.link.is_stopped()
    }

    fn limit(&self) -> usize {
        self.longest
    }

    fn form(&self) -> SourceForm {
        self.form
    }

    fn wants(&self, efun: &str) -> Option<&'static [Want]> {
        const LIST: Want = Want::Json("an argument");
        Some(match efun {
            "call" | "later" => &[Want::Text, Want::Text, LIST, Want::Text],
            "offer" => &[Want::Text, Want::Text, Want::Json("a method")],
            "said" => &[Want::Text, Want::Json("what a function gave"), Want::Text],
            "clone" => &[Want::Text, LIST, Want::Text],
            "adopt" => &[Want::Json("the ticket")],
            "find" => &[Want::Line],
            _ => &[Want::Text],
        })
    }

    fn call(&mut self, efun: &str, arguments: &[Argument]) -> Result<engine::EfunValue, String> {
        if let Some(time) = clock::tell(efun) {
            return Ok(engine::EfunValue::Text(time));
        }
        let length: usize = arguments.iter().map(|argument| argument.text().len()).sum();
        if length > self.heap_bytes {
            return Err(format!("the arguments are longer than the limit of {} bytes", self.heap_bytes));
        }
        let words = std::iter::once(efun).chain(arguments.iter().map(Argument::text));
        match self.link.ask(words) {
            EfunAnswer::Nothing => Ok(engine::EfunValue::Nothing),
            EfunAnswer::Text(text) => Ok(engine::EfunValue::Text(text)),
            EfunAnswer::Json(text) => Ok(engine::EfunValue::Json(text)),
            EfunAnswer::Refusal(message) => Err(message),
            // The engine says of this what it says of every text that does not fit.
            EfunAnswer::Unfit => Ok(engine::EfunValue::Json(format!("\"{}\"", " ".repeat(self.heap_bytes)))),
            // The prelude takes it for the end, and runs into the arms of `interrupt`.
            EfunAnswer::Stop if efun == "failure" => Ok(engine::EfunValue::Json("null".to_owned())),
            EfunAnswer::Stop => Err("stopped".to_owned()),
        }
    }
}
