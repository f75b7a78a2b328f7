//! `hauki` in an environment of its own: nothing of the machine's configuration, daemon or terminal.

// Each test target uses what it needs of this.
#![allow(dead_code)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

use super::program::program;

pub(crate) struct Tool {
    pub home: tempfile::TempDir,
}

impl Tool {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("hauki.sock")
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("writes");
        // It may hold a ticket.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("marks");
        path
    }

    /// An executable script, for example in place of haukid.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        program(&path, &format!("#!/bin/bash\n{text}\n"));
        path
    }

    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HAUKI_STATE_DIR", self.home.path().into()),
            ("HAUKI_HAUKID", "/bin/false".into()),
            ("HOME", self.home.path().into()),
            ("PATH", "/usr/bin:/bin".into()),
            ("LC_ALL", "C".into()),
        ]
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        self.run_in(arguments, stdin, &[])
    }

    pub(crate) fn run_in(&self, arguments: &[&str], stdin: &str, env: &[(&str, &Path)]) -> Ran {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("hauki"));
        command.env_clear().envs(self.environment()).envs(env.iter().copied());
        let command = command.current_dir(self.home.path()).args(arguments).write_stdin(stdin);
        let output = command.timeout(std::time::Duration::from_secs(30)).output().expect("runs");
        Ran {
            code: output.status.code().expect("was not killed"),
            stdout: String::from_utf8(output.stdout).expect("is text"),
            stderr: String::from_utf8(output.stderr)
                .expect("is text")
                .replace(self.home.path().to_str().expect("is text"), "HOME"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Standard output as records; it must hold nothing else.
    pub(crate) fn records(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("is a record")).collect()
    }
}
