//! OCI registries for tests: Debian's own, and one that says what it is told.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use lockhouse::plugins::Digest;
use lockhouse::plugins::oci::{Config, Credentials, Reference, Registries};
use lockhouse::secret::Secret;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const WASM: &str = "application/wasm";
pub(crate) const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// `ada` with the password `hush`, as `htpasswd -B` writes it.
const USERS: &str = "ada:$2y$04$HeifMgtbVmUfBccLIEIgP.VzxqDHyfiL8XZfyQPoVuqz3B8Nsjbcq\n";

/// A registry of Debian's package `docker-registry`; ends with this.
pub(crate) struct Registry {
    pub(crate) address: String,
    http: Client,
    child: Child,
    _storage: TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// For `need!(plugins, …)`: one that everybody may ask.
pub(crate) fn open() -> Result<Registry, String> {
    start("")
}

/// For `need!(plugins, …)`: one that knows only `ada`.
pub(crate) fn closed() -> Result<Registry, String> {
    start("auth: {htpasswd: {realm: here, path: USERS}}\n")
}

fn start(also: &str) -> Result<Registry, String> {
    let storage = tempfile::tempdir().unwrap();
    let [config, users, data] = ["config.yml", "users", "data"].map(|n| storage.path().join(n));
    let also = also.replace("USERS", &users.display().to_string());
    let text = format!(
        "version: 0.1\nlog: {{level: info}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}}}\n{also}",
        data.display()
    );
    std::fs::write(&config, text).unwrap();
    std::fs::write(&users, USERS).unwrap();
    let mut child = Command::new("docker-registry")
        .arg("serve")
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("install docker-registry: {error}"))?;
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = log.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("listening on ")?;
        rest.split('"').next().map(str::to_owned)
    });
    std::thread::spawn(move || log.for_each(drop));
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = Client::builder().no_proxy().build().unwrap();
    let registry = |address| Registry { address, http, child, _storage: storage };
    address.map(registry).ok_or_else(|| "docker-registry did not start".to_owned())
}

/// What is pushed.
pub(crate) struct Artifact<'a> {
    pub(crate) component: &'a [u8],
    pub(crate) config: &'a str,
    pub(crate) layer: &'a str,
    pub(crate) signature: Option<&'a str>,
}

impl<'a> Artifact<'a> {
    pub(crate) fn of(component: &'a [u8]) -> Self {
        Self { component, config: WASM_CONFIG, layer: WASM, signature: None }
    }

    pub(crate) fn manifest(&self) -> String {
        let blob = |kind, bytes: &[u8]| {
            let digest = Digest::of(bytes).to_string();
            json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
        };
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob(self.config, b"{}"),
            "layers": [blob(self.layer, self.component)],
        });
        if let Some(signature) = self.signature {
            manifest["annotations"] = json!({"dev.lockhouse.signature": signature});
        }
        manifest.to_string()
    }
}

impl Registry {
    /// Puts an artifact there under a tag, and tells its manifest's digest.
    pub(crate) async fn push(&self, tag: &str, artifact: &Artifact<'_>) -> Digest {
        self.push_blob(b"{}").await;
        self.push_blob(artifact.component).await;
        let manifest = artifact.manifest();
        let digest = Digest::of(manifest.as_bytes());
        let put = self.http.put(self.url(&format!("manifests/{tag}")));
        let put = put.header(CONTENT_TYPE, MANIFEST).body(manifest);
        let put = put.basic_auth("ada", Some("hush")).send().await.unwrap();
        assert_eq!(put.status(), StatusCode::CREATED, "{:?}", put.text().await);
        digest
    }

    async fn push_blob(&self, bytes: &[u8]) {
        let begin = self.http.post(self.url("blobs/uploads/"));
        let begun = begin.basic_auth("ada", Some("hush")).send().await.unwrap();
        let place = begun.headers()[LOCATION].to_str().unwrap();
        let mut place = Url::parse(&self.url("")).unwrap().join(place).unwrap();
        place.query_pairs_mut().append_pair("digest", &Digest::of(bytes).to_string());
        let put = self.http.put(place).body(bytes.to_vec()).basic_auth("ada", Some("hush"));
        assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v2/acme/policy/{path}", self.address)
    }

    pub(crate) fn tag(&self, tag: &str) -> Reference {
        format!("oci://{}/acme/policy:{tag}", self.address).parse().unwrap()
    }

    pub(crate) fn digest(&self, digest: Digest) -> Reference {
        format!("oci://{}/acme/policy@{digest}", self.address).parse().unwrap()
    }

    /// As the closed registry knows it.
    pub(crate) fn ada(&self) -> Credentials {
        Credentials {
            registry: self.address.clone(),
            username: "ada".to_owned(),
            password: Secret::new("hush"),
        }
    }
}

/// What pulls, with the default configuration but for this.
pub(crate) fn registries(config: Config) -> Registries {
    Registries::new(config, Default::default(), 1024 * 1024)
}

/// A registry whose answers a test makes up: from a request's text to what is
/// sent back, status line and all.
pub(crate) struct Stage {
    pub(crate) address: String,
    task: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stage {
    pub(crate) async fn start(
        answer: impl Fn(&str, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (answer, own) = (Arc::new(answer), address.clone());
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = vec![0; 8192];
                let length = connection.read(&mut request).await.unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let _ = connection.write_all(answer(&own, &request).as_bytes()).await;
            }
        });
        Self { address, task }
    }

    pub(crate) fn digest(&self, digest: Digest) -> Reference {
        format!("oci://{}/acme/policy@{digest}", self.address).parse().unwrap()
    }
}

/// A whole answer of status 200.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A token as registries hand it out.
pub(crate) fn token(text: &str) -> String {
    let token: Value = json!({"token": text, "access_token": text, "expires_in": 300});
    ok(&token.to_string())
}
