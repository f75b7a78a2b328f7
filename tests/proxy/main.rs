//! Workers as their callers use them: calls, pipes, scripts, the REPL, and the libraries that run in them.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod relay;
    pub(crate) mod until;
}

mod calls;
mod compiled;
mod functions;
mod imports;
mod libraries;
mod modern;
mod one_call;
mod repl;
mod run;
mod sessions;
mod workers;
