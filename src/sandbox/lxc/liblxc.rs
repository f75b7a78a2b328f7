//! The part of liblxc's C interface that is used here: make a container, give it items, start it.
//!
//! Written down by hand, because it is one structure and four functions, and to have a compiler of C read the header at
//! each first build took more than many a crate. liblxc only appends to the structure (`lxccontainer.h` says so), so what
//! stands here is where it was in 1.0 and is in 5.0; a test asks a compiler of C where each member is.

use std::ffi::{c_char, c_int};

/// `struct lxc_container` up to the last member that is used.
#[repr(C)]
#[allow(dead_code, reason = "most members are there to keep the places of the others")]
pub struct LxcContainer {
    name: *mut c_char,
    configfile: *mut c_char,
    pidfile: *mut c_char,
    slock: *mut Opaque,
    privlock: *mut Opaque,
    numthreads: c_int,
    lxc_conf: *mut Opaque,
    error_string: *mut c_char,
    /// The wait status of the init, once the start has returned.
    pub error_num: c_int,
    daemonize: bool,
    config_path: *mut c_char,
    /// `is_defined` to `load_config`.
    before_start: [Method; 7],
    pub start: Option<unsafe extern "C" fn(*mut Self, c_int, *const *mut c_char) -> bool>,
    /// `startl` and `stop`.
    before_want_daemonize: [Method; 2],
    pub want_daemonize: Option<unsafe extern "C" fn(*mut Self, bool) -> bool>,
    /// `want_close_all_fds` to `wait`.
    before_set_config_item: [Method; 3],
    pub set_config_item: Option<unsafe extern "C" fn(*mut Self, *const c_char, *const c_char) -> bool>,
    /// `destroy` to `get_config_path`.
    before_set_config_path: [Method; 17],
    pub set_config_path: Option<unsafe extern "C" fn(*mut Self, *const c_char) -> bool>,
}

/// What liblxc keeps for itself.
#[repr(C)]
struct Opaque([u8; 0]);

/// One that is not called from here.
type Method = Option<unsafe extern "C" fn()>;

#[link(name = "lxc")]
unsafe extern "C" {
    pub fn lxc_container_new(name: *const c_char, config_path: *const c_char) -> *mut LxcContainer;
    pub fn lxc_container_put(container: *mut LxcContainer) -> c_int;
    pub fn lxc_get_version() -> *const c_char;
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;
    use std::process::Command;

    use super::*;

    #[test]
    fn each_member_is_where_the_installed_header_has_it() {
        let members = [
            ("error_num", offset_of!(LxcContainer, error_num)),
            ("config_path", offset_of!(LxcContainer, config_path)),
            ("is_defined", offset_of!(LxcContainer, before_start)),
            ("start", offset_of!(LxcContainer, start)),
            ("startl", offset_of!(LxcContainer, before_want_daemonize)),
            ("want_daemonize", offset_of!(LxcContainer, want_daemonize)),
            ("want_close_all_fds", offset_of!(LxcContainer, before_set_config_item)),
            ("set_config_item", offset_of!(LxcContainer, set_config_item)),
            ("destroy", offset_of!(LxcContainer, before_set_config_path)),
            ("set_config_path", offset_of!(LxcContainer, set_config_path)),
        ];
        let is_there = |(name, place): (&str, usize)| {
            format!("_Static_assert(offsetof(struct lxc_container, {name}) == {place}, \"{name}\");\n")
        };
        let places: String = members.into_iter().map(is_there).collect();
        // And what is called, with what.
        let program = format!(
            "#include <stddef.h>\n#include <lxc/lxccontainer.h>\n{places}
             void types(struct lxc_container *c) {{
               int error_num = c->error_num;
               bool (*start)(struct lxc_container *, int, char *const *) = c->start;
               bool (*want_daemonize)(struct lxc_container *, bool) = c->want_daemonize;
               bool (*set_config_item)(struct lxc_container *, const char *, const char *) = c->set_config_item;
               bool (*set_config_path)(struct lxc_container *, const char *) = c->set_config_path;
               struct lxc_container *(*new)(const char *, const char *) = lxc_container_new;
               int (*put)(struct lxc_container *) = lxc_container_put;
               const char *(*version)(void) = lxc_get_version;
             }}"
        );
        let folder = tempfile::tempdir().expect("a directory");
        let file = folder.path().join("layout.c");
        std::fs::write(&file, program).expect("writes");
        let mut cc = Command::new("cc");
        let said = cc.args(["-std=gnu11", "-Werror", "-fsyntax-only"]).arg(&file).output().expect("runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
}
