//! The preset `registries`: asked of an image, completed by its registries.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use lockhouse::ids::{Kind, ProjectId};
use lockhouse::runtimes::egress::Learned;
use lockhouse::runtimes::engine::{
    Answer, Enforced, Enforcement, Engine, Error, Image, Limits, Observed, RuntimeSpec, Usage,
};

use super::Room;
use super::outside::Server;

/// An image in which each program says what it is told to.
#[derive(Debug)]
pub(super) struct Asked {
    digest: Mutex<&'static str>,
    says: HashMap<&'static str, String>,
    questions: Mutex<Vec<String>>,
}

impl Asked {
    pub(super) fn new<const N: usize>(says: [(&'static str, String); N]) -> Self {
        let digest = Mutex::new("sha256:1");
        Self { digest, says: HashMap::from(says), questions: Mutex::default() }
    }

    fn count(&self) -> usize {
        self.questions.lock().unwrap().len()
    }
}

#[async_trait]
impl Engine for Asked {
    fn name(&self) -> &'static str {
        "asked"
    }

    async fn describe(&self) -> Result<String, Error> {
        Ok("answers questions".to_owned())
    }

    fn enforced(&self) -> Enforced {
        let hard = || Enforcement::Hard;
        Enforced { memory: hard(), cpu: hard(), pids: hard(), open_files: hard(), tmp: hard() }
    }

    async fn image(&self, kind: Kind) -> Result<Image, Error> {
        let digest = (*self.digest.lock().unwrap()).to_owned();
        Ok(Image { kind, name: "asked".to_owned(), digest, notice: None })
    }

    async fn ask(&self, _: Kind, argv: &[&str]) -> Result<Answer, Error> {
        self.questions.lock().unwrap().push(argv.join(" "));
        let script = argv.last().copied().unwrap_or_default();
        let presence = argv[0] == "sh" && script.contains("command -v");
        let said = match argv[0] {
            "sh" if presence => self.says.keys().copied().collect::<Vec<_>>().join("\n"),
            program => self.says.get(program).cloned().unwrap_or_default(),
        };
        Ok(Answer { exit_code: 0, stdout: said, stderr: "it is broken".to_owned() })
    }

    async fn create(&self, _: &RuntimeSpec) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    async fn start(&self, _: &ProjectId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    async fn update(&self, _: &ProjectId, _: &Limits) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    async fn stop(&self, _: &ProjectId, _: Duration) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    async fn remove(&self, _: &ProjectId) -> Result<(), Error> {
        Err(Error::NotFound)
    }

    async fn inspect(&self, _: &ProjectId) -> Result<Option<Observed>, Error> {
        Ok(None)
    }

    async fn list(&self) -> Result<Vec<Observed>, Error> {
        Ok(Vec::new())
    }

    async fn watch(&self, _: &tokio::sync::mpsc::Sender<ProjectId>) -> Result<(), Error> {
        Ok(())
    }

    async fn remove_duplicates(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn usage(&self, _: &ProjectId) -> Result<Usage, Error> {
        Err(Error::NotFound)
    }
}

const PRIVATE: &str = "allow_private = ['*.registry.example']";

fn hosts(learned: &Learned) -> Vec<String> {
    let mut hosts: Vec<_> = learned.hosts.iter().map(|host| host.host.to_string()).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

pub(super) fn pages<const N: usize>(
    pages: [(&'static str, &'static str); N],
) -> HashMap<&'static str, &'static str> {
    HashMap::from(pages)
}

#[tokio::test]
async fn pips_index_and_the_hosts_its_page_links_to_are_learned_and_reached() {
    let page = "<a href='https://files.registry.example/p.whl'>p</a><a href='../q.whl'>q</a>";
    let index = Server::documents("index.registry.example", pages([("/simple/pip/", page)])).await;
    let says = format!("http://index.registry.example:{}/simple\n", index.port);
    let room = Room::open(PRIVATE);
    let learned = room.egress.learn(&Asked::new([("python3", says)]), Kind::Python).await;
    assert_eq!(learned.failures, [""; 0]);
    assert_eq!(hosts(&learned), ["files.registry.example", "index.registry.example"]);
    let url = format!("http://index.registry.example:{}/simple/pip/", index.port);
    let request = format!("GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(room.client().asks(&request).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_learned_registry_is_tunnelled_to_for_tls_only() {
    let index = Server::documents("index.registry.example", pages([])).await;
    let says = format!("http://index.registry.example:{}/simple\n", index.port);
    let room = Room::open(PRIVATE);
    room.egress.learn(&Asked::new([("python3", says)]), Kind::Python).await;
    let mut client = room.client();
    client.connects(&format!("index.registry.example:{}", index.port)).await;
    client.sends(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert_eq!(client.rest().await.first(), Some(&21));
}

#[tokio::test]
async fn npms_tarballs_are_found_with_a_document_of_one_version_or_of_all() {
    let latest = r#"{"dist": {"tarball": "https://tarballs.registry.example/npm.tgz"}}"#;
    let all = r#"{"versions": {"1.0.0": {"dist": {"tarball": "https://old.registry.example/a"}}}}"#;
    let one = Server::documents("npm.registry.example", pages([("/npm/latest", latest)])).await;
    let any = Server::documents("npm.registry.example", pages([("/npm", all)])).await;
    let url = |server: &Server| format!("http://npm.registry.example:{}/\n", server.port);
    let says = [("npm", url(&one)), ("pnpm", url(&any))];
    let learned = Room::open(PRIVATE).egress.learn(&Asked::new(says), Kind::Node).await;
    assert_eq!(learned.failures, [""; 0]);
    assert_eq!(
        hosts(&learned),
        ["npm.registry.example", "old.registry.example", "tarballs.registry.example"]
    );
}

#[tokio::test]
async fn composers_archives_are_followed_to_where_they_really_are() {
    let documents = pages([
        ("/packages.json", r#"{"metadata-url": "/p2/%package%.json"}"#),
        (
            "/p2/composer/composer.json",
            r#"{"packages": {"composer/composer": [{"dist": {"url": "{base}/zip"}}]}}"#,
        ),
        ("/zip", "→http://archive.registry.example:9/zip"),
    ]);
    let repo = Server::documents("repo.registry.example", documents).await;
    let says = format!("[repositories.main.url] http://repo.registry.example:{}\n", repo.port);
    let learned =
        Room::open(PRIVATE).egress.learn(&Asked::new([("composer", says)]), Kind::Php).await;
    // Where it leads does not answer here, which is told.
    assert_eq!(learned.failures.len(), 1);
    assert_eq!(hosts(&learned), ["archive.registry.example", "repo.registry.example"]);
}

#[tokio::test]
async fn what_fails_is_told_and_the_rest_still_counts() {
    let says = [
        ("npm", "undefined\n".to_owned()),
        ("go", "https://go.registry.example\noff\n".to_owned()),
    ];
    let learned = Room::open("").egress.learn(&Asked::new(says), Kind::Go).await;
    assert_eq!(hosts(&learned), ["go.registry.example"]);
    assert_eq!(learned.failures, ["npm names no registry; it said: it is broken"]);
}

#[tokio::test]
async fn a_registry_at_a_private_address_is_not_asked_unless_the_operator_lists_it() {
    let mut index = Server::documents("index.registry.example", pages([])).await;
    let says = format!("http://index.registry.example:{}/simple\n", index.port);
    let learned = Room::open("").egress.learn(&Asked::new([("python3", says)]), Kind::Python).await;
    assert!(learned.failures[0].contains("egress.allow_private"), "{:?}", learned.failures);
    assert!(tokio::time::timeout(Duration::ZERO, index.saw()).await.is_err());
}

#[tokio::test]
async fn an_image_is_asked_again_only_when_its_digest_changes() {
    let image = Asked::new([("go", "https://go.registry.example\noff\n".to_owned())]);
    let room = Room::open("");
    room.egress.learn(&image, Kind::Go).await;
    let once = image.count();
    assert_eq!(hosts(&*room.egress.learn(&image, Kind::Go).await), ["go.registry.example"]);
    assert_eq!(image.count(), once);
    *image.digest.lock().unwrap() = "sha256:2";
    room.egress.learn(&image, Kind::Go).await;
    assert_eq!(image.count(), 2 * once);
}

#[tokio::test]
async fn an_image_of_which_something_failed_is_asked_again_and_nothing_is_forgotten() {
    let first = Asked::new([
        ("go", "https://go.registry.example\noff\n".to_owned()),
        ("npm", String::new()),
    ]);
    let room = Room::open("");
    room.egress.learn(&first, Kind::Go).await;
    let second = Asked::new([("npm", String::new())]);
    let learned = room.egress.learn(&second, Kind::Go).await;
    assert!(second.count() > 0);
    assert_eq!(hosts(&learned), ["go.registry.example"]);
    assert_eq!(room.egress.learned().len(), 1);
}

#[tokio::test]
async fn one_kinds_registries_are_not_anothers() {
    let room = Room::open("");
    let image = Asked::new([("go", "https://go.registry.example\noff\n".to_owned())]);
    room.egress.learn(&image, Kind::Go).await;
    let head = room.client().connects("go.registry.example:443").await;
    assert!(head.contains("(not-listed)"), "{head}");
}
