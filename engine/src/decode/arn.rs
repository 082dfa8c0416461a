//! Amazon resource names, as far as events need them.

use super::rejection::{Excerpt, Reason};

/// `arn:partition:service:region:account:resource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    /// Everything after the account, such as `alarm:name` or `cluster:name`.
    resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(super) fn parse(text: &'a str, path: &'static str) -> Result<Self, Reason> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (prefix, _partition, _service) = (next(), next(), next());
        let (region, account, resource) = (next(), next(), next());
        if prefix == "arn" && !resource.is_empty() {
            Ok(Self {
                region,
                account,
                resource,
            })
        } else {
            Err(Reason::UnknownValue {
                path,
                value: Excerpt::of(text),
                expected: "an ARN, such as arn:aws:rds:us-east-1:111122223333:cluster:name",
            })
        }
    }

    /// The name after the resource's type, or the whole resource if it has no type.
    pub(super) fn name(&self) -> &'a str {
        self.resource.split_once(':').map_or(self.resource, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_stand_where_aws_puts_them() {
        let arn = Arn::parse("arn:aws:cloudwatch:us-east-1:111122223333:alarm:a:b", "p");
        assert_eq!(
            arn.map(|arn| (arn.region, arn.account, arn.name())),
            Ok(("us-east-1", "111122223333", "a:b"))
        );
    }

    #[test]
    fn anything_shorter_is_refused() {
        for text in [
            "",
            "arn",
            "arn:aws:rds:us-east-1:111122223333",
            "urn:a:b:c:d:e",
            ":::::",
        ] {
            assert!(Arn::parse(text, "p").is_err(), "{text}");
        }
    }
}
