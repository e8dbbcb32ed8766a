//! Components come from registries as they were asked for, or not at all.

use std::time::Duration;

use lockhouse::plugins::Digest;
use lockhouse::plugins::oci::{Config, Error, Pulled, Registries};
use lockhouse::plugins::signature::{self, PrivateKey, Source};

use super::fixture::{self, ALLOW};
use super::harness::host;
use super::registry::{Artifact, Stage, closed, ok, open, registries, token};

const COMPONENT: &[u8] = b"the first component";
const OTHER: &[u8] = b"another component";

fn with_timeout(timeout_seconds: u64) -> Registries {
    registries(Config { timeout_seconds, ..Config::default() })
}

/// The only manifest there is, and the only blob.
fn of(request: &str, manifest: &str, blob: &str) -> String {
    ok(if request.contains("/manifests/") { manifest } else { blob })
}

#[tokio::test]
async fn a_component_is_pulled_by_its_manifests_digest() {
    let registry = need!(plugins, open());
    let manifest = registry.push("1.0", &Artifact::of(COMPONENT)).await;
    let pulled = registries(Config::default()).pull(&registry.digest(manifest), None).await;
    assert_eq!(pulled.unwrap(), Pulled { component: COMPONENT.into(), signature: None, manifest });
}

#[tokio::test]
async fn a_signed_component_comes_with_its_signature_and_runs() {
    let registry = need!(plugins, open());
    let component = fixture::policy("", &format!("(i32.const {ALLOW})"));
    let key = PrivateKey::generate().unwrap();
    let signed = key.sign(&component);
    let artifact = Artifact { signature: Some(&signed), ..Artifact::of(&component) };
    let manifest = registry.push("1.0", &artifact).await;
    let pulled =
        registries(Config::default()).pull(&registry.digest(manifest), None).await.unwrap();
    let keys = [("acme".parse().unwrap(), key.public())].into();
    let trusted = signature::Config { keys, ..signature::Config::default() };
    let signer = trusted.check(Source::Remote, &pulled.component, pulled.signature.as_deref());
    assert_eq!(signer.unwrap().unwrap().to_string(), "acme");
    let plugin = host().load("pulled", &pulled.component, "{}").await.unwrap();
    assert_eq!(plugin.name(), "fixture@1.0.0");
}

#[tokio::test]
async fn a_tag_is_pulled_with_the_components_digest() {
    let registry = need!(plugins, open());
    registry.push("1.0", &Artifact::of(COMPONENT)).await;
    let pin = Some(Digest::of(COMPONENT));
    let pulled = registries(Config::default()).pull(&registry.tag("1.0"), pin).await.unwrap();
    assert_eq!(pulled.component, COMPONENT);
}

#[tokio::test]
async fn a_tag_alone_is_refused() {
    let registry = need!(plugins, open());
    registry.push("1.0", &Artifact::of(COMPONENT)).await;
    let refused = registries(Config::default()).pull(&registry.tag("1.0"), None).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("is a tag, which may move: write its digest instead"), "{error}");
}

#[tokio::test]
async fn a_tag_that_moved_is_refused() {
    let registry = need!(plugins, open());
    registry.push("1.0", &Artifact::of(COMPONENT)).await;
    registry.push("1.0", &Artifact::of(OTHER)).await;
    let pin = Some(Digest::of(COMPONENT));
    let refused = registries(Config::default()).pull(&registry.tag("1.0"), pin).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::OtherDigest { found, .. } if found == Digest::of(OTHER)));
}

#[tokio::test]
async fn a_digest_that_the_registry_does_not_have_is_refused() {
    let registry = need!(plugins, open());
    registry.push("1.0", &Artifact::of(COMPONENT)).await;
    let nowhere = registry.digest(Digest::of(b"nowhere"));
    let error = registries(Config::default()).pull(&nowhere, None).await.unwrap_err().to_string();
    assert!(error.contains("has no acme/policy/manifests/sha256:"), "{error}");
}

#[tokio::test]
async fn a_component_over_the_size_limit_is_not_read() {
    let registry = need!(plugins, open());
    let manifest = registry.push("1.0", &Artifact::of(&vec![0; 1024 * 1024 + 1])).await;
    let error = registries(Config::default()).pull(&registry.digest(manifest), None).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("limit 1.0 MiB: raise plugins.max_component_bytes"), "{error}");
}

#[tokio::test]
async fn what_is_no_wasm_artifact_is_refused_with_what_it_is() {
    let registry = need!(plugins, open());
    let config = "application/vnd.oci.image.config.v1+json";
    let image = Artifact { config, ..Artifact::of(COMPONENT) };
    let manifest = registry.push("image", &image).await;
    let refused = registries(Config::default()).pull(&registry.digest(manifest), None).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("is no WebAssembly component: its config is"), "{error}");
    assert!(error.contains(config), "{error}");
}

#[tokio::test]
async fn a_registry_that_wants_to_know_who_asks_is_told() {
    let registry = need!(plugins, closed());
    let manifest = registry.push("1.0", &Artifact::of(COMPONENT)).await;
    let config = Config { credentials: vec![registry.ada()], ..Config::default() };
    let pulled = registries(config).pull(&registry.digest(manifest), None).await.unwrap();
    assert_eq!(pulled.component, COMPONENT);
}

#[tokio::test]
async fn who_is_not_known_to_a_registry_is_told_where_to_say_who() {
    let registry = need!(plugins, closed());
    let manifest = registry.push("1.0", &Artifact::of(COMPONENT)).await;
    let refused = registries(Config::default()).pull(&registry.digest(manifest), None).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("check [[plugins.oci.credentials]]"), "{error}");
}

#[tokio::test]
async fn a_registry_that_hands_out_tokens_is_given_one() {
    let manifest = Artifact::of(COMPONENT).manifest();
    let digest = Digest::of(manifest.as_bytes());
    let stage = Stage::start(move |own, request| match request {
        _ if request
            .starts_with("GET /token?scope=repository%3Aacme%2Fpolicy%3Apull&service=r") =>
        {
            token("opaque")
        }
        _ if request.contains("authorization: Bearer opaque") => {
            of(request, &manifest, str::from_utf8(COMPONENT).unwrap())
        }
        _ => format!(
            "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\
             www-authenticate: Bearer realm=\"http://{own}/token\",service=\"r\"\r\n\r\n"
        ),
    })
    .await;
    let pulled = registries(Config::default()).pull(&stage.digest(digest), None).await.unwrap();
    assert_eq!(pulled.component, COMPONENT);
}

#[tokio::test]
async fn a_manifest_other_than_the_one_asked_for_is_refused() {
    let lie = Artifact::of(OTHER).manifest();
    let stage = Stage::start(move |_, request| of(request, &lie, "another component")).await;
    let asked = Digest::of(Artifact::of(COMPONENT).manifest().as_bytes());
    let refused = registries(Config::default()).pull(&stage.digest(asked), None).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("is not what was asked for: its manifest is sha256:"), "{error}");
}

#[tokio::test]
async fn bytes_other_than_those_of_the_manifest_are_refused() {
    let manifest = Artifact::of(COMPONENT).manifest();
    let digest = Digest::of(manifest.as_bytes());
    let stage = Stage::start(move |_, request| of(request, &manifest, "the fIrst component")).await;
    let refused = registries(Config::default()).pull(&stage.digest(digest), None).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("what its registry sent is sha256:"), "{error}");
}

#[tokio::test]
async fn more_bytes_than_the_manifest_says_are_not_read() {
    let manifest = Artifact::of(COMPONENT).manifest();
    let digest = Digest::of(manifest.as_bytes());
    let long = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(100_000));
    let stage =
        Stage::start(
            move |_, request| {
                if request.contains("/manifests/") { ok(&manifest) } else { long.clone() }
            },
        )
        .await;
    let refused = registries(Config::default()).pull(&stage.digest(digest), None).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("it sends more than 19 bytes"), "{error}");
}

#[tokio::test]
async fn a_manifest_without_an_end_is_not_read_to_it() {
    let endless =
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned() + &" ".repeat(2_000_000);
    let stage = Stage::start(move |_, _| endless.clone()).await;
    let refused = registries(Config::default()).pull(&stage.digest(Digest::of(b"")), None).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("it sends more than 1.0 MiB"), "{error}");
}

#[tokio::test]
async fn a_registry_where_nobody_listens_is_named() {
    let stage = Stage::start(|_, _| String::new()).await;
    let reference = stage.digest(Digest::of(b""));
    let registry = stage.address.clone();
    drop(stage);
    let error = with_timeout(20).pull(&reference, None).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("{registry} can't be asked: ")), "{error}");
}

#[tokio::test]
async fn a_registry_that_never_answers_is_given_up() {
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    let digest = Digest::of(b"");
    let reference = format!("oci://{address}/acme/policy@{digest}").parse().unwrap();
    let error = with_timeout(1).pull(&reference, None).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { limit, .. } if limit == Duration::from_secs(1)));
}
