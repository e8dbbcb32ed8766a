//! Values that plugins keep.

use lockhouse::plugins::{KvFull, KvStore};

use crate::databases::Database;

on_every_database! {
    async fn a_value_reads_back_as_its_bytes(database: Database) {
        let store = KvStore::new(database.db.clone());
        let bytes = [0, 255, 10, 0, 128];
        store.set("layered", "näme", &bytes).await.unwrap().unwrap();
        assert_eq!(store.get("layered", "näme").await.unwrap().unwrap(), bytes);
        assert_eq!(store.get("layered", "name").await.unwrap(), None);
    }

    async fn a_value_that_is_set_again_replaces_the_one_before(database: Database) {
        let store = KvStore::new(database.db.clone());
        store.set("layered", "a", &[1]).await.unwrap().unwrap();
        store.set("layered", "a", &[2, 3]).await.unwrap().unwrap();
        assert_eq!(store.get("layered", "a").await.unwrap().unwrap(), [2, 3]);
        assert_eq!(store.keys("layered").await.unwrap(), ["a"]);
    }

    async fn each_plugin_sees_its_own(database: Database) {
        let store = KvStore::new(database.db.clone());
        store.set("layered", "a", &[1]).await.unwrap().unwrap();
        store.set("strict", "a", &[2]).await.unwrap().unwrap();
        store.delete("strict", "a").await.unwrap();
        assert_eq!(store.get("layered", "a").await.unwrap().unwrap(), [1]);
        assert_eq!(store.keys("strict").await.unwrap(), [] as [&str; 0]);
    }

    async fn keys_come_in_the_order_of_their_bytes(database: Database) {
        let store = KvStore::new(database.db.clone());
        for key in ["b", "a_", "B", "a", "ä"] {
            store.set("layered", key, &[]).await.unwrap().unwrap();
        }
        assert_eq!(store.keys("layered").await.unwrap(), ["B", "a", "a_", "b", "ä"]);
    }

    async fn deleting_what_is_not_there_is_no_error(database: Database) {
        KvStore::new(database.db.clone()).delete("layered", "a").await.unwrap();
    }

    async fn a_plugin_keeps_a_thousand_keys_and_no_more(database: Database) {
        let store = KvStore::new(database.db.clone());
        for n in 0..1_000 {
            store.set("layered", &n.to_string(), &[]).await.unwrap().unwrap();
        }
        assert_eq!(store.set("layered", "more", &[]).await.unwrap(), Err(KvFull::Keys));
        assert_eq!(store.set("layered", "7", &[1]).await.unwrap(), Ok(()));
        assert_eq!(store.set("strict", "more", &[]).await.unwrap(), Ok(()));
    }

    async fn many_who_write_at_once_stay_within_the_quota(database: Database) {
        let store = KvStore::new(database.db.clone());
        let value = vec![0; 300 * 1024];
        let keys: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        let written = keys.iter().map(|key| store.set("layered", key, &value));
        let written = futures::future::join_all(written).await;
        let fitted = written.into_iter().filter(|result| *result.as_ref().unwrap() == Ok(()));
        assert_eq!(fitted.count(), 3);
    }
}
