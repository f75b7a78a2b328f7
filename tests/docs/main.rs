//! What is written against what is true: pages, generated files, the doorstep, the commands of the README.

#[path = "../support"]
mod support {
    pub(crate) mod daemon;
    pub(crate) mod program;
    pub(crate) mod until;
}

mod doorstep;
mod generated;
mod pages;
mod readme;
