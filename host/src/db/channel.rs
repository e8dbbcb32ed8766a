//! Ground db: short messages between the servers of one PostgreSQL database.

use sqlx::postgres::PgListener;

use super::{Db, Error};

/// Hears what is sent on a channel.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Listener {
    /// The next message. Those sent while the database was away are lost.
    pub async fn next(&mut self) -> Result<String, Error> {
        Ok(self.0.recv().await?.payload().to_owned())
    }
}

impl Db {
    /// Whether servers of this database can send each other messages.
    pub fn has_channels(&self) -> bool {
        self.channels.is_some()
    }

    pub async fn listen(&self, channel: &str) -> Result<Listener, Error> {
        let url = self.channels.as_ref().ok_or_else(none)?;
        let mut listener = PgListener::connect(url.reveal()).await?;
        listener.listen(channel).await?;
        Ok(Listener(listener))
    }

    /// Sends to all who listen, which need not wait for the disk.
    pub async fn notify(&self, channel: &str, message: &str) -> Result<(), Error> {
        if !self.has_channels() {
            return Err(none());
        }
        sqlx::query("SELECT CAST(pg_notify($1, $2) AS TEXT)")
            .bind(channel)
            .bind(message)
            .execute(&self.unsynced)
            .await?;
        Ok(())
    }
}

fn none() -> Error {
    Error::Failed("only PostgreSQL carries messages".to_owned())
}
