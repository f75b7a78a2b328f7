//! The sandbox itself, without daemon or gate: limits, attacks from within, crashes around it, the init.

#[path = "../support"]
mod support {
    pub(crate) mod init;
    pub(crate) mod leak;
    pub(crate) mod probe;
    pub(crate) mod until;
}

mod attack;
mod conformance;
mod crash;
mod init;
mod limits;
mod measure;
