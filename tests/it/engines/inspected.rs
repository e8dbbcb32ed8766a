//! What an engine is told of a container, read back from it.

use serde_json::{Value, json};

use super::stage::{LIMITS, Runtime, Stage};
use super::strangers::{docker, stage};

async fn inspect(stage: &Stage, runtime: &Runtime) -> Value {
    let name = format!("lockhouse-{}-{}", stage.instance, runtime.id());
    let seen: Value = serde_json::from_str(&docker(&["inspect", &name]).await).unwrap();
    seen[0].clone()
}

#[tokio::test]
async fn docker_confines_every_container() {
    let stage = need!(docker, stage().await);
    stage
        .play(async {
            let seen = inspect(&stage, &stage.running().await).await;
            let expected = json!({
                "Privileged": false, "ReadonlyRootfs": true, "CapAdd": null, "CapDrop": ["ALL"],
                "NetworkMode": "none", "PidMode": "", "IpcMode": "private", "UTSMode": "",
                "UsernsMode": "", "CgroupnsMode": "private", "Devices": null,
                "DeviceCgroupRules": null, "DeviceRequests": null, "Binds": null,
                "VolumesFrom": null, "PortBindings": null, "PublishAllPorts": false,
                "PidsLimit": LIMITS.pids, "Memory": LIMITS.memory_bytes,
                "MemorySwap": LIMITS.memory_bytes, "OomKillDisable": false,
            });
            assert_eq!(wrong(&expected, &seen["HostConfig"]), Vec::<String>::new());
            assert_eq!(seen["Config"]["User"], "1000:1000");
        })
        .await;
}

#[tokio::test]
async fn docker_is_given_the_list_of_system_calls_and_no_other_mounts() {
    let stage = need!(docker, stage().await);
    stage
        .play(async {
            let seen = inspect(&stage, &stage.running().await).await;
            let options = seen["HostConfig"]["SecurityOpt"].to_string();
            assert!(options.contains("no-new-privileges:true"), "{options}");
            assert!(options.contains("SCMP_ACT_ERRNO"), "the list refuses by default: {options}");
            let mounts = seen["Mounts"].as_array().unwrap();
            let targets = mounts.iter().map(|mount| (&mount["Destination"], &mount["RW"]));
            let mut targets: Vec<String> =
                targets.map(|(target, writable)| format!("{target} {writable}")).collect();
            targets.sort();
            assert_eq!(targets, ["\"/run/lockhouse\" false", "\"/workspace\" true"]);
        })
        .await;
}

#[tokio::test]
async fn the_bundle_of_the_local_engine_confines_as_much() {
    let stage = need!(local, Stage::local("bundle").await).expect("root needs no other user");
    stage
        .play(async {
            let runtime = stage.running().await;
            let bundle = stage.data().join("runtimes").join(runtime.id().as_str()).join("bundle");
            let config = std::fs::read(bundle.join("config.json")).unwrap();
            let config: Value = serde_json::from_slice(&config).unwrap();
            let process = json!({ "noNewPrivileges": true, "terminal": false });
            assert_eq!(wrong(&process, &config["process"]), Vec::<String>::new());
            assert_eq!(config["process"]["user"]["uid"], 1000);
            assert_eq!(config["root"]["readonly"], true);
            assert_eq!(config["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
            assert_eq!(config["linux"]["namespaces"].as_array().unwrap().len(), 6);
            let memory = &config["linux"]["resources"]["memory"];
            assert_eq!(memory["limit"], memory["swap"]);
        })
        .await;
}

/// The fields that are not as expected; Docker says "none" in several ways.
fn wrong(expected: &Value, seen: &Value) -> Vec<String> {
    let none = |value: &Value| {
        value.is_null() || *value == json!([]) || *value == json!({}) || *value == json!("")
    };
    let fields = expected.as_object().unwrap().iter();
    let differs = |(name, wanted): &(&String, &Value)| {
        let found = &seen[name.as_str()];
        found != *wanted
            && !(none(found) && none(wanted))
            && !(found.is_null() && **wanted == json!(false))
    };
    fields.filter(differs).map(|(name, _)| format!("{name}: {}", seen[name.as_str()])).collect()
}
