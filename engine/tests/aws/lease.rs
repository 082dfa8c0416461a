//! The lease item in a real conditional store: what it does is what the core's own record does.

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use understudy_engine::aws::lease::NotCreated;
use understudy_engine::core::effect::Outcome;
use understudy_engine::core::ids::{Epoch, Nonce, Region, SidecarId};
use understudy_engine::core::lease::{Driver, LeaseRecord, LeaseRequest, RoleChange, RoleChangeKind};
use understudy_engine::service::parts::LeaseStore;
use understudy_engine::workflow::StepId;

use crate::emulator::Emulator;
use crate::platform::{make_table, names, operator, side};

/// Generous: a busy machine is no failure of the lease.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request relative to what the item says, so that most conditions nearly hold.
#[derive(Debug, Clone)]
struct Draft {
    kind: u8,
    region: Region,
    /// Added to the epoch that is seen: a late or an early request.
    epoch: i8,
    /// Whether the request names what is there (a claim, a driver, the renewals), or something else.
    sees: bool,
    sidecar: u16,
    flag: bool,
    step: StepId,
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let region = prop_oneof![Just(Region::Home), Just(Region::Away)];
    let epoch = prop_oneof![8 => Just(0_i8), 1 => Just(-1), 1 => Just(1)];
    let step = prop_oneof![
        Just(StepId::RaiseEpoch),
        Just(StepId::PromoteDatabase),
        Just(StepId::MarkProtected)
    ];
    let draft = (
        0_u8..9,
        region,
        epoch,
        prop::bool::weighted(0.8),
        1_u16..3,
        any::<bool>(),
        step,
    )
        .prop_map(|(kind, region, epoch, sees, sidecar, flag, step)| Draft {
            kind,
            region,
            epoch,
            sees,
            sidecar,
            flag,
            step,
        });
    prop::collection::vec(draft, 1..40)
}

impl Draft {
    fn request(&self, item: &LeaseRecord) -> LeaseRequest {
        let epoch = Epoch(item.epoch.0.saturating_add_signed(self.epoch.into()));
        let region = self.region;
        let stranger = Nonce {
            incarnation: 99,
            serial: 99,
        };
        match self.kind {
            0 => LeaseRequest::Read,
            1 => LeaseRequest::Renew { epoch, region },
            2 => LeaseRequest::Claim { epoch, region },
            3 => LeaseRequest::Withdraw { epoch, region },
            4 => LeaseRequest::Acquire {
                epoch,
                region,
                claim: item.claim.filter(|_| self.sees).map_or(stranger, |claim| claim.nonce),
            },
            5 => LeaseRequest::Release {
                epoch,
                region,
                renewals: item.renewals + u64::from(!self.sees),
            },
            6 => LeaseRequest::Transfer {
                epoch,
                from: region,
                protected: self.flag,
            },
            7 => LeaseRequest::Record {
                epoch,
                region,
                role_change: self.flag.then_some(RoleChange {
                    kind: RoleChangeKind::Failback,
                    step: self.step,
                }),
                protected: self.sees,
            },
            _ => LeaseRequest::Drive {
                region,
                sidecar: SidecarId(self.sidecar),
                seen: if self.sees {
                    item.drivers[region.index()]
                } else {
                    Some(Driver {
                        sidecar: SidecarId(7),
                        beats: 3,
                    })
                },
            },
        }
    }
}

#[test]
fn every_sequence_of_requests_leaves_what_the_core_s_own_record_says() {
    let emulator = Emulator::ministack();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let endpoint = emulator.url();
    let (table, dynamodb) = runtime.block_on(async {
        let config = operator("us-east-1", &endpoint).await;
        make_table(&config, &names().lease_table()).await;
        (
            side(Region::Home, &endpoint).await.lease(),
            aws_sdk_dynamodb::Client::new(&config),
        )
    });
    let config = Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    };
    let serial = Cell::new(0);
    TestRunner::new(config)
        .run(&drafts(), |drafts| {
            runtime.block_on(async {
                let key = aws_sdk_dynamodb::types::AttributeValue::S("lease".to_owned());
                let gone = dynamodb.delete_item().table_name(names().lease_table()).key("id", key);
                gone.send().await.unwrap();
                let mut model = table.create_first().await.unwrap();
                for draft in &drafts {
                    serial.set(serial.get() + 1);
                    let nonce = Nonce {
                        incarnation: u64::MAX,
                        serial: serial.get(),
                    };
                    let request = draft.request(&model);
                    let expected = match model.apply(&request, nonce) {
                        Ok(next) => Outcome::Lease(next),
                        Err(conflict) => Outcome::Conflict(conflict.0),
                    };
                    let outcome = table.apply(request, nonce, PATIENCE).await;
                    prop_assert_eq!(outcome, expected, "{:?}", request);
                    if let Outcome::Lease(next) = outcome {
                        model = next;
                    }
                }
                // What was answered is what is kept.
                let kept = table.apply(LeaseRequest::Read, Nonce::default(), PATIENCE).await;
                prop_assert_eq!(kept, Outcome::Lease(model));
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn the_first_item_is_made_once_and_never_by_a_sidecar() {
    let emulator = Emulator::ministack();
    let endpoint = emulator.url();
    make_table(&operator("us-east-1", &endpoint).await, &names().lease_table()).await;
    let table = side(Region::Home, &endpoint).await.lease();
    let renew = LeaseRequest::Renew {
        epoch: Epoch(1),
        region: Region::Home,
    };
    for request in [LeaseRequest::Read, renew] {
        let outcome = table.apply(request, Nonce::default(), PATIENCE).await;
        assert_eq!(outcome, Outcome::Failed, "{request:?}");
    }
    assert_eq!(table.create_first().await, Ok(LeaseRecord::initial()));
    assert!(matches!(
        table.apply(renew, Nonce::default(), PATIENCE).await,
        Outcome::Lease(_)
    ));
    assert_eq!(table.create_first().await, Err(NotCreated::Exists));
}
