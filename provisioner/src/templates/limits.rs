//! How large CloudFormation lets a template be.
//!
//! A call carries 51,200 bytes. Larger templates are fetched from the region's bucket for packages, which a stack makes: so the
//! layers up to that one must fit into a call, and the others may have a megabyte. The deployment file's tags are what can make
//! a template grow, since every resource carries them all.

use std::io::{self, Write};

use serde_json::Value;

use super::{Layer, Platform};

/// The largest template that a call itself may carry, in bytes.
pub const SENT_MAX: usize = 51_200;
/// The largest template that is fetched from a bucket, in bytes.
pub const FETCHED_MAX: usize = 1_048_576;

impl Platform {
    /// The first template that CloudFormation would not take, in words that say what to do.
    #[must_use]
    pub fn too_large(&self) -> Option<String> {
        self.stacks.iter().find_map(|stack| {
            let bytes = size(&stack.template);
            // The layers stand in the order in which they are made.
            let (most, why) = if stack.layer <= Layer::Storage {
                (SENT_MAX, "it is sent before there is a bucket from which it could be fetched")
            } else {
                (FETCHED_MAX, "CloudFormation fetches no larger one")
            };
            (bytes > most).then(|| {
                format!(
                    "the template of {} has {bytes} bytes, and may have {most}: {why}. Every resource carries every tag: \
                     have fewer or shorter `[[tag]]` in the deployment file",
                    stack.name
                )
            })
        })
    }
}

/// The bytes of a template, as it is sent.
#[must_use]
pub fn size(template: &Value) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Values always can be written, and counting cannot fail.
    drop(serde_json::to_writer(&mut count, template));
    count.0
}
