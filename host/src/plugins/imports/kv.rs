//! `lockhouse:host/kv`: a few values that outlive a call, kept apart for each
//! plugin.

mod store;

pub use store::{Full, Store};

use serde_json::{Value, json};

use crate::db;
use crate::plugins::bindings::{planner, policy};
use crate::plugins::grant::Grant;
use crate::plugins::instance::State;
use crate::plugins::reach::{Reach, missing};
use crate::plugins::tape::write_bytes;
use policy::lockhouse::types::errors::Error;

/// The longest key.
const MAX_KEY_BYTES: usize = 256;

/// The largest value.
const MAX_VALUE_BYTES: usize = 64 * 1024;

// A policy waits on its own thread; an agent gives way to others.
impl policy::lockhouse::host::kv::Host for State {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        let (reach, with) = (&self.reach, || json!({ "key": key }));
        reach.taped("kv.get", with, || reach.wait(get(reach.clone(), key.clone())))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Error> {
        let (reach, with) = (&self.reach, pair(&key, &value));
        reach.taped("kv.set", with, || reach.wait(set(reach.clone(), key.clone(), value.clone())))
    }

    fn delete(&mut self, key: String) -> Result<(), Error> {
        let (reach, with) = (&self.reach, || json!({ "key": key }));
        reach.taped("kv.delete", with, || reach.wait(delete(reach.clone(), key.clone())))
    }

    fn keys(&mut self, prefix: String) -> Result<Vec<String>, Error> {
        let (reach, with) = (&self.reach, || json!({ "prefix": prefix }));
        reach.taped("kv.keys", with, || reach.wait(keys(reach.clone(), prefix.clone())))
    }
}

impl planner::lockhouse::host::kv::Host for State {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        let (reach, with) = (&self.reach, || json!({ "key": key }));
        reach.taped_async("kv.get", with, reach.ask(get(reach.clone(), key.clone()))).await
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Error> {
        let (reach, with) = (&self.reach, pair(&key, &value));
        let ask = reach.ask(set(reach.clone(), key.clone(), value.clone()));
        reach.taped_async("kv.set", with, ask).await
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        let (reach, with) = (&self.reach, || json!({ "key": key }));
        reach.taped_async("kv.delete", with, reach.ask(delete(reach.clone(), key.clone()))).await
    }

    async fn keys(&mut self, prefix: String) -> Result<Vec<String>, Error> {
        let (reach, with) = (&self.reach, || json!({ "prefix": prefix }));
        reach.taped_async("kv.keys", with, reach.ask(keys(reach.clone(), prefix.clone()))).await
    }
}

fn pair(key: &str, value: &[u8]) -> impl FnOnce() -> Value {
    move || json!({ "key": key, "value": write_bytes(value) })
}

async fn get(reach: Reach, key: String) -> Result<Option<Vec<u8>>, Error> {
    check_key(&key)?;
    let found = store(&reach)?.get(&reach.plugin.id, &key).await;
    found.map_err(failed)
}

async fn set(reach: Reach, key: String, value: Vec<u8>) -> Result<(), Error> {
    check_key(&key)?;
    if value.len() > MAX_VALUE_BYTES {
        let size = value.len();
        return Err(Error::TooLarge(format!(
            "The value has {size} bytes; keep at most {MAX_VALUE_BYTES} under one key."
        )));
    }
    match store(&reach)?.set(&reach.plugin.id, &key, &value).await.map_err(failed)? {
        Ok(()) => Ok(()),
        Err(full) => Err(Error::Quota(format!("{full}"))),
    }
}

async fn delete(reach: Reach, key: String) -> Result<(), Error> {
    check_key(&key)?;
    store(&reach)?.delete(&reach.plugin.id, &key).await.map_err(failed)
}

async fn keys(reach: Reach, prefix: String) -> Result<Vec<String>, Error> {
    check_key(&prefix)?;
    let mut keys = store(&reach)?.keys(&reach.plugin.id).await.map_err(failed)?;
    keys.retain(|key| key.starts_with(&prefix));
    Ok(keys)
}

fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > MAX_KEY_BYTES {
        let size = key.len();
        return Err(Error::TooLarge(format!(
            "The key has {size} bytes; use at most {MAX_KEY_BYTES}."
        )));
    }
    if key.contains('\0') {
        return Err(Error::Invalid("The key holds NUL, which no database takes.".to_owned()));
    }
    Ok(())
}

fn store(reach: &Reach) -> Result<Store, Error> {
    reach.admit(&Grant::Kv)?;
    let db = reach.rooms.db.clone();
    db.map(Store::new).ok_or_else(|| missing("database"))
}

/// What the database says is for the operator, not for the plugin.
fn failed(error: db::Error) -> Error {
    tracing::warn!(%error, "a plugin's values were not reached");
    match error {
        db::Error::Unavailable(_) => {
            Error::Unavailable("The database does not answer now; try later.".to_owned())
        }
        _ => Error::Internal("The database refused it; the server's log says why.".to_owned()),
    }
}
