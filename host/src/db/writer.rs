//! Ground: writing, one after the other.
//!
//! SQLite has one write lock. A connection that finds it taken looks again after a
//! millisecond, then after two, five and more, while others come and take it. So the
//! writers of one process stand in a queue, where each is called as soon as the one
//! before is done; over the database's own lock there is then only strife with other
//! processes. PostgreSQL needs none of this, and has no queue.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{
    Any, AnyConnection, AnyPool, Describe, Either, Error, Execute, Executor, SqlStr, Transaction,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Where writers wait for their turn.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    turn: Option<Arc<Mutex<()>>>,
    patience: Duration,
}

/// Somebody's turn; the next one is called when it is dropped.
type Turn = Option<OwnedMutexGuard<()>>;

impl Queue {
    /// One in which whoever waits longer than `patience` is sent away.
    pub(super) fn new(patience: Duration) -> Self {
        Self { turn: Some(Arc::default()), patience }
    }

    /// Nobody waits.
    pub(super) fn none() -> Self {
        Self { turn: None, patience: Duration::ZERO }
    }

    async fn turn(&self) -> Result<Turn, Error> {
        let Some(turn) = &self.turn else { return Ok(None) };
        let began = Instant::now();
        let turn = tokio::time::timeout(self.patience, Arc::clone(turn).lock_owned()).await;
        metrics::histogram!("database_write_wait_seconds").record(began.elapsed());
        turn.map(Some).map_err(|_| Error::PoolTimedOut)
    }
}

/// What statements that write are executed by.
#[derive(Debug, Clone)]
pub struct Writer {
    pool: AnyPool,
    queue: Queue,
}

impl Writer {
    pub(super) fn new(pool: AnyPool, queue: Queue) -> Self {
        Self { pool, queue }
    }

    /// Begins a transaction with this statement.
    pub(super) async fn begin(&self, statement: &'static str) -> Result<Writing, Error> {
        let turn = self.queue.turn().await?;
        Ok(Writing { transaction: self.pool.begin_with(statement).await?, _turn: turn })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction that writes; undone when it is dropped without [`Writing::commit`].
#[derive(Debug)]
pub struct Writing {
    transaction: Transaction<'static, Any>,
    _turn: Turn,
}

impl Writing {
    pub async fn commit(self) -> Result<(), super::Error> {
        Ok(self.transaction.commit().await?)
    }
}

impl Deref for Writing {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.transaction
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }
}

impl<'c> Executor<'c> for &Writer {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let Writer { pool, queue } = self.clone();
        let answers = async move {
            let turn = queue.turn().await?;
            let answers = pool.fetch_many(query).map(move |answer| {
                let _until_the_last = &turn;
                answer
            });
            Ok::<_, Error>(answers)
        };
        stream::once(answers).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let Writer { pool, queue } = self.clone();
        Box::pin(async move {
            let _turn = queue.turn().await?;
            pool.fetch_optional(query).await
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        let pool = self.pool.clone();
        Box::pin(async move { pool.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, Error>>
    where
        'c: 'e,
    {
        let pool = self.pool.clone();
        Box::pin(async move { pool.describe(sql).await })
    }
}
