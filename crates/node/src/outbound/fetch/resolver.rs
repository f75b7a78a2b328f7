//! Name resolution against server-side request forgery: a name means public addresses, or none.
//!
//! The connection is made to what this resolver gave, and nobody asks again in between: a name that means another address a
//! moment later gains nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use hauki_contract::model::public_address::is_public;

/// Asks what a name means.
pub(super) trait AddressLookup: Send + Sync {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// As the machine does it.
pub(super) struct SystemLookup;

impl AddressLookup for SystemLookup {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it has no public address")]
pub(super) struct NoPublicAddress;

pub(super) struct PublicResolver(pub(super) Arc<dyn AddressLookup>);

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = self.0.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let mut found = asked.await?;
            found.retain(|address| is_public(*address));
            if found.is_empty() {
                return Err(NoPublicAddress.into());
            }
            let found: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Gives what was written down, one answer after the other.
    struct FickleLookup(Mutex<Vec<Vec<IpAddr>>>);

    impl AddressLookup for FickleLookup {
        fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
            let next = self.0.lock().expect("is whole").pop();
            Box::pin(async move { next.ok_or_else(|| io::Error::other("asked once too often")) })
        }
    }

    #[tokio::test]
    async fn a_name_never_means_what_is_not_public() {
        let [public, own, mapped]: [IpAddr; 3] =
            ["93.184.216.34", "127.0.0.1", "::ffff:10.0.0.1"].map(|text| text.parse().expect("is one"));
        let answers = Mutex::new(vec![vec![own, mapped], vec![own, public, mapped]]);
        let resolver = PublicResolver(Arc::new(FickleLookup(answers)));
        let name = || "rebound.example".parse().expect("is a name");
        let found: Vec<_> = resolver.resolve(name()).await.expect("one is public").collect();
        assert_eq!(found, [SocketAddr::new(public, 0)]);
        let refused = resolver.resolve(name()).await.map(drop).expect_err("none is public any more");
        assert!(refused.is::<NoPublicAddress>());
    }
}
