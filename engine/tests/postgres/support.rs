//! Connections of clients, and what they may meet.

use tokio_postgres::{Client, Error, NoTls};

use crate::server::{Folder, PASSWORD, Server};

pub(crate) const FENCE: &str = include_str!("../../sql/fence.sql");
pub(crate) const SIDECAR: &str = include_str!("../../sql/sidecar.sql");

/// Nothing here has to survive a loss of power.
pub(crate) const QUICK: &str = "fsync = off\n";

/// A server with the fence, and a table of orders behind it.
pub(crate) async fn fenced(label: &str) -> (Folder, Server, Client) {
    let folder = Folder::new(label).unwrap();
    let mut server = Server::create(&folder, "home", QUICK).unwrap();
    server.start().unwrap();
    let client = connect(&server).await;
    client.batch_execute(FENCE).await.unwrap();
    client
        .batch_execute(
            "create table orders (id bigint primary key, epoch bigint not null default understudy.current_epoch());
             select understudy.fence('orders');",
        )
        .await
        .unwrap();
    (folder, server, client)
}

pub(crate) async fn connect(server: &Server) -> Client {
    let text = format!("{}?application_name=test&connect_timeout=10", server.url());
    let mut config: tokio_postgres::Config = text.parse().unwrap();
    config.password(PASSWORD);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Lets an epoch serve, from now on for this many seconds of the server's own clock: fewer than none are in the past.
pub(crate) async fn serve(client: &Client, epoch: i64, seconds: i32) -> bool {
    let sql = format!("select understudy.write_serving({epoch}, clock_timestamp() + interval '{seconds} seconds')");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

/// The SQLSTATE of a refusal; panics if it was none.
pub(crate) fn refused(result: Result<(), Error>) -> String {
    let error = result.expect_err("this commit should have been refused");
    error.code().unwrap_or_else(|| panic!("{error}")).code().to_owned()
}

pub(crate) async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}
