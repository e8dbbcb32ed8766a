//! What others do on the same Docker, with its own command line.

use lockhouse::command::Command;
use lockhouse::runtimes::engine::Error;
use tokio::sync::mpsc;

use super::stage::{PATIENCE, Stage};

/// Runs Docker's command line; answers with what it printed.
pub(super) async fn docker(args: &[&str]) -> String {
    let ran = Command::new("docker").args(args).output().await.unwrap();
    assert_eq!(ran.exit_code, Some(0), "docker {args:?}: {}", ran.stderr);
    ran.stdout.trim().to_owned()
}

pub(super) async fn stage() -> Result<Stage, String> {
    Stage::docker("strangers").await.map(|stage| stage.expect("Docker needs no other user"))
}

#[tokio::test]
async fn a_container_that_lockhouse_did_not_make_is_never_touched() {
    let stage = need!(docker, stage().await);
    stage
        .play(async {
            let runtime = stage.runtime();
            let name = format!("lockhouse-{}-{}", stage.instance, runtime.id());
            let image = stage.engine.image(runtime.spec.kind).await.unwrap().name;
            docker(&["create", "--name", &name, &image, "true"]).await;
            let refused = stage.engine.create(&runtime.spec).await;
            let left = docker(&["rm", &name]).await;
            assert!(matches!(refused, Err(Error::Failed(why)) if why.contains("rename or remove")));
            assert_eq!(left, name, "it was still there");
        })
        .await;
}

#[tokio::test]
async fn a_copy_of_a_runtime_under_another_name_is_removed() {
    let stage = need!(docker, stage().await);
    stage
        .play(async {
            let runtime = stage.running().await;
            let image = stage.engine.image(runtime.spec.kind).await.unwrap().name;
            let instance = format!("lockhouse.instance={}", stage.instance);
            let project = format!("lockhouse.project={}", runtime.id());
            let labels = ["--label", &instance, "--label", &project];
            let generation = ["--label", "lockhouse.generation=7"];
            let copy =
                docker(&[&["create"][..], &labels, &generation, &[&image, "true"]].concat()).await;
            assert_eq!(stage.engine.list().await.unwrap().len(), 1);
            stage.engine.remove_duplicates().await.unwrap();
            let left = docker(&["ps", "--all", "--quiet", "--no-trunc"]).await;
            assert!(!left.contains(&copy));
            assert_eq!(stage.engine.list().await.unwrap()[0].generation, 1);
        })
        .await;
}

#[tokio::test]
async fn the_end_of_a_container_is_told_at_once() {
    let stage = need!(docker, stage().await);
    stage
        .play(async {
            let runtime = stage.running().await;
            let (changed, mut told) = mpsc::channel(8);
            let kill = async {
                let name = format!("lockhouse-{}-{}", stage.instance, runtime.id());
                docker(&["kill", &name]).await;
                tokio::time::timeout(PATIENCE, told.recv()).await
            };
            let heard = tokio::select! {
                heard = kill => heard.expect("it is told in time"),
                lost = stage.engine.watch(&changed) => panic!("the engine was lost: {lost:?}"),
            };
            assert_eq!(heard.as_ref(), Some(runtime.id()));
        })
        .await;
}
