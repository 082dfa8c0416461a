//! Where the clusters write.

use super::Database;
use crate::aws::Trouble;

impl Database {
    /// The host at which each region's cluster writes, or would once it is promoted. AWS chooses it. None: there is no cluster.
    ///
    /// # Errors
    /// When a region does not tell.
    pub async fn endpoints(&self) -> Result<[Option<String>; 2], Trouble> {
        let seen = self.look().await?;
        Ok(seen
            .clusters
            .map(|cluster| cluster.and_then(|cluster| cluster.endpoint)))
    }
}
