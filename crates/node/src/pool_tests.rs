use std::os::unix::fs::PermissionsExt;

use super::*;
use hauki_sandbox::fake::{FakeDriver, Faults, StartFault};

/// The real init, which waits to be given a worker and ends with its channel.
fn waiting() -> (tempfile::TempDir, FakeDriver) {
    let dir = tempfile::tempdir().expect("a directory");
    let init = dir.path().join("init");
    std::fs::write(&init, crate::init::IMAGE).expect("is ours");
    std::fs::set_permissions(&init, std::fs::Permissions::from_mode(0o755)).expect("is ours");
    (dir, FakeDriver::new(init))
}

/// Longer than anything here takes.
const HANG: Duration = Duration::from_secs(60);

fn pool(driver: &FakeDriver, most: u32) -> Arc<Pool> {
    let shards = Arc::new(Shards::start(1).expect("a lane"));
    Pool::start(Arc::new(driver.clone()), shards, most)
}

async fn filled(pool: &Pool, count: usize) {
    let mut stock = pool.stock.subscribe();
    let filled = stock.wait_for(|stock| *stock == count);
    tokio::time::timeout(HANG, filled).await.expect("fills up").expect("the pool is there");
}

#[test]
fn demand_grows_with_misses_and_shrinks_by_what_stood_unused() {
    let mut demand = Demand::new(8);
    assert_eq!(demand.target, 2);
    demand.missed();
    demand.missed();
    demand.missed();
    assert_eq!(demand.target, 8, "not above the most");
    demand.rested(8);
    assert_eq!(demand.target, 8, "there was a miss since the last rest");
    demand.taken(6);
    demand.rested(8);
    assert_eq!(demand.target, 5, "half of the six that nobody took");
    demand.rested(5);
    demand.rested(2);
    demand.rested(2);
    assert_eq!(demand.target, 2, "not below the least");
    assert_eq!(Demand::new(0).target, 0);
    assert_eq!(Demand::new(1).target, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_is_replaced_and_other_limits_take_nothing() {
    let (_dir, driver) = waiting();
    let pool = pool(&driver, 2);
    filled(&pool, 2).await;
    let blank = pool.take(&Limits::default()).expect("there are two");
    assert!(!blank.started.sandbox.is_dead());
    let engine_only = Limits { call_deadline_ms: 77, ..Limits::default() };
    let other = pool.take(&engine_only).expect("the kernel does not know of it");
    assert!(pool.take(&Limits::default()).is_none());
    pool.refill();
    filled(&pool, 2).await;
    for kernel in [
        Limits { pids: 9, ..Limits::default() },
        Limits { cpu_percent: 50, ..Limits::default() },
        Limits { memory_bytes: 8 << 20, ..Limits::default() },
    ] {
        assert!(pool.take(&kernel).is_none());
    }
    pool.close().await;
    assert_eq!(pool.stock(), 0);
    for blank in [blank, other] {
        assert!(!blank.started.sandbox.is_dead(), "what was taken is not the pool's to end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_blank_is_not_handed_out_and_is_replaced() {
    let (_dir, driver) = waiting();
    let pool = pool(&driver, 2);
    filled(&pool, 2).await;
    let pids: Vec<u32> =
        pool.state().blanks.iter().map(|(_, blank)| blank.started.sandbox.init_pid()).collect();
    for (_, blank) in &pool.state().blanks {
        blank.started.sandbox.kill();
    }
    // Whether the pool has heard of it or not: only a living one is given.
    let mut stock = pool.stock.subscribe();
    let fresh = async {
        loop {
            match pool.take(&Limits::default()) {
                Some(blank) if pids.contains(&blank.started.sandbox.init_pid()) => {}
                Some(blank) => return blank,
                None => {
                    pool.refill();
                    stock.wait_for(|stock| *stock > 0).await.expect("the pool is there");
                }
            }
        }
    };
    let fresh = tokio::time::timeout(HANG, fresh).await.expect("is replaced");
    assert!(!fresh.started.sandbox.is_dead());
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_that_fail_are_nobodys_failure() {
    let (_dir, driver) = waiting();
    driver.set_faults(Faults { start: StartFault::Fails, ..Faults::default() });
    let pool = pool(&driver, 4);
    assert!(pool.take(&Limits::default()).is_none());
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_where_none_is_wanted() {
    let (_dir, driver) = waiting();
    let pool = pool(&driver, 0);
    assert!(pool.take(&Limits::default()).is_none());
    pool.refill();
    pool.close().await;
    assert_eq!(pool.stock(), 0);
}
