//! What a failover has lost: the rows behind the fence that the old writer has and the new one has not.
//!
//! Compared are the primary keys of each fenced table, of the rows of the old writer's last epoch and of later ones where
//! the table says the epoch. Both sides are read in the same order, a page at a time, so memory is bounded. A lost row
//! whose commit came after the old writer's right had run out is a residual commit; that is known where the old server
//! keeps commit timestamps (`track_commit_timestamp = on`). What is found is written down in the new writer, because
//! rebuilding the old one overwrites it.

use std::cmp::Ordering;
use std::collections::VecDeque;

use tracing::{info, warn};

use super::Postgres;
use super::link::{Apart, Failure};
use super::statements::explained;
use crate::core::effect::Reconciliation;

/// Rows that are read at once.
const PAGE: usize = 5_000;

impl Postgres {
    /// What was lost when the current epoch began; none: nobody knows.
    pub(super) async fn find_lost(&self) -> Option<Reconciliation> {
        match self.recorded_or_compared().await {
            Ok(found) => found,
            Err(failure) => {
                warn!(%failure, "what was lost cannot be told yet");
                None
            }
        }
    }

    async fn recorded_or_compared(&self) -> Result<Option<Reconciliation>, Failure> {
        let (own, other) = (self.own()?, self.link(self.own.other())?);
        let epoch = own.serving_epoch().await?;
        let recorded =
            format!("select orders_lost, residual_commits from understudy.reconciliation where epoch = {epoch}");
        if let Some([Some(lost), Some(residual)]) = own.rows(&recorded).await?.first().map(Vec::as_slice) {
            return Ok(Some(Reconciliation {
                orders_lost: lost.parse().unwrap_or(u64::MAX),
                residual_commits: residual.parse().unwrap_or(u64::MAX),
            }));
        }
        if other.standing().await?.in_recovery {
            // It was rebuilt by somebody else, who alone knows what was on it.
            return Ok(None);
        }
        let since = other.serving_epoch().await?;
        let (survived, left_behind) = (own.open_apart().await?, other.open_apart().await?);
        let mut found = Reconciliation {
            orders_lost: 0,
            residual_commits: 0,
        };
        for table in tables(&survived).await? {
            let lost = table.compare(&survived, &left_behind, since).await?;
            found.orders_lost += lost.orders_lost;
            found.residual_commits += lost.residual_commits;
        }
        let record = format!(
            "insert into understudy.reconciliation (epoch, orders_lost, residual_commits) \
             values ({epoch}, {}, {}) on conflict do nothing",
            found.orders_lost, found.residual_commits
        );
        survived.rows(&record).await?;
        info!(epoch, ?found, "compared with the old writer");
        Ok(Some(found))
    }
}

/// A table behind the fence. Its names come quoted from the server's own catalogue.
struct Table {
    name: String,
    key: String,
    by_column: bool,
}

async fn tables(apart: &Apart) -> Result<Vec<Table>, Failure> {
    let sql = "select format('%I.%I', n.nspname, c.relname), string_agg(quote_ident(a.attname), ', ' order by a.attnum), \
                      f.by_column \
               from understudy.fenced f join pg_class c on c.oid = f.fenced join pg_namespace n on n.oid = c.relnamespace \
               left join pg_index i on i.indrelid = c.oid and i.indisprimary \
               left join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey) \
               group by 1, 3 order by 1";
    let mut tables = Vec::new();
    for row in apart.rows(sql).await.map_err(explained)? {
        match &row[..] {
            [Some(name), Some(key), by_column] => tables.push(Table {
                name: name.clone(),
                key: key.clone(),
                by_column: by_column.as_deref() == Some("t"),
            }),
            _ => warn!(table = ?row.first(), "not compared: it has no primary key"),
        }
    }
    Ok(tables)
}

impl Table {
    async fn compare(&self, survived: &Apart, left_behind: &Apart, since: i64) -> Result<Reconciliation, Failure> {
        let mut survived = Pages::open(survived, &self.select("false", since)).await?;
        // Asked of the old writer alone, and compared by its own clock alone.
        let residual = "case current_setting('track_commit_timestamp') when 'on' \
                        then pg_xact_commit_timestamp(t.xmin) >= (select s.valid_until from understudy.serving s) end";
        let mut left_behind = Pages::open(left_behind, &self.select(residual, since)).await?;
        let mut found = Reconciliation {
            orders_lost: 0,
            residual_commits: 0,
        };
        let mut other = survived.next().await?;
        while let Some((key, residual)) = left_behind.next().await? {
            while other
                .as_ref()
                .is_some_and(|(other, _)| other.cmp(&key) == Ordering::Less)
            {
                other = survived.next().await?;
            }
            if other.as_ref().is_none_or(|(other, _)| *other != key) {
                found.orders_lost += 1;
                found.residual_commits += u64::from(residual);
            }
        }
        survived.close().await?;
        left_behind.close().await?;
        Ok(found)
    }

    fn select(&self, residual: &str, since: i64) -> String {
        let Self { name, key, by_column } = self;
        let epochs = if *by_column {
            format!("where t.epoch >= {since}")
        } else {
            String::new()
        };
        // Compared as text and by bytes, which no collation of either server can change.
        format!(
            "select key, residual from (select jsonb_build_array({key})::text as key, {residual} as residual from {name} t \
             {epochs}) x order by key collate \"C\""
        )
    }
}

/// The rows of one query, a page at a time.
struct Pages<'a> {
    apart: &'a Apart,
    page: VecDeque<(String, bool)>,
    over: bool,
}

impl<'a> Pages<'a> {
    async fn open(apart: &'a Apart, select: &str) -> Result<Self, Failure> {
        apart.rows("begin isolation level repeatable read read only").await?;
        apart
            .rows(&format!("declare pages no scroll cursor for {select}"))
            .await?;
        Ok(Self {
            apart,
            page: VecDeque::new(),
            over: false,
        })
    }

    async fn next(&mut self) -> Result<Option<(String, bool)>, Failure> {
        if self.page.is_empty() && !self.over {
            let rows = self.apart.rows(&format!("fetch {PAGE} from pages")).await?;
            self.over = rows.len() < PAGE;
            self.page.extend(rows.into_iter().filter_map(|row| match &row[..] {
                [Some(key), residual] => Some((key.clone(), residual.as_deref() == Some("t"))),
                _ => None,
            }));
        }
        Ok(self.page.pop_front())
    }

    async fn close(self) -> Result<(), Failure> {
        self.apart.rows("commit").await.map(drop)
    }
}
