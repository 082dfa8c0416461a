//! The role by which API Gateway writes logs: one for each account and region, whatever environments there are.
//!
//! API Gateway refuses a stage with logs while none is set. So this comes before the stages, and takes what is there: any role that
//! exists will do, whoever set it, because all that it is for is to write. Ours is set where there is none, or where the one that is
//! set is gone. It carries the environment's suffix like every role (R9.1), so when its environment is destroyed the setting goes
//! with it, and the next `apply` of another environment sets its own.

use std::time::Duration;

use async_trait::async_trait;

use super::ChangeKind::{Add, Remove};
use super::{Difference, Leftovers, Reconciler, Shared};
use crate::aws::Trouble;
use crate::aws::settings::{api_logs_role, role_exists, set_api_logs_role};

/// API Gateway tries the role, and refuses one that IAM has not made known everywhere yet.
const TRIES_MAX: u32 = 6;
/// Longer than API Gateway's own limit: this call once in 20 s.
const BETWEEN_TRIES: Duration = Duration::from_secs(21);

/// The setting, in both regions.
#[derive(Debug)]
pub struct Account {
    /// What is shared.
    pub shared: Shared,
    /// This environment's roles, by their ARNs, home and away.
    pub roles: [String; 2],
    /// Whether these are there yet.
    pub ready: [bool; 2],
}

#[async_trait]
impl Reconciler for Account {
    fn name(&self) -> &'static str {
        "account"
    }

    async fn differences(&self) -> Result<Vec<Difference>, Trouble> {
        let mut all = Vec::new();
        for (index, region) in self.shared.regions.iter().enumerate() {
            let detail = match api_logs_role(&self.shared.aws, region).await? {
                None => "none is set".to_owned(),
                Some(role) if role_exists(&self.shared.aws, region, &self.shared.account, &role).await? => continue,
                Some(role) => format!("{role} is gone"),
            };
            let act = self.set(index, Some(self.roles[index].clone()));
            let missing = Difference::new(Add, region, self.what(), detail);
            all.push(missing.by_if(self.ready[index], act));
        }
        Ok(all)
    }

    async fn leftovers(&self, _data: bool) -> Result<Leftovers, Trouble> {
        let mut left = Leftovers::default();
        for (index, region) in self.shared.regions.iter().enumerate() {
            if api_logs_role(&self.shared.aws, region).await?.as_ref() == Some(&self.roles[index]) {
                let detail = "it goes with this environment; `apply` of another one sets its own";
                let gone = Difference::new(Remove, region, self.what(), detail);
                left.remove.push(gone.by(self.set(index, None)));
            }
        }
        Ok(left)
    }
}

impl Account {
    fn what(&self) -> String {
        format!("role for API Gateway's logs of {}", self.shared.account)
    }

    fn set(&self, index: usize, role: Option<String>) -> impl Future<Output = Result<(), Trouble>> + Send + 'static {
        let (aws, region) = (self.shared.aws.clone(), self.shared.regions[index].clone());
        async move {
            let mut tries = 0;
            loop {
                tries += 1;
                match set_api_logs_role(&aws, &region, role.as_deref()).await {
                    Err(trouble) if tries < TRIES_MAX && trouble.is(&["BadRequestException"]) => {
                        tokio::time::sleep(BETWEEN_TRIES).await;
                    }
                    answer => return answer,
                }
            }
        }
    }
}
