//! What sidecars in ECS are started with.

/// What a sidecar in ECS is started with: it comes out of a secret into its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarSecret {
    /// The policy.
    Policy,
    /// The platform file.
    Platform,
    /// What operators must show for changes.
    Token,
    /// What peers show each other.
    PeerToken,
    /// The database's user of the sidecars, with its password.
    Database,
}

impl SidecarSecret {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Policy,
        Self::Platform,
        Self::Token,
        Self::PeerToken,
        Self::Database,
    ];

    /// Those that the observer is started with: it has no way to a database.
    pub const OF_OBSERVER: [Self; 4] = [Self::Policy, Self::Platform, Self::Token, Self::PeerToken];

    /// Secrets Manager takes a hyphen and six letters at the end of a name for what it added itself, and then does not find
    /// the secret: so none of these ends in such a word.
    pub(super) const fn role(self) -> &'static str {
        match self {
            Self::Policy => "engine-policy-file",
            Self::Platform => "engine-platform-file",
            Self::Token => "engine-token",
            Self::PeerToken => "engine-peer-token",
            Self::Database => "engine-database-user",
        }
    }

    /// The variable of its environment.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Policy => "UNDERSTUDY_POLICY",
            Self::Platform => "UNDERSTUDY_PLATFORM",
            Self::Token => "UNDERSTUDY_TOKEN",
            Self::PeerToken => "UNDERSTUDY_PEER_TOKEN",
            Self::Database => "UNDERSTUDY_DATABASE_PASSWORD",
        }
    }
}
