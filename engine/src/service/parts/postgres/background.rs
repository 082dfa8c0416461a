//! Work that goes on when whoever asked for it has given up, and that whoever asks next joins.
#![expect(
    clippy::disallowed_types,
    reason = "the shell is where threads meet; the core behind it sees none of this"
)]

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// One piece of work at a time.
pub(super) struct Background<T>(Arc<Mutex<Option<watch::Receiver<Option<T>>>>>);

impl<T> Clone for Background<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Background<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> fmt::Debug for Background<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Background")
    }
}

impl<T: Clone + Send + Sync + 'static> Background<T> {
    /// Waits for the work that is under way, or for this if there is none. Dropping the wait does not stop the work.
    pub(super) async fn join<F>(&self, begin: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        // Work that ended without a result has panicked; that is a bug, and waiting for ever is bounded by the caller.
        match self
            .under_way(begin)
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|result| result.clone())
        {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }

    fn under_way<F>(&self, begin: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(work) = current
            .as_ref()
            .filter(|work| work.has_changed().is_ok() && work.borrow().is_none())
        {
            return work.clone();
        }
        let (done, work) = watch::channel(None);
        *current = Some(work.clone());
        let begun = begin();
        drop(tokio::spawn(async move {
            let result = begun.await;
            done.send_replace(Some(result));
        }));
        work
    }
}
