//! What the commit fence lets through, and what it refuses.

use crate::server::{Server, Stop};
use crate::support::{FENCE, SIDECAR, connect, count, fenced, refused, serve};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_commits_only_in_the_serving_epoch_and_before_its_end() {
    let (_folder, _server, client) = fenced("fence").await;
    let order = |id: i64| format!("insert into orders (id) values ({id})");

    // Nobody has ever been given the right to serve.
    assert_eq!(refused(client.batch_execute(&order(1)).await), "UF002");

    assert!(serve(&client, 3, 60).await);
    client.batch_execute(&order(2)).await.unwrap();
    let older = "insert into orders (id, epoch) values (3, 2)";
    assert_eq!(refused(client.batch_execute(older).await), "UF001");

    // An older epoch writes no row, and within one epoch nothing is taken back.
    assert!(!serve(&client, 2, 600).await);
    assert!(serve(&client, 3, -60).await);
    client.batch_execute(&order(4)).await.unwrap();

    // A clock that stepped past the end: the next epoch's right is over before it began.
    assert!(serve(&client, 4, -1).await);
    assert_eq!(refused(client.batch_execute(&order(5)).await), "UF002");
    assert_eq!(count(&client, "select count(*) from orders").await, 2);

    // A row that was written in an earlier epoch may still be changed and removed, by whoever may serve.
    assert!(serve(&client, 5, 60).await);
    client
        .batch_execute("update orders set id = 20 where id = 2")
        .await
        .unwrap();
    client.batch_execute("delete from orders where id = 4").await.unwrap();
    assert!(serve(&client, 6, -1).await);
    assert_eq!(refused(client.batch_execute("delete from orders").await), "UF002");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_pauses_between_its_check_and_its_commit_is_refused() {
    let (_folder, server, sidecar) = fenced("paused").await;
    let client = connect(&server).await;
    assert!(serve(&sidecar, 1, 60).await);

    // The right runs out while the client pauses. Its check, and the order itself, went through before.
    client
        .batch_execute("begin; insert into orders (id) values (1)")
        .await
        .unwrap();
    assert!(serve(&sidecar, 2, -1).await);
    assert_eq!(refused(client.batch_execute("commit").await), "UF001");

    assert!(serve(&sidecar, 3, 1).await);
    client
        .batch_execute("begin; insert into orders (id) values (2)")
        .await
        .unwrap();
    sidecar.batch_execute("select pg_sleep(1.2)").await.unwrap();
    assert_eq!(refused(client.batch_execute("commit").await), "UF002");

    // Loaders that switch triggers off are judged as well.
    client
        .batch_execute("set session_replication_role = replica; begin; insert into orders (id) values (3)")
        .await
        .unwrap();
    assert_eq!(refused(client.batch_execute("commit").await), "UF002");
    assert_eq!(count(&client, "select count(*) from orders").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_snapshot_cannot_commit_into_a_new_epoch() {
    let (_folder, server, sidecar) = fenced("snapshot").await;
    let client = connect(&server).await;
    for (level, serving) in [("repeatable read", 10), ("serializable", 20)] {
        assert!(serve(&sidecar, serving, 60).await);
        let begin = format!("begin isolation level {level}; insert into orders (id) values ({serving})");
        client.batch_execute(&begin).await.unwrap();
        client.batch_execute("commit").await.unwrap();

        // The snapshot is taken, the row it shows is good for a minute, and then the epoch rises.
        let begin = format!(
            "begin isolation level {level}; insert into orders (id) values ({})",
            serving + 1
        );
        client.batch_execute(&begin).await.unwrap();
        assert!(serve(&sidecar, serving + 1, 60).await);
        assert_eq!(refused(client.batch_execute("commit").await), "40001", "{level}");

        // An extension within the epoch disturbs nobody.
        let begin = format!(
            "begin isolation level {level}; insert into orders (id) values ({})",
            serving + 2
        );
        client.batch_execute(&begin).await.unwrap();
        assert!(serve(&sidecar, serving + 1, 120).await);
        client.batch_execute("commit").await.unwrap();

        // A snapshot that shows a right which has run out since errs on the side of refusing.
        assert!(serve(&sidecar, serving + 2, 1).await);
        let begin = format!(
            "begin isolation level {level}; insert into orders (id) values ({})",
            serving + 3
        );
        client.batch_execute(&begin).await.unwrap();
        sidecar.batch_execute("select pg_sleep(1.2)").await.unwrap();
        assert!(serve(&sidecar, serving + 2, 60).await);
        assert_eq!(refused(client.batch_execute("commit").await), "UF002", "{level}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_without_the_column_needs_the_setting() {
    let (_folder, _server, client) = fenced("setting").await;
    client
        .batch_execute("create table fills (id bigint primary key); select understudy.fence('fills');")
        .await
        .unwrap();
    assert!(serve(&client, 7, 60).await);
    let fill = "insert into fills values (1)";
    assert_eq!(refused(client.batch_execute(fill).await), "UF003");
    client.batch_execute("set understudy.epoch = '6'").await.unwrap();
    assert_eq!(refused(client.batch_execute(fill).await), "UF001");
    client.batch_execute("set understudy.epoch = '7'").await.unwrap();
    client.batch_execute(fill).await.unwrap();
    client.batch_execute("reset understudy.epoch").await.unwrap();
    assert_eq!(refused(client.batch_execute("delete from fills").await), "UF003");

    // Installing again, and fencing again, changes nothing.
    let triggers = "select count(*) from understudy.fenced";
    let oids = "select sum(oid::bigint)::bigint from pg_trigger where tgname = 'understudy_fence'";
    let before = count(&client, oids).await;
    for sql in [
        FENCE,
        SIDECAR,
        SIDECAR,
        "select understudy.fence('fills'), understudy.fence('orders')",
    ] {
        client.batch_execute(sql).await.unwrap();
    }
    assert_eq!(
        (count(&client, triggers).await, count(&client, oids).await),
        (2, before)
    );
    assert_eq!(count(&client, "select epoch from understudy.serving").await, 7);
    client
        .batch_execute("select understudy.unfence('fills')")
        .await
        .unwrap();
    client.batch_execute("delete from fills").await.unwrap();

    // A newer one is not overwritten.
    let newer = "create or replace function understudy.version() returns integer language sql immutable as 'select 2'";
    client.batch_execute(newer).await.unwrap();
    let error = client.batch_execute(FENCE).await.unwrap_err();
    assert!(
        error.as_db_error().unwrap().message().contains("newer commit fence"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_phase_commit_is_refused() {
    let (_folder, mut server, client) = fenced("two-phase").await;
    client
        .batch_execute("alter system set max_prepared_transactions = 4")
        .await
        .unwrap();
    drop(client);
    server.stop(Stop::Fast).unwrap();
    server.start().unwrap();
    let client = connect(&server).await;
    assert!(serve(&client, 1, 60).await);
    client
        .batch_execute("begin; insert into orders (id) values (1)")
        .await
        .unwrap();
    assert_eq!(
        refused(client.batch_execute("prepare transaction 'late'").await),
        "UF004"
    );
    client
        .batch_execute("create table fills (id bigint primary key)")
        .await
        .unwrap();
    assert_eq!(
        refused(client.batch_execute("select understudy.fence('fills')").await),
        "UF004"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_sidecar_s_role_may_say_who_serves() {
    let (_folder, server, client) = fenced("roles").await;
    let roles = "create role understudy_test login password 'another-one-of-these' in role understudy_sidecar;
                 create role trader; grant insert, select on orders to trader;";
    client.batch_execute(SIDECAR).await.unwrap();
    client.batch_execute(roles).await.unwrap();
    let session = connect(&server).await;
    session.batch_execute("set role understudy_test").await.unwrap();
    assert!(serve(&session, 1, 60).await);
    session
        .batch_execute("select understudy.write_probe('test')")
        .await
        .unwrap();
    assert_eq!(
        refused(session.batch_execute("update understudy.serving set epoch = 9").await),
        "42501"
    );

    session
        .batch_execute("set role trader; insert into orders (id) values (1)")
        .await
        .unwrap();
    let snapshot = "begin isolation level repeatable read; insert into orders (id) values (2); commit";
    session.batch_execute(snapshot).await.unwrap();
    let stolen = "select understudy.write_serving(2, 'infinity')";
    assert_eq!(refused(session.batch_execute(stolen).await), "42501");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fence_reaches_the_standby_and_holds_there_after_its_promotion() {
    let (folder, writer, client) = fenced("standby").await;
    let mut standby = Server::follow(&folder, "away", &writer).unwrap();
    standby.start().unwrap();
    assert!(serve(&client, 1, 600).await);
    client
        .batch_execute("insert into orders (id) values (1)")
        .await
        .unwrap();
    let away = connect(&standby).await;
    while count(&away, "select count(*) from orders").await == 0 {
        away.batch_execute("select pg_sleep(0.02)").await.unwrap();
    }
    assert!(
        away.query_one("select pg_promote()", &[])
            .await
            .unwrap()
            .get::<_, bool>(0)
    );
    // What it has replicated is the old writer's right: the new epoch takes its place.
    assert!(serve(&away, 2, 60).await);
    let old = "insert into orders (id, epoch) values (2, 1)";
    assert_eq!(refused(away.batch_execute(old).await), "UF001");
    away.batch_execute("insert into orders (id) values (3)").await.unwrap();
    assert_eq!(count(&away, "select count(*) from understudy.epochs").await, 2);
    assert_eq!(count(&client, "select count(*) from orders").await, 1);
}
