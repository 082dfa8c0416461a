//! Secrets, and their replicas in other regions.
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
/// The key that AWS holds for all secrets of an account.
const OF_AWS: &str = "alias/aws/secretsmanager";

/// One secret.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Its name, the same in every region.
    pub name: String,
    /// What is in it.
    pub holds: Holds,
    /// What it is for.
    pub description: String,
    /// The key that encrypts it at home; none: AWS's own, or not known before it is there.
    pub key: Option<String>,
    /// Where else it is.
    pub replicas: Vec<Replica>,
}

/// Where else a secret is.
#[derive(Debug, Clone)]
pub struct Replica {
    /// The region.
    pub region: RegionName,
    /// The key that encrypts it there; none: AWS's own, or not known before it is there.
    pub key: Option<String>,
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
    /// Whether the files ask for them. Those that they no longer ask for stay as they are: they hold data.
    pub asked_for: bool,
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
        for secret in self.secrets.iter().filter(|_| self.asked_for) {
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
        let home = self.home();
        let what = format!("secret {}", secret.name);
        let Some(there) = self.describe(secret).await? else {
            // What is not known yet can be planned, and not made.
            let ready = !matches!(secret.holds, Holds::Text(None));
            let act = create(self.client(), secret.clone(), self.shared.clone());
            all.push(Difference::new(Add, home, &what, secret.holds.detail()).by_if(ready, act));
            let replicas = secret.replicas.iter();
            all.extend(replicas.map(|replica| Difference::new(Add, &replica.region, &what, "a replica")));
            return Ok(());
        };
        let tags = tags_of(&there);
        if !self.shared.owns(&tags) {
            return Err(self.shared.not_ours(&what, home));
        }
        if there.deleted_date().is_some() {
            // AWS's own key does not go. Any other that is not wanted any more is on its way out, and nobody could read what it
            // encrypts.
            if let Some(is) = own(there.kms_key_id()).filter(|is| !same_key(Some(is), secret.key.as_deref())) {
                let refused = Difference::new(Change, home, &what, "is in its deletion, with another key");
                all.push(refused.refused(restored_under_another(&secret.name, home, is)));
                return Ok(());
            }
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
        if secret.key.is_some() && !same_key(there.kms_key_id(), secret.key.as_deref()) {
            let (client, name, key, region) = (self.client(), secret.name.clone(), secret.key.clone(), home.clone());
            let act = async move {
                let call = client.update_secret().secret_id(name).set_kms_key_id(key);
                call.send()
                    .await
                    .map_err(failed("secretsmanager:UpdateSecret", &region))?;
                Ok(())
            };
            let detail = key_detail(there.kms_key_id(), secret.key.as_deref());
            all.push(Difference::new(Change, home, &what, detail).by(act));
        }
        if let Holds::Text(Some(text)) = &secret.holds
            && value(&self.client(), &secret.name, home).await?.as_ref() != Some(text)
        {
            let act = put(self.client(), secret.name.clone(), text.clone(), home.clone());
            all.push(Difference::new(Change, home, &what, "the files say something else").by(act));
        }
        for replica in &secret.replicas {
            all.extend(self.replica(secret, replica, &there).await?);
        }
        Ok(())
    }

    /// In what a replica differs.
    async fn replica(
        &self,
        secret: &Secret,
        wanted: &Replica,
        there: &DescribeSecretOutput,
    ) -> Result<Option<Difference>, Trouble> {
        let region = &wanted.region;
        let what = format!("secret {}", secret.name);
        let mut replicas = there.replication_status().iter();
        let replica = replicas.find(|replica| replica.region() == Some(region.as_str()));
        let key = replica.and_then(|replica| replica.kms_key_id());
        Ok(match replica.and_then(|replica| replica.status()) {
            Some(StatusType::InSync) if wanted.key.is_some() && !same_key(key, wanted.key.as_deref()) => {
                let detail = format!("the replica: {}", key_detail(key, wanted.key.as_deref()));
                let (drop, client) = (self.drop_replicas(secret, vec![region.to_string()]), self.client());
                let (name, again, home) = (secret.name.clone(), wanted.clone(), self.home().clone());
                let act = async move {
                    match drop.await {
                        // ministack lacks this call, and takes another key when it is told to replicate once more.
                        Err(trouble) if trouble.said.starts_with("Unknown action") => {
                            replicate(client, name, again, home).await
                        }
                        dropped => dropped,
                    }
                };
                Some(Difference::new(Replace, region, &what, detail).by(act))
            }
            Some(StatusType::InSync) => {
                // It says so of the text before, for a moment.
                if let Holds::Text(Some(text)) = &secret.holds
                    && value(&self.shared.aws.secrets(region), &secret.name, region)
                        .await?
                        .as_ref()
                        != Some(text)
                {
                    return Ok(Some(
                        Difference::new(Change, region, &what, "the replica follows").waits(),
                    ));
                }
                None
            }
            Some(StatusType::Failed) => {
                let said = replica
                    .and_then(|replica| replica.status_message())
                    .unwrap_or("no reason given");
                let act = self.drop_replicas(secret, vec![region.to_string()]);
                Some(Difference::new(Replace, region, &what, format!("the replica failed: {said}")).by(act))
            }
            Some(_) => Some(Difference::new(Add, region, &what, "a replica").waits()),
            None => {
                let (client, name, home) = (self.client(), secret.name.clone(), self.home().clone());
                let act = replicate(client, name, wanted.clone(), home);
                Some(Difference::new(Add, region, &what, "a replica").by(act))
            }
        })
    }

    fn drop_replicas(
        &self,
        secret: &Secret,
        regions: Vec<String>,
    ) -> impl Future<Output = Result<(), Trouble>> + Send + 'static {
        let (client, name, home) = (self.client(), secret.name.clone(), self.home().clone());
        async move {
            let call = client.remove_regions_from_replication().secret_id(name);
            let answer = call.set_remove_replica_regions(Some(regions)).send().await;
            answer.map_err(failed("secretsmanager:RemoveRegionsFromReplication", &home))?;
            Ok(())
        }
    }

    async fn left(&self, secret: &Secret, data: bool, left: &mut Leftovers) -> Result<(), Trouble> {
        let home = self.home();
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
        let replicas = there.replication_status().iter();
        let replicas: Vec<String> = replicas
            .filter_map(|replica| replica.region().map(str::to_owned))
            .collect();
        let replicated = !replicas.is_empty();
        if replicated {
            let all = replicas.join(", ");
            let (drop, client, name, place) = (
                self.drop_replicas(secret, replicas),
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
                .push(Difference::new(Remove, home, &what, format!("the replicas in {all}")).by(act));
        }
        let act = delete(self.client(), secret.name.clone(), home.clone());
        // Its key goes as well, so what could be restored could not be read.
        let detail = "for good, like its key";
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

/// A key, unless it is AWS's own: that may be named, or not.
fn own(key: Option<&str>) -> Option<&str> {
    key.filter(|key| !key.is_empty() && !key.ends_with(OF_AWS))
}

/// Whether two names mean one key. A key is named by its ARN, or by its id or alias alone.
fn same_key(is: Option<&str>, wanted: Option<&str>) -> bool {
    let (Some(is), Some(wanted)) = (own(is), own(wanted)) else {
        return own(is).is_none() && own(wanted).is_none();
    };
    let is_arn = |key: &str| key.starts_with("arn:");
    let short = |key: &str| {
        let key = key.rsplit(':').next().unwrap_or_default();
        key.trim_start_matches("key/").to_owned()
    };
    is == wanted || !(is_arn(is) && is_arn(wanted)) && short(is) == short(wanted)
}

fn key_detail(is: Option<&str>, wanted: Option<&str>) -> String {
    let named = |key| own(key).unwrap_or("AWS's own").to_owned();
    format!("key {} -> {}", named(is), named(wanted))
}

/// A secret that would be restored, and could not be read once its key is gone.
fn restored_under_another(name: &str, home: &RegionName, key: &str) -> Trouble {
    Trouble::refused(format!(
        "the secret {name} in {home} is in its deletion, and encrypted with {key}, which is not the key of this environment: \
         once that is gone, nobody can read what it holds. To keep it, cancel the key's deletion, if that is scheduled \
         (`aws kms cancel-key-deletion --region {home} --key-id {key}`, then `aws kms enable-key` likewise), and restore the \
         secret (`aws secretsmanager restore-secret --region {home} --secret-id {name}`): the next run gives it the other \
         key. To have a new one, delete it at once: `aws secretsmanager delete-secret --region {home} --secret-id {name} \
         --force-delete-without-recovery`"
    ))
}

fn replica_type(replica: &Replica) -> ReplicaRegionType {
    ReplicaRegionType::builder()
        .region(replica.region.as_str())
        .set_kms_key_id(replica.key.clone())
        .build()
}

async fn create(client: Client, secret: Secret, shared: Shared) -> Result<(), Trouble> {
    let [home, _] = &shared.regions;
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
        .set_kms_key_id(secret.key.clone())
        .secret_string(value)
        .set_tags(Some(tags.collect()))
        .set_add_replica_regions(Some(secret.replicas.iter().map(replica_type).collect()))
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
        .force_delete_without_recovery(true);
    call.send()
        .await
        .map_err(failed("secretsmanager:DeleteSecret", &region))?;
    Ok(())
}

async fn replicate(client: Client, name: String, replica: Replica, home: RegionName) -> Result<(), Trouble> {
    let call = client.replicate_secret_to_regions().secret_id(name);
    let answer = call.add_replica_regions(replica_type(&replica)).send().await;
    answer.map_err(failed("secretsmanager:ReplicateSecretToRegions", &home))?;
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
