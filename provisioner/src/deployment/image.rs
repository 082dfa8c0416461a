//! Where the engine's image comes from.

use understudy_policies::model::RegionName;

use super::Engine;

/// A repository of ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The account whose it is: 12 digits.
    pub account: String,
    /// The region in which it is.
    pub region: String,
    /// Its name, such as `understudy-engine` or `trading/engine`.
    pub name: String,
}

impl Repository {
    /// Its ARN, for the policy of whoever fetches from it.
    #[must_use]
    pub fn arn(&self, partition: &str) -> String {
        format!(
            "arn:{partition}:ecr:{}:{}:repository/{}",
            self.region, self.account, self.name
        )
    }
}

impl Engine {
    /// The image, as it stands in a region's registry.
    #[must_use]
    pub fn image_in(&self, region: &RegionName) -> String {
        self.image.replace(PLACE, region.as_str())
    }

    /// The repository of ECR from which a region fetches the image. None, if it is another registry's: that one asks for no
    /// permission of AWS.
    #[must_use]
    pub fn repository(&self, region: &RegionName) -> Option<Repository> {
        let image = self.image_in(region);
        let (host, name) = parts(&image)?;
        let (account, region) = registry(host)?;
        Some(Repository {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The region that the image names instead of leaving it open, if it is in ECR.
    pub(super) fn fixed_region(&self) -> Option<&str> {
        let (host, _) = parts(&self.image)?;
        registry(host)
            .map(|(_, region)| region)
            .filter(|region| *region != PLACE)
    }
}

/// Becomes the region.
const PLACE: &str = "{region}";

/// Reads an image: a registry, a repository, perhaps a tag, and a digest.
///
/// # Errors
/// When the text is none, with a sentence that says how to write it.
pub(super) fn image(text: &str) -> Result<String, String> {
    let digest = text.split_once("@sha256:").map(|(_, digest)| digest);
    let fits = digest.is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !fits {
        return Err(format!(
            "`{text}` has no digest, so both regions may run different engines; write it like `registry/name@sha256:` and 64 hexadecimal digits"
        ));
    }
    let Some((host, _)) = parts(text) else {
        return Err(format!(
            "`{text}` names no registry and repository; write it like `registry/name@sha256:` and 64 hexadecimal digits, in lower case"
        ));
    };
    if (host.contains(".dkr.") || host.contains(".dkr-ecr.")) && registry(host).is_none() {
        return Err(format!(
            "`{host}` is no registry of ECR; write it like `000000000000.dkr.ecr.{PLACE}.amazonaws.com`"
        ));
    }
    Ok(text.to_owned())
}

/// The registry, and the repository's name without tag and digest.
fn parts(image: &str) -> Option<(&str, &str)> {
    let (host, rest) = image.split_once('/')?;
    let name = rest.split(['@', ':']).next()?;
    // Without a dot or a port the first word would be taken for a part of the name, and the registry for Docker's.
    let is_host = host.contains(['.', ':']) && !host.contains(char::is_whitespace);
    let word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        word.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
            && word.bytes().next().is_some_and(plain)
            && word.bytes().last().is_some_and(plain)
    };
    (is_host && name.len() <= 256 && name.split('/').all(word)).then_some((host, name))
}

/// The account and the region of a registry of ECR.
fn registry(host: &str) -> Option<(&str, &str)> {
    let (account, rest) = host.split_once('.')?;
    let region = match rest.strip_prefix("dkr-ecr.") {
        Some(dual_stack) => dual_stack.strip_suffix(".on.aws")?,
        None => {
            let rest = rest
                .strip_prefix("dkr.ecr.")
                .or_else(|| rest.strip_prefix("dkr.ecr-fips."))?;
            rest.strip_suffix(".amazonaws.com")?
        }
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !region.is_empty() && !region.contains('.')).then_some((account, region))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "@sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn engine(image: &str) -> Engine {
        let image = format!("{image}{DIGEST}");
        Engine {
            image: super::image(&image).unwrap_or_else(|why| panic!("{why}")),
            cpu: 512,
            memory_mb: 1024,
            operators: Vec::new(),
            observer: None,
        }
    }

    fn repository(image: &str) -> Option<Repository> {
        engine(image).repository(&RegionName::new("us-east-2").unwrap())
    }

    #[test]
    fn an_image_of_ecr_is_in_each_regions_own_repository() {
        let cases = [
            ("111122223333.dkr.ecr.{region}.amazonaws.com/engine", "engine"),
            ("111122223333.dkr.ecr.{region}.amazonaws.com/engine:1.2", "engine"),
            (
                "111122223333.dkr.ecr-fips.{region}.amazonaws.com/trading/engine",
                "trading/engine",
            ),
            (
                "111122223333.dkr-ecr.{region}.on.aws/trading/under_study-2.x",
                "trading/under_study-2.x",
            ),
        ];
        for (image, name) in cases {
            let found = repository(image).unwrap();
            let arn = format!("arn:aws:ecr:us-east-2:111122223333:repository/{name}");
            assert_eq!(found.arn("aws"), arn, "{image}");
            assert_eq!(found.name, name);
            assert_eq!(engine(image).fixed_region(), None);
        }
        let stays = engine("111122223333.dkr.ecr.us-east-1.amazonaws.com/engine");
        assert_eq!(stays.fixed_region(), Some("us-east-1"));
    }

    #[test]
    fn an_image_of_another_registry_is_in_no_repository() {
        for image in [
            "public.ecr.aws/understudy/engine",
            "docker.io/understudy/engine:1",
            "ghcr.io/understudy/engine",
            "127.0.0.1:5000/engine",
        ] {
            assert_eq!(repository(image), None, "{image}");
            assert_eq!(engine(image).fixed_region(), None);
        }
    }

    #[test]
    fn what_is_no_image_is_refused_with_what_to_write() {
        let cases = [
            (
                "111122223333.dkr.ecr.{region}.amazonaws.com/engine:latest",
                "has no digest",
            ),
            (&format!("engine{DIGEST}"), "names no registry"),
            (&format!("understudy/engine{DIGEST}"), "names no registry"),
            (&format!("docker.io/{DIGEST}"), "names no registry"),
            (&format!("docker.io/Engine{DIGEST}"), "in lower case"),
            (&format!("docker.io/under study{DIGEST}"), "names no registry"),
            (
                &format!("1111.dkr.ecr.{{region}}.amazonaws.com/engine{DIGEST}"),
                "no registry of ECR",
            ),
            (
                &format!("111122223333.dkr.ecr.amazonaws.com/engine{DIGEST}"),
                "no registry of ECR",
            ),
            (
                &format!("111122223333.dkr.ecr..amazonaws.com/engine{DIGEST}"),
                "no registry of ECR",
            ),
        ];
        for (text, why) in cases {
            let wrong = image(text).unwrap_err();
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }
}
