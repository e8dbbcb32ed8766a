//! P9 and P10: small files saved, one by one beside nginx, and many at once into a job.

use std::path::Path;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::figures::{Report, Row, Spread};
use crate::host::Host;
use crate::peer::nginx;
use crate::project::{calm, ms};
use crate::wrk::{self, Round};

const ROUNDS: usize = 5;
const CONNECTIONS: [usize; 2] = [1, 16];

/// Each request saves another one of some files, over what is there.
const SCRIPT: &str = r#"
local count, body = 0, string.rep("x", 4096)
wrk.headers["Content-Type"] = "application/octet-stream"
request = function()
  count = (count + 1) % 256
  return wrk.format("PUT", wrk.path .. "/file-" .. count, nil, body)
end
"#;

const BATCHES: usize = 50;
const BATCH: usize = 50;

pub(crate) async fn measure() -> Report {
    let mut report = Report::new(
        "saves",
        "wrk with one thread: PUT of 4 KiB over one of 256 files, in turns with nginx's DAV, whose \
         PUT is renamed into place as well; then 50 files of 1 KiB in one request into a job",
    );
    let host = calm(Host::start("local").await).await;
    match wrk::present() {
        Ok(()) => one_by_one(&mut report, &host).await,
        Err(why) => report.lacks("saves", &why),
    }
    batches(&mut report, &host).await;
    report
}

async fn one_by_one(report: &mut Report, host: &Host) {
    let made = host.post("/api/v1/projects", json!({ "name": "saves", "kind": "static" })).await;
    assert!(made.status.is_success(), "{}", made.text);
    let token = std::fs::read_to_string(host.data().join("admin.token")).unwrap();
    let own = format!("{}/api/v1/projects/saves/content", host.url);
    // On the same disk.
    let folder = tempfile::tempdir_in(host.data()).unwrap();
    let script = folder.path().join("save.lua");
    std::fs::write(&script, SCRIPT).unwrap();
    let peer = dav(folder.path());
    if peer.is_none() {
        report.lacks("nginx beside our saves", "it is not installed (nginx-light)");
    }
    for connections in CONNECTIONS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(wrk::round(&own, connections, Some(token.trim()), Some(&script)));
            if let Some((url, _)) = &peer {
                theirs.push(wrk::round(url, connections, None, Some(&script)));
            }
        }
        tell(report, connections, &ours, &theirs);
    }
}

fn dav(folder: &Path) -> Option<(String, crate::peer::Peer)> {
    let files = folder.join("files");
    std::fs::DirBuilder::new().create(&files).unwrap();
    let server = format!(
        "location / {{ root {}; dav_methods PUT; create_full_put_path on; }}",
        files.display()
    );
    let (port, peer) = nginx(folder, "", &server)?;
    Some((format!("http://127.0.0.1:{port}"), peer))
}

fn tell(report: &mut Report, connections: usize, ours: &[Round], theirs: &[Round]) {
    let rates = |rounds: &[Round]| Spread::of(rounds.iter().map(|one| one.per_second).collect());
    let (own, peer) = (rates(ours), (!theirs.is_empty()).then(|| rates(theirs)));
    report.add(Row {
        bar: "P9",
        what: format!("saves of 4 KiB, {connections} connections"),
        unit: "/s",
        met: peer.map(|peer| own.p50 >= 0.8 * peer.p50),
        peer: peer.map(|spread| ("nginx DAV".to_owned(), spread)),
        wanted: "≥ 0.8 × its requests/s",
        own,
    });
    if connections == 1 {
        let own = Spread::of(ours.iter().map(|one| one.p50_ms).collect());
        report.add(Row {
            bar: "P9",
            what: "a save of 4 KiB".to_owned(),
            unit: "ms",
            met: Some(own.p50 <= 1.0),
            peer: None,
            wanted: "≤ 1 ms",
            own,
        });
    }
}

async fn batches(report: &mut Report, host: &Host) {
    let made = host.post("/api/v1/jobs/create", json!({ "project_name": "batches" })).await;
    let job = made.json["job_id"].as_str().unwrap().to_owned();
    let mut each = Vec::new();
    for round in 0..BATCHES {
        let file = |number| json!({ "path": format!("{round}/file-{number}"), "content": "x".repeat(1024) });
        let files: Vec<Value> = (0..BATCH).map(file).collect();
        let path = format!("/api/v1/jobs/{job}/files/batch");
        let request = host.request(Method::POST, &path).json(&files);
        let began = Instant::now();
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        each.push(ms(began.elapsed()) / BATCH as f64);
    }
    let own = Spread::of(each);
    report.add(Row {
        bar: "P10",
        what: "a file of a batch of 50 into a job".to_owned(),
        unit: "ms",
        met: Some(own.p50 <= 1.0),
        peer: None,
        wanted: "≤ 1 ms",
        own,
    });
}
