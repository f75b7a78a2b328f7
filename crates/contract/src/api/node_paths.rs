//! The paths of the inner contract: core to node.

pub const WORD: &str = "/node/v1/word";
pub const HEALTH: &str = "/node/v1/health";
pub const VAULTS: &str = "/node/v1/vaults";
pub const PROVISION: &str = "/node/v1/vaults";
pub const CODE: &str = "/node/v1/code";
pub const OPEN: &str = "/node/v1/vaults/{id}/port";
pub const BEAT: &str = "/node/v1/vaults/{id}/beat";
pub const DESTRUCT: &str = "/node/v1/vaults/{id}/destruct";
pub const DOOM: &str = "/node/v1/doom";
pub const CLONES: &str = "/node/v1/vaults/{id}/clones";
pub const NEWS: &str = "/node/v1/news";
pub const RECEIPT: &str = "/node/v1/vaults/{id}/receipt";
pub const ASKS: &str = "/node/v1/asks";

/// Each of them; of two that are the same, one.
pub const ALL: [&str; 12] =
    [WORD, HEALTH, VAULTS, CODE, OPEN, BEAT, DESTRUCT, DOOM, CLONES, NEWS, RECEIPT, ASKS];
