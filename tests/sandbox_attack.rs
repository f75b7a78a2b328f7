#[path = "support/leak.rs"]
mod leak;
#[path = "support/probe.rs"]
mod probe;

use hauki::model::limits::Limits;
use hauki::sandbox::Driver;
use leak::{Ground, vault_id};
use std::io::{BufRead, BufReader, Write};

#[tokio::test(flavor = "multi_thread")]
async fn first() {
    let ground = Ground::new("first");
    let driver = ground.driver(&probe::probe_binary());
    let t = std::time::Instant::now();
    let started = driver.start(&vault_id(), &Limits::default()).await.unwrap();
    println!("start {:?}", t.elapsed());
    println!("{:?}", ground.leftovers(driver.group()));
    let ch = std::os::unix::net::UnixStream::from(started.channel);
    ch.set_nonblocking(false).unwrap();
    let mut r = BufReader::new(ch.try_clone().unwrap());
    let mut l = String::new();
    r.read_line(&mut l).unwrap();
    println!("{l}");
    let cmds = std::env::var("CMDS").unwrap_or("identity,environment,fds,capabilities,flags,socket unix,socket inet,kill 2,list /,list /proc,list /dev,threads 20,forks 20,cpu 300,mount,unshare user,ptrace 1,lockdown".into());
    for c in cmds.split(",") {
        writeln!(&ch, "{c}").unwrap();
        l.clear();
        r.read_line(&mut l).unwrap();
        println!("{c}: {l}");
    }
    let lines = started.sandbox.reclaim().await;
    println!("died {:?}", started.sandbox.died().await);
    println!("{lines:#?}");
    println!("{:?}", started.sandbox.died().await);
    driver.close().await;
    ground.assert_clean(driver.group());
}
