//! What must never be shown.

use std::fmt;

use super::given::Given;

/// A token or a password. Its `Debug` shows nothing; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What should hold a secret, and does not.
#[derive(Debug, thiserror::Error)]
pub enum NoSecret {
    /// It cannot be read.
    #[error("{} cannot be read: {because}", place.in_words())]
    Unreadable {
        /// Where it should be.
        place: Given,
        /// What the system said.
        because: std::io::Error,
    },
    /// It is too short to be one.
    #[error("{} holds fewer than {SHORTEST} letters; fill it with `openssl rand -hex 32`", .0.in_words())]
    TooShort(Given),
}

/// Below this anybody could guess it. A choice: 16 letters of hex are 64 bits.
const SHORTEST: usize = 16;

impl Secret {
    /// A secret from elsewhere.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The first line of a file or a variable.
    ///
    /// # Errors
    /// When it cannot be read, or holds too little.
    pub fn read(place: &Given) -> Result<Self, NoSecret> {
        let text = read(place)?;
        let line = text.lines().next().unwrap_or_default().trim();
        if line.len() < SHORTEST {
            return Err(NoSecret::TooShort(place.clone()));
        }
        Ok(Self(line.to_owned()))
    }

    /// The secret itself, for whoever has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a text is this secret, in a time that does not depend on how much of it is right.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), text.as_bytes());
        let difference = own
            .iter()
            .zip(other)
            .fold(own.len() ^ other.len(), |sum, (a, b)| sum | usize::from(a ^ b));
        difference == 0
    }
}

/// What operators may show: one token for all of them, or one for each, with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens(Vec<(Option<String>, Secret)>);

/// Whose token it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer<'t> {
    /// The token's name, if it has one.
    pub name: Option<&'t str>,
}

impl Tokens {
    /// One token without a name.
    #[must_use]
    pub fn one(secret: Secret) -> Self {
        Self(vec![(None, secret)])
    }

    /// One token a line. A line may begin with a name: `ada 3f…`. Lines that are empty or begin with `#`
    /// mean nothing.
    ///
    /// # Errors
    /// When they cannot be read, there is none, or one that is too short.
    pub fn read(place: &Given) -> Result<Self, NoSecret> {
        let text = read(place)?;
        let mut tokens = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, secret) = match line.split_once(char::is_whitespace) {
                Some((name, secret)) => (Some(name.to_owned()), secret.trim()),
                None => (None, line),
            };
            if secret.len() < SHORTEST {
                return Err(NoSecret::TooShort(place.clone()));
            }
            tokens.push((name, Secret::new(secret.to_owned())));
        }
        if tokens.is_empty() {
            return Err(NoSecret::TooShort(place.clone()));
        }
        Ok(Self(tokens))
    }

    /// The first one: what a client shows, whose file holds its own alone.
    #[must_use]
    pub fn first(&self) -> Option<&Secret> {
        self.0.first().map(|(_, secret)| secret)
    }

    /// Whose token a text is. Every token is compared, so that the time says nothing.
    #[must_use]
    pub fn bearer(&self, text: &str) -> Option<Bearer<'_>> {
        let mut found = None;
        for (name, secret) in &self.0 {
            if secret.matches(text) {
                found = Some(Bearer { name: name.as_deref() });
            }
        }
        found
    }

    /// Whether a text is one of the tokens.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.bearer(text).is_some()
    }
}

fn read(place: &Given) -> Result<String, NoSecret> {
    place.text().map_err(|because| NoSecret::Unreadable {
        place: place.clone(),
        because,
    })
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_and_matches_itself_alone() {
        let secret = Secret::new("0123456789abcdef".to_owned());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert!(secret.matches("0123456789abcdef"));
        for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF"] {
            assert!(!secret.matches(other), "{other}");
        }
    }

    #[test]
    fn tokens_with_names_say_whose_they_are() {
        let path = std::env::temp_dir().join(format!("understudy-tokens-{}", std::process::id()));
        std::fs::write(&path, "# operators\nada 0123456789abcdef\n\ngrace fedcba9876543210\n").unwrap();
        let tokens = Tokens::read(&Given::File(path.clone()));
        std::fs::remove_file(&path).unwrap();
        let tokens = tokens.unwrap();
        assert_eq!(tokens.bearer("fedcba9876543210").unwrap().name, Some("grace"));
        assert_eq!(tokens.bearer("grace fedcba9876543210"), None);
        assert!(!format!("{tokens:?}").contains("0123"));
    }
}
