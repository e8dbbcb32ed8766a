//! Who answers for a component that comes from elsewhere.

use lockhouse::plugins::signature::{self, PrivateKey};
use lockhouse::plugins::{LibraryError, NewVersion, Source, Status};

use super::{Shelf, allows, denies, version};
use crate::databases::Database;

fn uploaded(bytes: Vec<u8>, signature: Option<String>) -> NewVersion {
    NewVersion { source: Source::Upload, signature, ..version(bytes) }
}

/// A library that knows ada's key.
async fn shelf<'a>(database: &'a Database, ada: &PrivateKey) -> Shelf<'a> {
    let keys = [("ada".to_owned().try_into().unwrap(), ada.public())].into();
    Shelf::trusting(database, signature::Config { required: true, keys }).await
}

async fn install(shelf: &Shelf<'_>, new: NewVersion) -> Result<Status, LibraryError> {
    shelf.library.install(&shelf.permit().await, "fixture", new).await
}

on_every_database! {
    async fn an_upload_that_nobody_signed_is_refused_with_both_ways_out(database: Database) {
        let shelf = shelf(&database, &PrivateKey::generate().unwrap()).await;
        let error = install(&shelf, uploaded(denies(), None)).await.err().unwrap().to_string();
        assert!(error.contains("lockhouse plugin sign"), "{error}");
        assert!(error.contains("plugins.signatures.required = false"), "{error}");
        assert!(shelf.library.find("fixture").is_err());
    }

    async fn a_signed_upload_is_installed_in_the_signers_name(database: Database) {
        let ada = PrivateKey::generate().unwrap();
        let shelf = shelf(&database, &ada).await;
        let signature = ada.sign(&allows());
        let status = install(&shelf, uploaded(allows(), Some(signature))).await.unwrap();
        assert_eq!(status.versions[0].signed_by.as_deref(), Some("ada"));
    }

    async fn a_signature_of_other_bytes_is_none(database: Database) {
        let ada = PrivateKey::generate().unwrap();
        let shelf = shelf(&database, &ada).await;
        let new = uploaded(denies(), Some(ada.sign(&allows())));
        let error = install(&shelf, new).await.err().unwrap();
        assert!(matches!(error, LibraryError::Unsigned(signature::Error::NoKeyFits)), "{error}");
    }

    async fn a_component_of_another_digest_than_was_pinned_is_refused(database: Database) {
        let shelf = Shelf::with_default(&database).await;
        let pinned = NewVersion {
            digest: Some(lockhouse::plugins::Digest::of(&allows())),
            ..version(denies())
        };
        let error = install(&shelf, pinned).await.err().unwrap();
        assert!(matches!(error, LibraryError::OtherDigest { .. }), "{error}");
    }
}
