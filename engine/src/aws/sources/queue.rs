//! The region's queue: EventBridge rules and SNS topics of both regions feed it.
//!
//! A message is deleted once what follows from it is durable, and not before: a sidecar that crashes in between finds it
//! again when its visibility time-out is over. What cannot be understood is moved to the dead-letter queue with the reason,
//! so it neither comes back for ever nor gets lost.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageAttributeValue};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::Backoff;
use crate::aws::Side;
use crate::aws::verdict::note;
use crate::decode::Rejection;
use crate::service::clock::Clock;
use crate::service::context::Sidecar;
use crate::service::shell::Receipt;
use crate::service::sources::{Intake, Verdict};

/// Receives that wait at the same time. While one batch is being decoded, the next one is on its way.
const POLLERS: usize = 3;
/// The most that SQS hands out, or takes back, at once.
const BATCH: i32 = 10;
/// The longest that SQS waits for a message.
const WAIT_SECONDS: i32 = 20;
/// So long nobody else sees a message. Making something durable takes milliseconds; a sidecar that needs longer than this
/// is gone.
const INVISIBLE_SECONDS: i32 = 30;
/// Deletions that wait. Beyond it a message comes again, which is harmless.
const DELETIONS_MAX: usize = 10_000;
/// How long the first deletion waits for nine more.
const GATHER: Duration = Duration::from_millis(50);
/// SQS refuses longer values of an attribute than a whole message; a reason is a sentence.
const REASON_CHARS_MAX: usize = 500;
/// The attributes of a message in the dead-letter queue.
pub(crate) const REASON: &str = "UnderstudyReason";
pub(crate) const BECAUSE: &str = "UnderstudyBecause";

#[derive(Debug, Clone)]
struct Queue {
    client: Client,
    clock: Clock,
    name: String,
    dead_letters: String,
}

/// Starts to listen.
pub(super) fn start(side: &Side, sidecar: &Sidecar, intake: &Arc<Intake>, tasks: &mut JoinSet<()>) {
    let queue = Queue {
        client: side.connections.sqs(side.names.region(side.own)),
        clock: sidecar.context.clock,
        name: side.names.queue(side.own),
        dead_letters: side.names.dead_letter_queue(side.own),
    };
    tasks.spawn(queue.listen(Arc::clone(intake)));
}

impl Queue {
    async fn listen(self, intake: Arc<Intake>) {
        let url = self.url_of(&self.name).await;
        info!(queue = self.name, "listening");
        let (done, deletions) = channel(DELETIONS_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(delete(self.client.clone(), url.clone(), deletions));
        for _ in 0..POLLERS {
            tasks.spawn(self.clone().poll(url.clone(), Arc::clone(&intake), done.clone()));
        }
        drop(done);
        while tasks.join_next().await.is_some() {}
    }

    async fn url_of(&self, name: &str) -> String {
        let mut backoff = Backoff::new();
        loop {
            match self.client.get_queue_url().queue_name(name).send().await {
                Ok(answer) if answer.queue_url.is_some() => return answer.queue_url.unwrap_or_default(),
                Ok(_) => warn!(name, "SQS knows no address of the queue"),
                Err(failure) => note("find the queue", &failure),
            }
            backoff.failed(self.clock).await;
        }
    }

    async fn poll(self, url: String, intake: Arc<Intake>, done: Sender<String>) {
        let mut backoff = Backoff::new();
        loop {
            let received = self
                .client
                .receive_message()
                .queue_url(&url)
                .max_number_of_messages(BATCH)
                .wait_time_seconds(WAIT_SECONDS)
                .visibility_timeout(INVISIBLE_SECONDS)
                .send()
                .await;
            match received {
                Ok(answer) => {
                    backoff.worked();
                    for message in answer.messages.unwrap_or_default() {
                        if !self.take(message, &intake, &done).await {
                            return;
                        }
                    }
                }
                Err(failure) => {
                    note("listen to the queue", &failure);
                    backoff.failed(self.clock).await;
                }
            }
        }
    }

    /// False: the process ends.
    async fn take(&self, message: Message, intake: &Intake, done: &Sender<String>) -> bool {
        let (Some(body), Some(handle)) = (message.body, message.receipt_handle) else {
            return true;
        };
        let receipt = receipt(done, handle.clone());
        match intake.take(body.as_bytes(), receipt) {
            Verdict::Delivered(_) | Verdict::Ignored(..) => true,
            Verdict::Poison(rejection) => {
                if self.bury(body, &rejection).await {
                    settle(done, handle);
                }
                true
            }
            Verdict::Ending => false,
        }
    }

    /// Moves a message that nobody understands to where a human finds it. False: it stays, and the queue's own redrive
    /// moves it in the end.
    async fn bury(&self, body: String, rejection: &Rejection) -> bool {
        let url = match self.client.get_queue_url().queue_name(&self.dead_letters).send().await {
            Ok(answer) => answer.queue_url.unwrap_or_default(),
            Err(failure) => {
                note("find the dead-letter queue", &failure);
                return false;
            }
        };
        let because: String = rejection.to_string().chars().take(REASON_CHARS_MAX).collect();
        let sent = self
            .client
            .send_message()
            .queue_url(url)
            .message_body(body)
            .set_message_attributes(Some(
                [
                    (REASON, text(rejection.reason.kind().label())),
                    (BECAUSE, text(&because)),
                ]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
            ))
            .send()
            .await;
        sent.inspect_err(|failure| note("bury a message", failure)).is_ok()
    }
}

fn text(value: &str) -> Option<MessageAttributeValue> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .ok()
}

fn receipt(done: &Sender<String>, handle: String) -> Receipt {
    let done = done.clone();
    Receipt::new(move || settle(&done, handle))
}

/// Called from the journal's thread, so it never waits.
fn settle(done: &Sender<String>, handle: String) {
    if done.try_send(handle).is_err() {
        debug!("too many deletions wait; the message will come again");
    }
}

/// Deletes what is dealt with, several at a time.
async fn delete(client: Client, url: String, mut handles: Receiver<String>) {
    let mut batch = Vec::new();
    let most = usize::try_from(BATCH).unwrap_or(1);
    while let Some(first) = handles.recv().await {
        batch.push(first);
        // Everything that comes in this time, as far as it fits.
        drop(timeout(GATHER, gather(&mut handles, &mut batch, most)).await);
        let entries = batch.drain(..).enumerate().filter_map(|(number, handle)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(handle)
                .build()
                .ok()
        });
        let call = client
            .delete_message_batch()
            .queue_url(&url)
            .set_entries(Some(entries.collect()));
        // What is not deleted comes again, and is judged as old.
        match call.send().await {
            Ok(answer) if answer.failed.is_empty() => {}
            Ok(answer) => warn!(messages = answer.failed.len(), "SQS did not delete some messages"),
            Err(failure) => note("delete from the queue", &failure),
        }
    }
}

async fn gather(handles: &mut Receiver<String>, batch: &mut Vec<String>, most: usize) {
    while batch.len() < most {
        match handles.recv().await {
            Some(handle) => batch.push(handle),
            None => break,
        }
    }
}
