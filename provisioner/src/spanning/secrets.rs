//! Secrets, and their replicas in the other region.
//!
//! The password of the database's owner is made by Secrets Manager and goes from there to RDS. It is in no template, no
//! state file and no log. RDS itself cannot manage it for members of a global database.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, StatusType, Tag};
use understudy_policies::model::RegionName;

use super::ChangeKind::{Add, Change, Remove, Replace};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::trouble::{TroubleKind, failed, found};

const ABSENT: &[&str] = &["ResourceNotFoundException"];
const PASSWORD_LENGTH: i64 = 40;
/// Days in which a deleted secret can be restored.
const RECOVERY_DAYS: i64 = 7;

/// One secret.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its name, the same in every region.
    pub name: String,
    /// What is in it.
    pub holds: Holds,
    /// What it is for.
    pub description: String,
    /// The keys that encrypt it, home and away; none: AWS's own.
    pub keys: [Option<String>; 2],
}

/// What a secret holds.
#[derive(Debug, Clone)]
pub enum Holds {
    /// A user's name, and a password that is made once, as JSON.
    Login(String),
    /// A token that is made once.
    Token,
    /// What the files say, written again when they say something else. None: it cannot be said yet.
    Text(Option<String>),
}

impl Holds {
    const fn detail(&self) -> &'static str {
        match self {
            Self::Login(_) => "with a password that is made there",
            Self::Token => "with a token that is made there",
            Self::Text(_) => "with what the files say",
        }
    }
}

/// The secrets.
#[derive(Debug)]
pub struct Secrets {
    /// What they are for, in one or two words.
    pub name: &'static str,
    /// What is shared.
    pub shared: Shared,
    /// What should be.
    pub secrets: Vec<Secret>,
}

#[async_trait]
impl Reconciler for Secrets {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for secret in &self.secrets {
            self.secret(secret, &mut all).await?;
        }
        Ok(all)
    }

    async fn leftovers(&self, data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for secret in &self.secrets {
            self.left(secret, data, &mut left).await?;
        }
        Ok(left)
    }
}

impl Secrets {
    fn home(&self) -> &RegionName {
        &self.shared.regions[0]
    }

    fn client(&self) -> Client {
        self.shared.aws.secrets(self.home())
    }

    async fn describe(&self, secret: &Secret) -> Result<Option<DescribeSecretOutput>, Trouble> {
        let answer = self.client().describe_secret().secret_id(&secret.name).send().await;
        found(answer, ABSENT, "secretsmanager:DescribeSecret", self.home())
    }

    async fn secret(&self, secret: &Secret, all: &mut Vec<Difference>) -> Result<(), Trouble> {
        let [home, away] = &self.shared.regions;
        let what = format!("secret {}", secret.name);
        let Some(there) = self.describe(secret).await? else {
            // What is not known yet can be planned, and not made.
            let ready = !matches!(secret.holds, Holds::Text(None));
            let act = create(self.client(), secret.clone(), self.shared.clone());
            all.push(Difference::new(Add, home, &what, secret.holds.detail()).by_if(ready, act));
            all.push(Difference::new(Add, away, &what, "a replica"));
            return Ok(());
        };
        let tags = tags_of(&there);
        if !self.shared.owns(&tags) {
            return Err(self.shared.not_ours(&what, home));
        }
        if there.deleted_date().is_some() {
            let (client, name, region) = (self.client(), secret.name.clone(), home.clone());
            let act = async move {
                let answer = client.restore_secret().secret_id(name).send().await;
                answer.map_err(failed("secretsmanager:RestoreSecret", &region))?;
                Ok(())
            };
            all.push(Difference::new(Change, home, &what, "restored from its deletion").by(act));
            return Ok(());
        }
        let missing = self.shared.missing_tags(&tags);
        if !missing.is_empty() {
            let act = tag(self.client(), secret.name.clone(), missing, home.clone());
            all.push(Difference::new(Change, home, &what, "tags").by(act));
        }
        if let Holds::Text(Some(text)) = &secret.holds
            && value(&self.client(), &secret.name, home).await?.as_ref() != Some(text)
        {
            let act = put(self.client(), secret.name.clone(), text.clone(), home.clone());
            all.push(Difference::new(Change, home, &what, "the files say something else").by(act));
        }
        let mut replicas = there.replication_status().iter();
        let replica = replicas.find(|replica| replica.region() == Some(away.as_str()));
        match replica.and_then(|replica| replica.status()) {
            Some(StatusType::InSync) => {
                // It says so of the text before, for a moment.
                if let Holds::Text(Some(text)) = &secret.holds
                    && value(&self.shared.aws.secrets(away), &secret.name, away)
                        .await?
                        .as_ref()
                        != Some(text)
                {
                    all.push(Difference::new(Change, away, &what, "the replica follows").waits());
                }
            }
            Some(StatusType::Failed) => {
                let said = replica
                    .and_then(|replica| replica.status_message())
                    .unwrap_or("no reason given");
                let act = self.drop_replica(secret);
                all.push(Difference::new(Replace, away, &what, format!("the replica failed: {said}")).by(act));
            }
            Some(_) => all.push(Difference::new(Add, away, &what, "a replica").waits()),
            None => {
                let act = replicate(self.client(), secret.clone(), self.shared.regions.clone());
                all.push(Difference::new(Add, away, &what, "a replica").by(act));
            }
        }
        Ok(())
    }

    fn drop_replica(&self, secret: &Secret) -> impl Future<Output = Result<(), Trouble>> + Send + 'static {
        let [home, away] = self.shared.regions.clone();
        let (client, name) = (self.client(), secret.name.clone());
        async move {
            let call = client.remove_regions_from_replication().secret_id(name);
            let answer = call.remove_replica_regions(away.as_str()).send().await;
            answer.map_err(failed("secretsmanager:RemoveRegionsFromReplication", &home))?;
            Ok(())
        }
    }

    async fn left(&self, secret: &Secret, data: bool, left: &mut Leftovers) -> Result<(), Trouble> {
        let [home, away] = &self.shared.regions;
        let what = format!("secret {}", secret.name);
        let Some(there) = self.describe(secret).await? else {
            return Ok(());
        };
        if !self.shared.owns(&tags_of(&there)) || there.deleted_date().is_some() {
            return Ok(());
        }
        if !data {
            left.keep_data(what, home);
            return Ok(());
        }
        let replicated = !there.replication_status().is_empty();
        if replicated {
            let (drop, client, name, place) = (
                self.drop_replica(secret),
                self.client(),
                secret.name.clone(),
                home.clone(),
            );
            let act = async move {
                match drop.await {
                    // ministack lacks this call, and lets the secret go with its replicas.
                    Err(trouble) if trouble.said.starts_with("Unknown action") => delete(client, name, place).await,
                    dropped => dropped,
                }
            };
            left.remove
                .push(Difference::new(Remove, away, &what, "the replica").by(act));
        }
        let act = delete(self.client(), secret.name.clone(), home.clone());
        let detail = format!("can be restored for {RECOVERY_DAYS} days");
        left.remove
            .push(Difference::new(Remove, home, &what, detail).by_if(!replicated, act));
        Ok(())
    }
}

fn tags_of(secret: &DescribeSecretOutput) -> BTreeMap<String, String> {
    let tags = secret.tags().iter();
    tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
        .collect()
}

fn replica(secret: &Secret, away: &RegionName) -> ReplicaRegionType {
    ReplicaRegionType::builder()
        .region(away.as_str())
        .set_kms_key_id(secret.keys[1].clone())
        .build()
}

async fn create(client: Client, secret: Secret, shared: Shared) -> Result<(), Trouble> {
    let [home, away] = &shared.regions;
    let value = match &secret.holds {
        Holds::Login(username) => {
            let password = random(&client, home).await?;
            serde_json::json!({ "username": username, "password": password }).to_string()
        }
        Holds::Token => random(&client, home).await?,
        Holds::Text(text) => text.clone().unwrap_or_default(),
    };
    let tags = shared
        .each_tag()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    client
        .create_secret()
        .name(&secret.name)
        .description(&secret.description)
        .set_kms_key_id(secret.keys[0].clone())
        .secret_string(value)
        .set_tags(Some(tags.collect()))
        .add_replica_regions(replica(&secret, away))
        .send()
        .await
        .map_err(failed("secretsmanager:CreateSecret", home))?;
    Ok(())
}

async fn random(client: &Client, home: &RegionName) -> Result<String, Trouble> {
    let answer = client
        .get_random_password()
        .password_length(PASSWORD_LENGTH)
        // RDS takes neither of `/`, `@`, `"` and blanks.
        .exclude_punctuation(true)
        .send()
        .await
        .map_err(failed("secretsmanager:GetRandomPassword", home))?;
    // An empty one would lock nobody out.
    answer
        .random_password
        .filter(|password| !password.is_empty())
        .ok_or_else(|| {
            Trouble::own(
                TroubleKind::Call,
                "Secrets Manager made no password: run the same command again",
            )
        })
}

async fn put(client: Client, name: String, text: String, region: RegionName) -> Result<(), Trouble> {
    let call = client.put_secret_value().secret_id(name).secret_string(text);
    call.send()
        .await
        .map_err(failed("secretsmanager:PutSecretValue", &region))?;
    Ok(())
}

async fn delete(client: Client, name: String, region: RegionName) -> Result<(), Trouble> {
    let call = client
        .delete_secret()
        .secret_id(name)
        .recovery_window_in_days(RECOVERY_DAYS);
    call.send()
        .await
        .map_err(failed("secretsmanager:DeleteSecret", &region))?;
    Ok(())
}

async fn replicate(client: Client, secret: Secret, regions: [RegionName; 2]) -> Result<(), Trouble> {
    let [home, away] = &regions;
    let call = client.replicate_secret_to_regions().secret_id(&secret.name);
    let answer = call.add_replica_regions(replica(&secret, away)).send().await;
    answer.map_err(failed("secretsmanager:ReplicateSecretToRegions", home))?;
    Ok(())
}

async fn tag(client: Client, name: String, tags: Vec<(String, String)>, region: RegionName) -> Result<(), Trouble> {
    let tags = tags
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    let call = client.tag_resource().secret_id(name).set_tags(Some(tags.collect()));
    call.send()
        .await
        .map_err(failed("secretsmanager:TagResource", &region))?;
    Ok(())
}

async fn value(client: &Client, name: &str, region: &RegionName) -> Result<Option<String>, Trouble> {
    let answer = client.get_secret_value().secret_id(name).send().await;
    let answer = answer.map_err(failed("secretsmanager:GetSecretValue", region))?;
    Ok(answer.secret_string)
}

/// User name and password of a secret. They go into one call and nowhere else.
pub(super) async fn read(client: &Client, name: &str, region: &RegionName) -> Result<(String, String), Trouble> {
    let text = value(client, name, region).await?;
    let value: Option<serde_json::Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    let text = |key: &str| value.as_ref()?.get(key)?.as_str().map(str::to_owned);
    text("username").zip(text("password")).ok_or_else(|| {
        Trouble::own(
            TroubleKind::Unfit,
            format!("the secret {name} in {region} does not hold `username` and `password`: put them there, as JSON"),
        )
    })
}
