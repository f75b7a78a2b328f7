use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::*;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct Full;

async fn panics() {
    panic!("on purpose")
}

fn order(register: &Register, work: impl Future<Output = ()> + Send + 'static) -> Task<()> {
    register.spawn((&Handle::current(), TaskKind::Order, "an-order"), work)
}

fn names(left: &[Left]) -> Vec<(&'static str, TaskKind)> {
    left.iter().map(|left| (left.name, left.kind)).collect()
}

#[tokio::test]
async fn what_stands_is_begun_anew_after_a_panic_and_after_an_error() {
    let register = Register::default();
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let standing = register.stand((&Handle::current(), "a-loop", OnFault::Restart), move || {
        let count = Arc::clone(&count);
        async move {
            match count.fetch_add(1, Ordering::SeqCst) {
                0 => panic!("once"),
                1 => Err::<(), _>(Full),
                _ => std::future::pending().await,
            }
        }
    });
    while begun.load(Ordering::SeqCst) < 3 {
        sleep(SHORT).await;
    }
    assert!(!standing.is_finished());
    assert_eq!(names(&register.there()), [("a-loop", TaskKind::Standing)]);
    assert_eq!(register.end(LONG).await, []);
    assert!(standing.await.is_err_and(|error| error.is_cancelled()));
}

#[tokio::test]
async fn what_panics_while_it_is_begun_is_begun_anew_as_well() {
    let register = Register::default();
    let mut begun = 0;
    let standing = register.stand((&Handle::current(), "a-loop", OnFault::Restart), move || {
        begun += 1;
        assert!(begun > 1, "on purpose");
        async {}
    });
    standing.await.expect("ends in order");
}

#[tokio::test]
async fn a_fault_without_which_nothing_works_is_told_by_its_name_and_another_is_not() {
    let register = Register::default();
    let told = register.stand((&Handle::current(), "told", OnFault::Log), || async { Err::<(), _>(Full) });
    told.await.expect("ends");
    assert!(timeout(SHORT, register.fault()).await.is_err());
    drop(register.stand((&Handle::current(), "the-door", OnFault::EndProcess), panics));
    assert_eq!(register.fault().await, "the-door");
    // Also for who asks later.
    assert_eq!(register.fault().await, "the-door");
}

#[tokio::test]
async fn who_ends_by_himself_is_not_begun_anew() {
    let register = Register::default();
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let done = register.stand((&Handle::current(), "done", OnFault::Restart), move || {
        count.fetch_add(1, Ordering::SeqCst);
        async {}
    });
    done.await.expect("ends");
    assert_eq!((begun.load(Ordering::SeqCst), register.there()), (1, Vec::new()));
}

#[tokio::test]
async fn at_the_end_orders_are_awaited_and_sessions_are_not() {
    let register = Register::default();
    let (done, mut ended) = oneshot::channel();
    drop(order(&register, async move {
        sleep(SHORT).await;
        let _ = done.send(());
    }));
    let session =
        register.spawn((&Handle::current(), TaskKind::Session, "a-session"), std::future::pending::<()>());
    assert_eq!(register.end(LONG).await, []);
    assert_eq!(ended.try_recv(), Ok(()), "it was carried out");
    assert!(session.await.is_err_and(|error| error.is_cancelled()));
    // Who comes later is not begun at all.
    assert!(order(&register, panics()).await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(register.there(), []);
}

#[tokio::test]
async fn who_is_spawned_while_the_register_ends_ends_with_it() {
    let register = Register::default();
    let line = register.enter("late", TaskKind::Session);
    let number = line.number;
    assert_eq!(names(&register.end(SHORT).await), [("late", TaskKind::Session)]);
    let task = tokio::spawn(async move {
        let _line = line;
        std::future::pending::<()>().await;
    });
    register.know(number, task.abort_handle());
    assert!(timeout(LONG, task).await.expect("ends").is_err_and(|error| error.is_cancelled()));
    assert_eq!(register.there(), []);
}

#[tokio::test]
async fn an_order_that_does_not_end_is_cut_off_and_told_by_its_name() {
    let register = Register::default();
    let endless = order(&register, std::future::pending());
    assert_eq!(names(&register.end(SHORT).await), [("an-order", TaskKind::Order)]);
    assert!(endless.await.is_err_and(|error| error.is_cancelled()));
}

#[tokio::test]
async fn a_thread_that_does_not_end_holds_nobody_up() {
    let register = Register::default();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let blocked = register.block("a-thread", move || held.recv().is_err());
    assert_eq!(names(&register.end(SHORT).await), [("a-thread", TaskKind::Blocking)]);
    drop(let_go);
    assert!(blocked.await.expect("ends"));
    register.idle(TaskKind::Blocking).await;
}

#[tokio::test]
async fn what_has_an_owner_ends_with_him_and_nobody_stays_in_the_register() {
    let register = Register::default();
    let owned = order(&register, std::future::pending()).owned();
    assert_eq!(register.there().len(), 1);
    drop(owned);
    register.idle(TaskKind::Order).await;
    // One that panics is struck out too.
    assert!(order(&register, panics()).await.is_err_and(|error| error.is_panic()));
    // And one that has ended before its spawner goes on.
    for _ in 0..1_000 {
        drop(order(&register, async {}));
    }
    register.idle(TaskKind::Order).await;
    assert_eq!(register.there(), []);
}
