#[path = "support/leak.rs"]
mod leak;
#[path = "support/probe.rs"]
mod probe;

use hauki::model::limits::Limits;
use hauki::sandbox::Driver;
use leak::{Ground, vault_id};

#[tokio::test(flavor = "multi_thread")]
async fn first() {
    let ground = Ground::new("first");
    let driver = ground.driver(&probe::init_binary());
    for _ in 0..3 {
        let t = std::time::Instant::now();
        let started = driver.start(&vault_id(), &Limits::default()).await.unwrap();
        println!("start {:?}", t.elapsed());
        println!("{:?}", ground.leftovers(driver.group()));
        let lines = started.sandbox.reclaim().await;
        println!("{lines:?}");
        println!("{:?}", started.sandbox.died().await);
    }
    driver.close().await;
    ground.assert_clean(driver.group());
}
