//! Who sees vaults die: a thread that holds a pidfd of each init and notes when it became readable.

use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

use hauki::api::vault::Vault;
use hauki::model::lease::Mono;
use hauki_contract::system::clock;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// The init of a vault that the daemon says is alive.
pub(crate) fn init_of(vault: &Vault) -> OwnedFd {
    let number = vault.vitals.as_ref().map_or(0, |vitals| vitals.init_pid);
    let pid = i32::try_from(number).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw);
    pidfd_open(pid.expect("is a process"), PidfdFlags::empty()).expect("is there")
}

/// When each of them died, in their order.
pub(crate) fn watch(inits: Vec<OwnedFd>) -> JoinHandle<Vec<Mono>> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
    for (number, init) in inits.iter().enumerate() {
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&epoll, init, data, epoll::EventFlags::IN).expect("can be watched");
    }
    std::thread::spawn(move || {
        let mut died = vec![Mono::default(); inits.len()];
        let mut left = inits.len();
        let mut events = Vec::with_capacity(64);
        while left > 0 {
            events.clear();
            epoll::wait(&epoll, spare_capacity(&mut events), None).expect("can be waited for");
            let now = clock::mono();
            for event in &events {
                let number = event.data.u64() as usize;
                died[number] = now;
                left -= 1;
                epoll::delete(&epoll, &inits[number]).expect("was added");
            }
        }
        died
    })
}
