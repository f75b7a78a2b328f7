//! A thread that is another user.

/// Runs as that user, in a thread that ends with it.
pub(crate) fn as_user<T: Send>(uid: u32, work: impl FnOnce() -> T + Send) -> T {
    let all = |call| {
        // SAFETY: the raw call changes this thread alone, which runs nothing else.
        let changed = unsafe { libc::syscall(call, uid, uid, uid) == 0 };
        assert!(changed, "root may become anybody");
    };
    let working = || {
        all(libc::SYS_setresgid);
        all(libc::SYS_setresuid);
        work()
    };
    std::thread::scope(|scope| scope.spawn(working).join().expect("ends"))
}
