//! The tool as a whole process, as a script pays for it.

use std::process::Stdio;

use crate::life::Life;
use crate::report::Report;
use crate::{WORKER, now};

pub(crate) async fn rounds(life: &Life, report: &mut Report) {
    let file = life.daemon.dir.path().join("worker.js");
    std::fs::write(&file, WORKER).expect("is ours");
    for _ in 0..5 {
        let start = now();
        let status = life.daemon.hauki().arg("--version").stdout(Stdio::null()).status().expect("runs");
        assert!(status.success());
        report.add("hauki --version, whole process", start.elapsed());

        life.filled().await;
        let start = now();
        let output = life.daemon.hauki().args(["clone", "-o", "id"]).arg(&file).output().expect("runs");
        assert!(output.status.success(), "{output:?}");
        report.add("hauki clone, warm, whole process", start.elapsed());

        let id = String::from_utf8(output.stdout).expect("is text");
        let start = now();
        let output = life.daemon.hauki().args(["destruct", "-q", id.trim()]).output().expect("runs");
        assert!(output.status.success(), "{output:?}");
        report.add("hauki destruct, whole process", start.elapsed());
    }
}
