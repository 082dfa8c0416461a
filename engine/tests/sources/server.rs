//! Whoever is asked: an HTTP server that does as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a server does with whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers every request of a connection that all is well.
    Healthy,
    /// Answers that it is not.
    Failing,
    /// Reads, and never answers.
    Hangs,
    /// Answers the first request of each connection, promises to keep it open, and goes silent on it.
    HealthyOnce,
}

/// A server on a free port. It ends with its owner.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    manner: watch::Sender<Manner>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/health", listener.local_addr().unwrap());
        let (manner, seen) = watch::channel(manner);
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(connection, seen.clone()));
            }
        });
        Self {
            url,
            manner,
            connections,
            task,
        }
    }

    pub(crate) fn becomes(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut connection: TcpStream, mut manner: watch::Receiver<Manner>) {
    let mut request = [0; 4_096];
    while matches!(connection.read(&mut request).await, Ok(read) if read > 0) {
        let now = *manner.borrow();
        let answer: &[u8] = match now {
            Manner::Healthy | Manner::HealthyOnce => {
                b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 7\r\n\r\nall: ok"
            }
            Manner::Failing => b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            Manner::Hangs => b"",
        };
        if connection.write_all(answer).await.is_err() {
            return;
        }
        if matches!(now, Manner::HealthyOnce | Manner::Hangs) {
            // Until the test is over, or the other side has had enough.
            let _ = manner.wait_for(|manner| *manner != now).await;
        }
    }
}
