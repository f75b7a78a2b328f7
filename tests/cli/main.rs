//! `hauki` as a person or a program meets it: its words, records, inputs, screen, and how it finds a daemon.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod plane;
    pub(crate) mod program;
    pub(crate) mod screen;
    pub(crate) mod tool;
    pub(crate) mod until;
}

mod autostart;
mod bench;
mod completion;
mod inputs;
mod records;
mod revival;
mod screen;
mod secrets;
mod usage;
