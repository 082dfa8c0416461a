//! The adapter: what it asks of real servers, and what it makes of what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use understudy_engine::core::effect::{DatabaseView, IdempotencyKey, Outcome, Reconciliation};
use understudy_engine::core::ids::{Epoch, Region};
use understudy_engine::core::time::DatabaseTime;
use understudy_engine::service::parts::Database as _;
use understudy_engine::service::parts::postgres::{Postgres, probe};
use understudy_policies::model::DatabaseMethod;

use crate::server::{PASSWORD, Server, Stop};
use crate::support::{Pair, as_sidecar, connect, count, serve, until};

const KEY: IdempotencyKey = IdempotencyKey {
    epoch: Epoch(2),
    step: 0,
};

async fn clock(database: &Postgres) -> DatabaseTime {
    match database.clock().await {
        Outcome::DatabaseClock(clock) => clock,
        other => panic!("{other:?}"),
    }
}

async fn promote(database: &Postgres) -> Outcome {
    database.promote(DatabaseMethod::Postgres, KEY).await
}

/// Asks until it is done, as an engine does: on a busy machine a promotion may outlast its bound, and then is unknown.
async fn promoted(database: &Postgres) {
    until(|| async { promote(database).await == Outcome::Done }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_tells_its_clock_and_keeps_the_serving_row() {
    let pair = Pair::new("adapter-writer").await;
    let (home, away) = (pair.database(Region::Home), pair.database(Region::Away));
    let first = clock(&home).await;
    assert!(clock(&home).await > first);
    assert_eq!(away.clock().await, Outcome::Failed);

    let until = first.after(Duration::from_secs(60));
    assert_eq!(home.write_serving(Epoch(3), until).await, Outcome::Done);
    // Extended, never taken back; and an older epoch is refused.
    assert_eq!(home.write_serving(Epoch(3), first).await, Outcome::Done);
    assert_eq!(home.write_serving(Epoch(2), until).await, Outcome::Refused);
    let row = format!(
        "select count(*) from understudy.serving where epoch = 3 \
         and valid_until = timestamptz 'epoch' + interval '{} microseconds'",
        until.0
    );
    assert_eq!(count(&pair.client, &row).await, 1);
    assert_eq!(away.write_serving(Epoch(4), until).await, Outcome::Failed);

    let attached = DatabaseView {
        writer: Some(Region::Home),
        moving: false,
        replica_attached: true,
    };
    for database in [&home, &away] {
        assert_eq!(database.describe().await, Outcome::Database(attached));
    }
    assert_eq!(home.replication_lag().await, None);
    let lag = away.replication_lag().await.expect("it follows");
    assert!(lag < Duration::from_secs(30), "{lag:?}");

    // Both probes look as a new client does, and the writer's leaves its mark.
    for (from, region) in [(Region::Home, "us-east-1"), (Region::Away, "us-east-2")] {
        let [to_home, to_away] = probe::both(&pair.context(from));
        assert!(to_home.expect("named").answers().await && to_away.expect("named").answers().await);
        let mark = format!("select count(*) from understudy.probe where prober = '{region}'");
        assert_eq!(count(&pair.client, &mark).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_promoted_once_however_often_it_is_asked() {
    let mut pair = Pair::new("adapter-promotion").await;
    let away = pair.database(Region::Away);
    pair.home.kill_postmaster();
    promoted(&away).await;
    let until = clock(&away).await.after(Duration::from_secs(60));
    assert_eq!(away.write_serving(Epoch(2), until).await, Outcome::Done);
    // Promoted already.
    assert_eq!(promote(&away).await, Outcome::Done);
    let again = pair.database(Region::Away);
    assert_eq!(promote(&again).await, Outcome::Done);
    let client = connect(&pair.away).await;
    assert_eq!(
        count(
            &client,
            "select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint"
        )
        .await,
        2
    );
    let alone = DatabaseView {
        writer: Some(Region::Away),
        moving: false,
        replica_attached: false,
    };
    assert_eq!(away.describe().await, Outcome::Database(alone));
    // Aurora's ways lead nowhere here.
    assert_eq!(away.promote(DatabaseMethod::AuroraDetach, KEY).await, Outcome::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_outlives_a_hung_postmaster_and_a_connection_that_breaks_off() {
    let mut pair = Pair::new("adapter-hung").await;
    let away = pair.database(Region::Away);
    // Its connection is open before the postmaster hangs: the backend lives on, and takes the request.
    assert!(away.replication_lag().await.is_some());
    pair.home.stop(Stop::Immediate).unwrap();
    pair.away.suspend_postmaster();
    assert_eq!(promote(&away).await, Outcome::TimedOut);
    // It may happen any moment, so nobody must take it for a failure.
    let Outcome::Database(view) = away.describe().await else {
        panic!("it describes")
    };
    assert!(view.moving, "{view:?}");

    // Meanwhile the connection breaks off.
    let killer = pair.open_session_of_away().await;
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'understudy'";
    assert!(count(&killer, end).await >= 1);
    pair.away.resume();
    promoted(&away).await;
    let Outcome::Database(view) = away.describe().await else {
        panic!("it describes")
    };
    assert_eq!((view.writer, view.moving), (Some(Region::Away), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_costs_its_time_and_the_next_question_has_a_connection_of_its_own() {
    let pair = Pair::new("adapter-hangs").await;
    let home = pair.database(Region::Home);
    clock(&home).await;
    let [to_home, _] = probe::both(&pair.context(Region::Away));
    let to_home = to_home.expect("named");

    // Only the postmaster: whoever is connected is served, and a new client is not.
    pair.home.suspend_postmaster();
    clock(&home).await;
    assert!(!to_home.answers().await);

    // Everything.
    pair.home.suspend();
    let until = DatabaseTime(4_000_000_000_000_000);
    assert_eq!(home.write_serving(Epoch(1), until).await, Outcome::TimedOut);
    assert_eq!(home.write_serving(Epoch(1), until).await, Outcome::Failed);
    let away = pair.database(Region::Away);
    let describes = tokio::time::timeout(Duration::from_secs(20), away.describe());
    let Outcome::Database(view) = describes.await.expect("it gives up") else {
        panic!("it describes")
    };
    assert_eq!(view.writer, Some(Region::Home));

    pair.home.resume();
    until_clock(&home).await;
    assert!(to_home.answers().await);
}

async fn until_clock(database: &Postgres) {
    until(|| async { matches!(database.clock().await, Outcome::DatabaseClock(_)) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failover_lost_is_compared_before_the_old_server_is_rebuilt() {
    let mut pair = Pair::new("adapter-lost").await;
    assert!(serve(&pair.client, 1, 60).await);
    pair.client
        .batch_execute("insert into orders (id) select generate_series(1, 12000)")
        .await
        .unwrap();
    until(|| async { pair.is_level().await }).await;

    // Cut off: what the old writer commits from now on reaches nobody. Two of its three orders are committed while it may
    // still serve; the third is let through behind the fence's back, as a commit is that was judged and then suspended.
    pair.away.stop(Stop::Fast).unwrap();
    pair.client
        .batch_execute("insert into orders (id) values (-1); insert into orders (id) values (7000000)")
        .await
        .unwrap();
    let residual = "select pg_sleep(0.1);
                    update understudy.serving set valid_until = clock_timestamp() - interval '50 ms';
                    alter table orders disable trigger understudy_fence;
                    insert into orders (id) values (7000001);
                    alter table orders enable always trigger understudy_fence;";
    pair.client.batch_execute(residual).await.unwrap();
    pair.home.stop(Stop::Fast).unwrap();
    pair.away.start().unwrap();
    let away = pair.database(Region::Away);
    promoted(&away).await;
    let until_then = clock(&away).await.after(Duration::from_secs(60));
    assert_eq!(away.write_serving(Epoch(2), until_then).await, Outcome::Done);
    let new = connect(&pair.away).await;
    new.batch_execute("insert into orders (id) values (8000000)")
        .await
        .unwrap();

    // Nobody can tell while the old server is down, and nobody rebuilds it unseen.
    assert_eq!(away.reconcile().await, Outcome::Failed);
    assert_eq!(away.rejoin().await, Outcome::Failed);
    pair.home.start().unwrap();
    let two_writers = DatabaseView {
        writer: Some(Region::Away),
        moving: false,
        replica_attached: false,
    };
    assert_eq!(away.describe().await, Outcome::Database(two_writers));
    let found = Outcome::Reconciled(Reconciliation {
        orders_lost: 3,
        residual_commits: 1,
    });

    // The command rebuilds it; here the test does, when it sees that the command was run.
    let called = pair.called();
    let rejoined = tokio::spawn({
        let away = away.clone();
        async move { away.rejoin().await }
    });
    until(|| async { called.exists() }).await;
    let said = std::fs::read_to_string(&called).unwrap();
    assert!(
        said.contains(&format!("primary {}", as_sidecar(&pair.away))) && !said.contains(PASSWORD),
        "{said}"
    );
    // Whoever asks again joins what is under way.
    let joined = tokio::spawn({
        let away = away.clone();
        async move { away.rejoin().await }
    });
    pair.home.rebuild(&pair.away).unwrap();
    pair.home.start().unwrap();
    assert_eq!(
        (rejoined.await.unwrap(), joined.await.unwrap()),
        (Outcome::Done, Outcome::Done)
    );
    let attached = DatabaseView {
        replica_attached: true,
        ..two_writers
    };
    assert_eq!(away.describe().await, Outcome::Database(attached));
    // What was found outlives the old server's data, and the sidecar.
    assert_eq!(pair.database(Region::Away).reconcile().await, found);
    assert_eq!(std::fs::read_to_string(&called).unwrap().lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_home_stops_the_old_writer_first_and_loses_nothing() {
    let mut pair = Pair::new("adapter-home").await;
    assert!(serve(&pair.client, 1, 60).await);
    pair.client
        .batch_execute("insert into orders (id) values (1)")
        .await
        .unwrap();
    let home = Arc::new(pair.database(Region::Home));
    // A command that says that it is done and has stopped nobody is not believed.
    assert_eq!(home.switch_over(Region::Away, KEY).await, Outcome::Failed);
    assert_eq!(count(&pair.client, "select count(*) from orders").await, 1);

    std::fs::remove_file(pair.called()).unwrap();
    pair.commands_wait();
    let moved = tokio::spawn({
        let home = Arc::clone(&home);
        async move { home.switch_over(Region::Away, KEY).await }
    });
    let called = pair.called();
    until(|| async { called.exists() }).await;
    pair.client
        .batch_execute("insert into orders (id) values (2)")
        .await
        .unwrap();
    pair.home.stop(Stop::Fast).unwrap();
    pair.command_may_end();
    assert_eq!(moved.await.unwrap(), Outcome::Done);
    let new = connect(&pair.away).await;
    assert_eq!(count(&new, "select count(*) from orders").await, 2);
    // Asked again: it has happened.
    assert_eq!(home.switch_over(Region::Away, KEY).await, Outcome::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_everything_certainly_came_to_nothing_and_no_error_tells_the_password() {
    let mut pair = Pair::new("adapter-nobody").await;
    let home = pair.database(Region::Home);
    clock(&home).await;
    pair.home.stop(Stop::Immediate).unwrap();
    let until = DatabaseTime(4_000_000_000_000_000);
    let written = home.write_serving(Epoch(1), until).await;
    assert!(matches!(written, Outcome::Failed | Outcome::TimedOut), "{written:?}");
    assert_eq!(home.write_serving(Epoch(1), until).await, Outcome::Failed);
    assert_eq!(home.clock().await, Outcome::Failed);
    assert_eq!(home.switch_over(Region::Home, KEY).await, Outcome::Failed);
    assert!(!format!("{home:?}").contains(PASSWORD));

    // A wrong password is told without it.
    let away = Server::password_file(&pair.away);
    std::fs::write(&away, "a-wrong-password-it-is\n").unwrap();
    let link = understudy_engine::service::parts::postgres::link(&pair.context(Region::Away), Region::Away).unwrap();
    let failure = link.standing().await.unwrap_err().to_string();
    assert!(
        failure.contains("authentication") && !failure.contains("wrong-password"),
        "{failure}"
    );
}
