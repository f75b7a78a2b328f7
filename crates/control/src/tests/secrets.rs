//! Secrets of users: whose they are, where their values go, and where they do not.

use super::*;
use crate::ledger::ASIDE;
use hauki_contract::api::secret::SecretPut;
use hauki_contract::api::{ApiError, ErrorCode};
use hauki_contract::model::secret::Secret;
use hauki_contract::model::secret_use::SecretName;

const ANN: Option<u32> = Some(1000);
const BOB: Option<u32> = Some(1001);
const ROOT: Option<u32> = Some(0);

struct Kept {
    core: Arc<Core>,
    store: Arc<MemoryStore>,
    node: Arc<FakeNode>,
    home: tempfile::TempDir,
}

impl Kept {
    /// With a directory of its own, where its data key is.
    fn new() -> Self {
        let (store, home) = (Arc::new(MemoryStore::default()), tempfile::tempdir().expect("a directory"));
        let node = Arc::new(FakeNode::new("n1".parse().expect("a name")));
        let core = core_in(home.path(), store.clone(), core_members(&[&node], &["n1"]));
        Box::leak(Box::new(core.start()));
        Self { core, store, node, home }
    }

    async fn set(&self, owner: Option<u32>, named: &str, value: &str) {
        let put = SecretPut { name: name(named), value: Secret::new(value.to_owned()) };
        self.core.set_secret(owner, put).await.expect("is kept");
    }

    async fn names(&self, owner: Option<u32>) -> Vec<String> {
        let list = self.core.secrets(owner).await.expect("lists");
        list.secrets.into_iter().map(|secret| secret.name.to_string()).collect()
    }

    /// What the node of a vault of this user's is told.
    async fn granted(&self, owner: Option<u32>, key: &str) -> Result<Vec<(String, String)>, ApiError> {
        self.core.spawn_for(owner, owner, carrying(key)).await?;
        let granted = self.node.granted();
        Ok(granted.iter().map(|one| (one.name.to_string(), one.value.reveal().to_owned())).collect())
    }
}

fn name(text: &str) -> SecretName {
    text.parse().expect(text)
}

fn carrying(key: &str) -> SpawnRequest {
    let mut request = spawning(key);
    request.summons.wishes.net = vec!["https://api.example.com/v1/".parse().expect("invites")];
    let uses = ["openai=Authorization:Bearer", "openai=?key"];
    request.summons.wishes.secrets = uses.map(|text| text.parse().expect(text)).to_vec();
    request
}

#[tokio::test]
async fn each_user_has_his_own_and_an_administrator_has_no_others() {
    let kept = Kept::new();
    kept.set(ANN, "openai", "the-value-of-ann").await;
    kept.set(ANN, "other", "another-of-ann").await;
    kept.set(BOB, "openai", "the-value-of-bob").await;
    assert_eq!(kept.names(ANN).await, ["openai", "other"]);
    assert_eq!(kept.names(BOB).await, ["openai"]);
    assert!(kept.names(ROOT).await.is_empty());
    for (owner, key, value) in [(ANN, "a", "the-value-of-ann"), (BOB, "b", "the-value-of-bob")] {
        let granted = kept.granted(owner, key).await.expect("is forged");
        assert_eq!(granted, [("openai".to_owned(), value.to_owned())], "once, though it is used twice");
    }
    let made = kept.node.provisioned();
    for (owner, code) in
        [(ROOT, ErrorCode::NotFound), (Some(100), ErrorCode::NotFound), (None, ErrorCode::Denied)]
    {
        let error = kept.granted(owner, &format!("{owner:?}")).await.expect_err("has none");
        assert!(error.code == code, "{error:?}");
        let summons = kept.core.summon_for(owner, carrying(&format!("s{owner:?}")).summons).await;
        assert_eq!(summons.expect_err("has none").code, code);
    }
    assert_eq!(kept.node.provisioned(), made, "nothing was spent on them");
    // Nobody takes away another's, and whose 100 is, is not whose 1000 is.
    for owner in [ROOT, Some(100), Some(1)] {
        assert!(!kept.core.remove_secret(owner, name("openai")).await.expect("answers").changed);
    }
    assert!(kept.core.remove_secret(BOB, name("openai")).await.expect("removes").changed);
    assert_eq!((kept.names(BOB).await.len(), kept.names(ANN).await.len()), (0, 2));
    let error = kept.granted(BOB, "b2").await.expect_err("is gone");
    assert!(
        error.code == ErrorCode::NotFound
            && error.hint.is_some_and(|hint| hint.contains("secret set openai"))
    );
}

#[tokio::test]
async fn what_was_summoned_is_forged_with_the_secret_of_whose_it_is() {
    let kept = Kept::new();
    kept.set(ANN, "openai", "the-value-of-ann").await;
    kept.set(ROOT, "openai", "the-value-of-root").await;
    let summons = kept.core.summon_for(ANN, carrying("k").summons).await.expect("is summoned");
    // As an administrator may.
    let order = hauki_contract::api::vault::ProvisionRequest {
        key: "p".into(),
        summons: summons.id,
        placement: Placement::default(),
        dry_run: false,
    };
    kept.core.provision(order).await.expect("is forged");
    assert_eq!(kept.node.granted()[0].value, Secret::new("the-value-of-ann".into()));
}

#[tokio::test]
async fn what_is_kept_is_sealed_and_bound_to_its_place() {
    let kept = Kept::new();
    kept.set(ANN, "openai", "the-value-of-ann").await;
    kept.set(BOB, "openai", "the-value-of-bob").await;
    kept.granted(ANN, "k").await.expect("is forged");
    let all = kept.store.list("", None, 1000).await.expect("lists");
    let under = |key: &str| all.iter().find(|found| found.key == key).expect("is there").clone();
    for document in &all {
        let text = String::from_utf8_lossy(&document.value);
        assert!(!text.contains("the-value-of"), "{}: {text}", document.key);
    }
    let [ann, bob] = ["secret/1000/openai", "secret/1001/openai"].map(under);
    assert!(String::from_utf8_lossy(&ann.value).contains("\"key_version\":1"));
    // Whoever can write into the store cannot give one user what is another's.
    let txn = crate::store::Txn::when(bob.key.as_str(), crate::store::Expect::At(bob.revision));
    let _ = kept.store.commit(txn.put(bob.key.as_str(), ann.value.clone())).await.expect("is written");
    let error = kept.granted(BOB, "b").await.expect_err("is not his");
    assert!(error.message.contains("does not open"), "{error:?}");
    // Without its key nothing opens, and a new one seals under a new number.
    std::fs::remove_file(kept.home.path().join("data.key")).expect("was made");
    let error = kept.granted(ANN, "a").await.expect_err("is lost");
    assert!(error.code == ErrorCode::Environment && error.message.contains("version 1"), "{error:?}");
    kept.set(ANN, "openai", "a-newer-value").await;
    assert_eq!(kept.granted(ANN, "a2").await.expect("is forged")[0].1, "a-newer-value");
    let version = kept.core.secrets(ANN).await.expect("lists").secrets[0].key_version;
    assert_eq!(version, 2);
}

#[tokio::test]
async fn one_that_is_damaged_is_no_other_and_can_be_set_again() {
    let kept = Kept::new();
    kept.set(ANN, "openai", "the-value-of-ann").await;
    kept.set(ANN, "other", "another-of-ann").await;
    let txn = crate::store::Txn::in_any_case("it is a test's");
    let _ = kept.store.commit(txn.put("secret/1000/openai", b"{}".to_vec())).await.expect("is written");
    assert_eq!(kept.names(ANN).await, ["other"]);
    let error = kept.granted(ANN, "a").await.expect_err("is damaged");
    assert!(error.message.contains("damaged"), "{error:?}");
    assert!(!kept.store.list(ASIDE, None, 10).await.expect("lists").is_empty());
    kept.set(ANN, "openai", "a-newer-value").await;
    assert_eq!(kept.granted(ANN, "a2").await.expect("is forged")[0].1, "a-newer-value");
}

#[tokio::test]
async fn so_many_are_kept_and_no_more() {
    let kept = Kept::new();
    for number in 0..256 {
        kept.set(ANN, &format!("s{number}"), "the-value-of-ann").await;
    }
    let put = |named: &str| SecretPut { name: name(named), value: Secret::new("another-value".into()) };
    let error = kept.core.set_secret(ANN, put("one-more")).await.expect_err("is one too many");
    assert_eq!(error.code, ErrorCode::Quota);
    kept.core.set_secret(ANN, put("s7")).await.expect("one that is there is replaced");
    kept.core.set_secret(BOB, put("one-more")).await.expect("others have their own");
    for wrong in ["1234567", "sk-1234\r\nx-evil: 1"] {
        let put = SecretPut { name: name("s7"), value: Secret::new(wrong.into()) };
        let error = kept.core.set_secret(ANN, put).await.expect_err(wrong);
        assert!(error.code == ErrorCode::BadRequest && !error.message.contains(wrong), "{error:?}");
    }
}
