//! Switch B: an object in the witness region, which the object store itself serves.
//!
//! S3 knows no condition on the content, only on the version: the object is read, compared, and put back if it is still the
//! one that was read.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use super::answer;
use crate::aws::verdict::{Verdict, judge, note};
use crate::core::effect::Outcome;
use crate::core::ids::Epoch;

/// How often the object is read again because somebody else has put it meanwhile. Only sidecars put it, and each flip is a
/// few writes.
const ROUNDS_MAX: usize = 4;
/// The largest object that is read: ours has about 100 bytes.
const BYTES_MAX: usize = 4096;
/// Another writer was faster: the two codes that S3 has for it.
const CROSSED: [&str; 2] = ["PreconditionFailed", "ConditionalRequestConflict"];

/// Switch B.
#[derive(Debug)]
pub struct SwitchObject {
    client: Client,
    bucket: String,
    key: &'static str,
}

/// The object. Made to be matched by a health check and read by an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    answer: String,
    engaged: bool,
    epoch: u64,
    order: u64,
}

/// What was read.
#[derive(Debug)]
enum Read {
    /// The object, and the mark of this version of it.
    There(Content, String),
    Nothing,
    /// There is something, and it is none of ours.
    Damaged,
    /// It was not read; why is in the log.
    Failed,
}

impl SwitchObject {
    /// The switch in a bucket.
    #[must_use]
    pub const fn new(client: Client, bucket: String, key: &'static str) -> Self {
        Self { client, bucket, key }
    }

    pub(super) async fn set(&self, engaged: bool, epoch: Epoch, order: u64) -> Outcome {
        for _ in 0..ROUNDS_MAX {
            let mark = match self.look().await {
                Read::There(content, _) if (content.epoch, content.order) > (epoch.0, order) => {
                    warn!(
                        epoch = epoch.0,
                        order, "switch B was written later than this was decided"
                    );
                    return Outcome::Refused;
                }
                Read::There(content, _)
                    if (content.engaged, content.epoch, content.order) == (engaged, epoch.0, order) =>
                {
                    return Outcome::Done;
                }
                Read::There(_, mark) => Some(mark),
                Read::Nothing => None,
                // Nothing was written.
                Read::Damaged | Read::Failed => return Outcome::Failed,
            };
            let content = Content {
                answer: answer(engaged).to_owned(),
                engaged,
                epoch: epoch.0,
                order,
            };
            match self.put(&content, mark).await {
                Ok(true) => return Outcome::Done,
                Ok(false) => {}
                Err(verdict) => return verdict.into(),
            }
        }
        warn!(rounds = ROUNDS_MAX, "somebody keeps writing switch B");
        Outcome::Failed
    }

    pub(super) async fn read(&self) -> Option<bool> {
        match self.look().await {
            Read::There(content, _) => Some(content.engaged),
            // A switch that was never flipped is not engaged.
            Read::Nothing => Some(false),
            Read::Damaged | Read::Failed => None,
        }
    }

    async fn look(&self) -> Read {
        let answer = match self.client.get_object().bucket(&self.bucket).key(self.key).send().await {
            Ok(answer) => answer,
            Err(failure) if failure.code() == Some("NoSuchKey") => return Read::Nothing,
            Err(failure) => {
                note("read switch B", &failure);
                return Read::Failed;
            }
        };
        let (mark, length) = (answer.e_tag.unwrap_or_default(), answer.content_length.unwrap_or(0));
        if mark.is_empty() || usize::try_from(length).map_or(true, |length| length > BYTES_MAX) {
            return self.damaged();
        }
        match answer.body.collect().await {
            Ok(body) => match serde_json::from_slice(&body.into_bytes()) {
                Ok(content) => Read::There(content, mark),
                Err(_) => self.damaged(),
            },
            Err(why) => {
                warn!(%why, "switch B was cut off while it was read");
                Read::Failed
            }
        }
    }

    fn damaged(&self) -> Read {
        error!(
            bucket = self.bucket,
            key = self.key,
            "switch B holds something else; delete the object, and it is written anew"
        );
        Read::Damaged
    }

    /// False: somebody else was faster.
    async fn put(&self, content: &Content, mark: Option<String>) -> Result<bool, Verdict> {
        // Numbers, a flag and a text always can be written.
        let body = serde_json::to_vec(content).unwrap_or_default();
        let call = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key)
            .content_type("application/json")
            .cache_control("no-store")
            .body(ByteStream::from(body));
        let call = match mark {
            Some(mark) => call.if_match(mark),
            None => call.if_none_match("*"),
        };
        match call.send().await {
            Ok(_) => Ok(true),
            Err(failure) if failure.code().is_some_and(|code| CROSSED.contains(&code)) => Ok(false),
            Err(failure) => Err(judge("flip switch B", &failure)),
        }
    }
}
