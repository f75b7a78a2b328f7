//! FFI to MicroQuickJS, behind strings: the context, and what is run in it.
//!
//! Raw calls of the engine are in five files: this one, `host_call` (what a script calls), `long_strings`
//! (what it is given), `json` (what it returns), and `heap` (how values look).
//!
//! Rules of the engine that the code below keeps:
//! - The collector moves objects. A `JSValue` is only good until the next call that may allocate, unless
//!   a `JSGCRef` holds it; results are turned into Rust strings before anything else is called.
//! - A C string from the engine points into the heap: it is copied at once.
//! - The parser looks at the byte after the text, which must be zero.

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};

use mquickjs as sys;
use sys::{JSContext, JSGCRef, JSValue};

use super::heap::{self, EXCEPTION, UNDEFINED};
use super::host_call::{self, Efuns, EfunsGuard};
use super::json::{self, JsonRefusal, Manner};
use super::json_writer;
use super::long_strings;
use super::memory::Memory;
#[cfg(feature = "script")]
use crate::directive::SourceForm;

/// What a message with its stack is cut to; the engine's own stacks are at most 127 bytes.
const ERROR_BYTES: usize = 16 * 1024;

/// An engine context inside a [`Memory`].
pub(super) struct Context {
    raw: NonNull<JSContext>,
    /// In the first page of the memory, where the engine may keep pointing at it.
    dispatcher: NonNull<JSGCRef>,
    heap_bytes: usize,
    /// Text with a zero behind it; kept to save an allocation for each call.
    scratch: Vec<u8>,
    memory: Memory,
}

/// Code of the engine that build.rs has compiled from the scripts beside this file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prelude(&'static [u8]);

impl Prelude {
    pub(super) const WORKER: Self = Self(include_bytes!(concat!(env!("OUT_DIR"), "/worker.mqjs")));
    /// With the run-time of compiled sources.
    pub(super) const COMPILED_WORKER: Self =
        Self(include_bytes!(concat!(env!("OUT_DIR"), "/compiled_worker.mqjs")));
    #[cfg(feature = "script")]
    pub(super) const COMPILED_SCRIPT: Self =
        Self(include_bytes!(concat!(env!("OUT_DIR"), "/compiled_script.mqjs")));
    #[cfg(feature = "script")]
    pub(super) const SCRIPT: Self = Self(include_bytes!(concat!(env!("OUT_DIR"), "/script.mqjs")));
}

/// The engine threw: its own text of the error, stack included.
#[derive(Debug)]
pub(super) struct Thrown(pub String);

#[derive(Debug, Clone, Copy)]
pub(super) enum Arguments<'a> {
    None,
    Json(&'a str),
}

/// Which step failed: reading the source or the arguments, running, or writing the result.
#[derive(Debug)]
pub(super) enum FailedStep {
    Parse(Thrown),
    Run(Thrown),
    Result(JsonRefusal),
}

#[cfg(feature = "script")]
impl FailedStep {
    /// The engine's own text; what is no exception has none.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Parse(Thrown(text)) | Self::Run(Thrown(text)) => text,
            Self::Result(_) => String::new(),
        }
    }
}

/// How a program ended early, and what the dispatcher told of the value that was thrown.
#[cfg(feature = "script")]
#[derive(Debug)]
pub(super) struct EarlyEnd {
    pub failure: FailedStep,
    pub told: Option<String>,
}

impl Context {
    pub(super) fn new(memory: Memory, seed: u64) -> Self {
        let (base, heap_bytes) = memory.heap();
        // SAFETY: the memory is ours, aligned to a page, zeroed, long enough for the engine's own objects,
        // and outlives the context; the library table is a constant of the engine.
        let raw = unsafe {
            sys::JS_SetHostCallback(Some(host_call::host_callback));
            let raw = sys::JS_NewContext(base.as_ptr().cast(), heap_bytes, &raw const sys::js_stdlib);
            sys::JS_SetInterruptHandler(raw, Some(host_call::interrupt_handler));
            // The generator stays at zero for ever if it starts there.
            sys::JS_SetRandomSeed(raw, if seed == 0 { 0x9e37_79b9_7f4a_7c15 } else { seed });
            raw
        };
        let raw = NonNull::new(raw).expect("the engine returns the memory that it was given");
        let dispatcher = memory.roots().cast::<JSGCRef>();
        // SAFETY: the page of roots is ours, aligned, and lives as long as the context.
        unsafe { sys::JS_AddGCRef(raw.as_ptr(), dispatcher.as_ptr()) };
        Self { raw, dispatcher, heap_bytes, scratch: Vec::new(), memory }
    }

    /// Runs a script for its effects.
    pub(super) fn eval(
        &mut self,
        efuns: &mut dyn Efuns,
        source: &str,
        name: &CStr,
    ) -> Result<(), FailedStep> {
        let _run = EfunsGuard::with(efuns);
        self.evaluate(source, name, 0).map(drop)
    }

    /// Runs a compiled prelude, whose value is the function that [`Context::dispatch`] calls. The first thing
    /// in a new context: later the engine takes no code that brings its own names.
    pub(super) fn start(&mut self, efuns: &mut dyn Efuns, prelude: Prelude) -> Result<(), Thrown> {
        let _run = EfunsGuard::with(efuns);
        let raw = self.raw.as_ptr();
        let code = self.memory.place(prelude.0).as_ptr();
        let length = u32::try_from(prelude.0.len()).unwrap_or(u32::MAX);
        // SAFETY: build.rs made the code with this very engine; it lies in the mapping, which lives as long as
        // the context, at an address that suits its header, and its value is used before anything is allocated.
        let value = unsafe {
            assert_eq!(sys::JS_RelocateBytecode(raw, code, length), 0, "build.rs writes this engine's code");
            sys::JS_Run(raw, sys::JS_LoadBytecode(raw, code))
        };
        if value == EXCEPTION {
            return Err(self.thrown());
        }
        // SAFETY: the reference is valid and registered; nothing allocated since `value` was returned.
        unsafe { (*self.dispatcher.as_ptr()).val = value };
        Ok(())
    }

    /// Runs a program. What it throws is told by the dispatcher under the verb "thrown" if it can be;
    /// with `wanted`, the value of the last expression is told under that verb, and a variable may be
    /// assigned without having been declared, as people type.
    #[cfg(feature = "script")]
    pub(super) fn eval_told(
        &mut self,
        efuns: &mut dyn Efuns,
        source: &str,
        name: &CStr,
        wanted: Option<&str>,
    ) -> Result<Option<Vec<u8>>, EarlyEnd> {
        let _run = EfunsGuard::with(efuns);
        let typed = sys::JS_EVAL_RETVAL | sys::JS_EVAL_REPL;
        let value = match self.evaluate(source, name, if wanted.is_some() { typed } else { 0 }) {
            Ok(value) => value,
            Err(FailedStep::Run(thrown)) => return Err(self.told(thrown)),
            Err(failure) => return Err(EarlyEnd { failure, told: None }),
        };
        // What a compiled program has promised, its dispatcher waits for.
        let verb = match (wanted, host_call::form()) {
            (Some(verb), _) => verb,
            (None, SourceForm::Compiled) => "finish",
            (None, SourceForm::Plain) => return Ok(None),
        };
        match self.call_with(verb, "", value) {
            EXCEPTION => {
                let thrown = self.thrown();
                Err(match host_call::form() {
                    SourceForm::Compiled => self.told(thrown),
                    SourceForm::Plain => EarlyEnd { failure: FailedStep::Run(thrown), told: None },
                })
            }
            UNDEFINED => Ok(None),
            text => Ok(self.text_of(text)),
        }
    }

    /// What the dispatcher tells of the pending exception, which "again" throws into it.
    #[cfg(feature = "script")]
    fn told(&mut self, thrown: Thrown) -> EarlyEnd {
        let told = self.call_with("thrown", "", UNDEFINED);
        let told = if told == EXCEPTION { None } else { self.text_of(told) };
        EarlyEnd { failure: FailedStep::Run(thrown), told: told.map(json_writer::well_formed) }
    }

    /// Runs a turn, whose names are the worker's from then on, and waits for what its last expression has promised. Its
    /// value as JSON; `None` is `undefined`.
    pub(super) fn turn(
        &mut self,
        efuns: &mut dyn Efuns,
        source: &str,
        name: &CStr,
    ) -> Result<Option<String>, FailedStep> {
        let _run = EfunsGuard::with(efuns);
        let result = match self.evaluate(source, name, sys::JS_EVAL_RETVAL | sys::JS_EVAL_REPL) {
            Ok(value) => self.call_with("turned", "", value),
            Err(FailedStep::Run(thrown)) => return Err(self.lost(thrown)),
            Err(failure) => return Err(failure),
        };
        if result == EXCEPTION {
            let thrown = self.thrown();
            return Err(self.lost(thrown));
        }
        self.json_of(result)
    }

    /// What was thrown in a turn is described by the dispatcher, while there is the value itself.
    fn lost(&mut self, thrown: Thrown) -> FailedStep {
        if self.call_with("lost", "", UNDEFINED) == EXCEPTION {
            // The engine is at its end, or the deadline has come; the first words are the ones to tell.
            drop(self.thrown());
        }
        // SAFETY: the context is ours, and nothing else is done with its exception.
        unsafe { sys::JS_Throw(self.raw.as_ptr(), UNDEFINED) };
        FailedStep::Run(thrown)
    }

    /// Parses without running.
    pub(super) fn parse(&mut self, efuns: &mut dyn Efuns, source: &str, name: &CStr) -> Result<(), Thrown> {
        let _run = EfunsGuard::with(efuns);
        let value = self.parse_raw(source, name, 0);
        if value == EXCEPTION { Err(self.thrown()) } else { Ok(()) }
    }

    /// Calls the dispatcher with a verb, a name and arguments; its result as JSON. `None` is `undefined`.
    pub(super) fn dispatch(
        &mut self,
        efuns: &mut dyn Efuns,
        verb: &str,
        name: &str,
        arguments: Arguments<'_>,
    ) -> Result<Option<String>, FailedStep> {
        let _run = EfunsGuard::with(efuns);
        let parsed = match arguments {
            Arguments::None => UNDEFINED,
            // SAFETY: the context is ours, and no value is held outside of references.
            Arguments::Json(text) => unsafe {
                long_strings::parse(self.raw.as_ptr(), text, c"<params>", &mut self.scratch)
            },
        };
        if parsed == EXCEPTION {
            return Err(FailedStep::Parse(self.thrown()));
        }
        let result = self.call_with(verb, name, parsed);
        if result == EXCEPTION {
            let thrown = self.thrown();
            // Until another takes its place the engine would keep it, and all that hangs on it.
            // SAFETY: the context is ours, and nothing else is done with its exception.
            unsafe { sys::JS_Throw(self.raw.as_ptr(), UNDEFINED) };
            return Err(FailedStep::Run(thrown));
        }
        self.json_of(result)
    }

    /// Of a value that was just returned.
    fn json_of(&mut self, result: JSValue) -> Result<Option<String>, FailedStep> {
        // SAFETY: the result was just returned, and nothing has been allocated since.
        let json = unsafe {
            json::write(
                self.raw.as_ptr(),
                result,
                (Manner::Refuse, host_call::form()),
                host_call::limit(),
                &mut host_call::interrupted,
            )
        };
        json.map_err(|refusal| match refusal {
            JsonRefusal::Thrown => FailedStep::Run(self.thrown()),
            refusal => FailedStep::Result(refusal),
        })
    }

    fn call_with(&mut self, verb: &str, name: &str, parsed: JSValue) -> JSValue {
        let raw = self.raw.as_ptr();
        let empty = JSGCRef { val: UNDEFINED, prev: ptr::null_mut() };
        let (mut first, mut second, mut third) = (empty, empty, empty);
        let (arguments, verb_ref, name_ref) = (&raw mut first, &raw mut second, &raw mut third);
        // SAFETY: the references are pushed and popped in stack order within this function, so none
        // outlives its frame; every value is read back from its reference after each allocation;
        // the stack has been checked for three arguments, the function and `this`.
        unsafe {
            sys::JS_PushGCRef(raw, arguments);
            (*arguments).val = parsed;
            sys::JS_PushGCRef(raw, verb_ref);
            sys::JS_PushGCRef(raw, name_ref);
            let verb = sys::JS_NewStringLen(raw, verb.as_ptr().cast(), verb.len());
            (*verb_ref).val = verb;
            let name = sys::JS_NewStringLen(raw, name.as_ptr().cast(), name.len());
            (*name_ref).val = name;
            let failed = verb == EXCEPTION || name == EXCEPTION || sys::JS_StackCheck(raw, 5) != 0;
            let name = sys::JS_PopGCRef(raw, name_ref);
            let verb = sys::JS_PopGCRef(raw, verb_ref);
            let parsed = sys::JS_PopGCRef(raw, arguments);
            if failed {
                return EXCEPTION;
            }
            for value in [parsed, name, verb, (*self.dispatcher.as_ptr()).val, UNDEFINED] {
                sys::JS_PushArg(raw, value);
            }
            sys::JS_Call(raw, 3)
        }
    }

    fn evaluate(&mut self, source: &str, name: &CStr, flags: c_int) -> Result<JSValue, FailedStep> {
        let function = self.parse_raw(source, name, flags);
        if function == EXCEPTION {
            return Err(FailedStep::Parse(self.thrown()));
        }
        // SAFETY: `function` is what the parser just returned; nothing was allocated in between.
        let value = unsafe { sys::JS_Run(self.raw.as_ptr(), function) };
        if value == EXCEPTION { Err(FailedStep::Run(self.thrown())) } else { Ok(value) }
    }

    fn parse_raw(&mut self, text: &str, name: &CStr, flags: c_int) -> JSValue {
        self.scratch.clear();
        self.scratch.extend_from_slice(text.as_bytes());
        self.scratch.push(0);
        // SAFETY: the text is UTF-8, ends with a zero, and lies outside the heap, so it does not move.
        unsafe {
            sys::JS_Parse(self.raw.as_ptr(), self.scratch.as_ptr().cast(), text.len(), name.as_ptr(), flags)
        }
    }

    #[cfg(feature = "script")]
    fn text_of(&mut self, value: JSValue) -> Option<Vec<u8>> {
        host_call::copy_text(self.raw.as_ptr(), value)
    }

    /// The pending exception as text. Runs the script's own `toString`, if it has one.
    fn thrown(&mut self) -> Thrown {
        let mut text = vec![0u8; ERROR_BYTES];
        // SAFETY: the engine writes at most the given length, zero included.
        unsafe { sys::JS_GetErrorStr(self.raw.as_ptr(), text.as_mut_ptr().cast(), text.len()) };
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        text.truncate(end);
        Thrown(json_writer::well_formed(text))
    }

    /// Bytes between the heap's start and its first free byte, garbage included.
    pub(super) fn occupied_bytes(&self) -> usize {
        // SAFETY: the context is ours.
        unsafe { heap::occupied(self.raw.as_ptr()) }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// Whether there is much to collect.
    pub(super) fn is_untidy(&self) -> bool {
        // SAFETY: the context is ours.
        unsafe { heap::is_untidy(self.raw.as_ptr()) }
    }

    /// What is alive, after a collection.
    pub(super) fn live_bytes(&mut self) -> usize {
        // SAFETY: no value is held outside a reference here.
        unsafe { heap::tidy(self.raw.as_ptr()) };
        self.occupied_bytes()
    }
}
