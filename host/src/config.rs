//! Frame: what the operator configures.
//!
//! `lockhouse.toml` < environment `LOCKHOUSE_…` (`__` between levels) < flags.
//! Each room owns its part; a key that nobody knows is an error that names the
//! nearest one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format as _, Serialized, Toml};
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::agents::{ModelEntry, ProviderName};
use crate::runtimes::{egress, engines, spec};
use crate::secret::Secret;
use crate::{
    agents, audit, auth, db, exec, files, jobs, limits, objects, plugins, policy, previews, quotas,
    reports, reviews, terminals,
};

/// The file that is read from the working directory, if it is there.
pub const FILE: &str = "lockhouse.toml";

/// What plugins call a model where they do not care which.
const DEFAULT_MODEL: &str = "default";

/// Variables that speak to the command line and not to the server.
const CLIENT_VARIABLES: [&str; 2] = ["url", "token"];

/// All that can be configured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub listen: SocketAddr,
    /// Directory of all that the server keeps.
    pub data: PathBuf,
    pub log: Log,
    pub agents: agents::Config,
    pub audit: audit::Config,
    pub auth: auth::Config,
    pub database: db::Config,
    pub egress: egress::Config,
    pub engines: engines::Config,
    pub exec: exec::Config,
    pub files: files::Config,
    pub jobs: jobs::Config,
    pub limits: limits::Config,
    /// Models that plugins may be lent, by the operator's names for them.
    pub models: agents::ModelsConfig,
    pub plugins: plugins::Config,
    pub policy: policy::Config,
    pub previews: previews::Config,
    pub quotas: quotas::Config,
    pub reports: reports::Config,
    pub reviews: reviews::Config,
    pub runtimes: spec::Config,
    pub server: Server,
    pub storage: objects::Config,
    pub telemetry: Telemetry,
    pub terminals: terminals::Config,
}

/// Through whom the server is reached.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let parse = |text: String| {
        let address = text.parse::<IpAddr>().map(IpNet::from).ok();
        address.or_else(|| text.parse().ok()).ok_or_else(|| {
            D::Error::custom(format!("“{text}”: write an address or a network, as 10.0.0.0/8"))
        })
    };
    texts.into_iter().map(parse).collect()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Such as `info` or `lockhouse=debug,info`.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// Where traces are exported to; nowhere by default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// A collector that speaks OTLP over HTTP, such as `http://127.0.0.1:4318`.
    pub otlp_endpoint: Option<String>,
    /// Headers that the collector asks for.
    pub otlp_headers: BTreeMap<String, Secret>,
    /// Which part of all traces is exported, from 0 to 1.
    pub sampling_ratio: f64,
    pub service_name: String,
    /// Further attributes of this server.
    pub resource: BTreeMap<String, String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            otlp_headers: BTreeMap::new(),
            sampling_ratio: 1.0,
            service_name: "lockhouse".to_owned(),
            resource: BTreeMap::new(),
        }
    }
}

impl Telemetry {
    /// What OpenTelemetry's standard variables say of what is not configured.
    fn adopt(&mut self, variable: impl Fn(&str) -> Option<String>) {
        let endpoint = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
        let endpoint = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or(endpoint);
        self.otlp_endpoint = self.otlp_endpoint.take().or(endpoint);
        if self.service_name == Self::default().service_name {
            self.service_name = variable("OTEL_SERVICE_NAME").unwrap_or(self.service_name.clone());
        }
        for (name, value) in pairs(variable("OTEL_RESOURCE_ATTRIBUTES")) {
            self.resource.entry(name).or_insert(value);
        }
        for (name, value) in pairs(variable("OTEL_EXPORTER_OTLP_HEADERS")) {
            self.otlp_headers.entry(name).or_insert(Secret::new(value));
        }
    }

    fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.sampling_ratio) {
            return Err("telemetry.sampling_ratio: use 0 to 1".to_owned());
        }
        let http = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if self.otlp_endpoint.as_ref().is_some_and(|url| !http(url)) {
            return Err(
                "telemetry.otlp_endpoint (or OTEL_EXPORTER_OTLP_ENDPOINT): write a URL of \
                        HTTP, as http://127.0.0.1:4318"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// `a=b,c=d`, as the standard writes it.
fn pairs(text: Option<String>) -> Vec<(String, String)> {
    let text = text.unwrap_or_default();
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    text.split(',').filter_map(pair).collect()
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000),
            data: PathBuf::from("data"),
            log: Log::default(),
            agents: agents::Config::default(),
            audit: audit::Config::default(),
            auth: auth::Config::default(),
            database: db::Config::default(),
            egress: egress::Config::default(),
            engines: engines::Config::default(),
            exec: exec::Config::default(),
            files: files::Config::default(),
            jobs: jobs::Config::default(),
            limits: limits::Config::default(),
            models: agents::ModelsConfig::default(),
            plugins: plugins::Config::default(),
            policy: policy::Config::default(),
            previews: previews::Config::default(),
            quotas: quotas::Config::default(),
            reports: reports::Config::default(),
            reviews: reviews::Config::default(),
            runtimes: spec::Config::default(),
            server: Server::default(),
            storage: objects::Config::default(),
            telemetry: Telemetry::default(),
            terminals: terminals::Config::default(),
        }
    }
}

/// What the command line sets.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flags {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engines: Option<EngineFlag>,
}

#[derive(Debug, Clone, Serialize)]
pub struct EngineFlag {
    pub engine: String,
}

/// The configuration can't be used; the text says what to change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Config {
    /// Reads file, environment and flags, and checks what they say together.
    pub fn load(file: Option<&Path>, flags: Flags) -> Result<Self, Invalid> {
        let toml = match file {
            Some(file) => Toml::file_exact(file),
            None => Toml::file(FILE),
        };
        let figment = Figment::new()
            .merge(Serialized::default("data", default_data()))
            .merge(toml)
            .merge(documented_variables())
            .merge(Env::prefixed("LOCKHOUSE_").ignore(&CLIENT_VARIABLES).split("__"))
            .merge(Serialized::defaults(flags));
        let mut config: Self = figment.extract().map_err(|error| Invalid(explain(error)))?;
        config.adopt_machine();
        // What runs elsewhere is told of it, too.
        config.data = std::path::absolute(&config.data)
            .map_err(|error| Invalid(format!("data: {}: {error}", config.data.display())))?;
        config.check()?;
        Ok(config)
    }

    /// What the machine itself is told by its standard variables.
    fn adopt_machine(&mut self) {
        if self.egress.upstream.is_empty() {
            self.egress.upstream = egress::upstream::Config::from_variables(variable);
        }
        if self.engines.docker.host.is_none() {
            self.engines.docker.host = variable("DOCKER_HOST");
        }
        if let Some(key) = variable("ANTHROPIC_API_KEY") {
            self.adopt_key(Secret::new(key));
        }
        self.telemetry.adopt(variable);
        // What the founding documents call it.
        if self.auth.jwt.secret.is_none() {
            self.auth.jwt.secret = variable("JWT_SECRET").map(Secret::new);
        }
        if self.runtimes.ca_file.is_none() {
            self.runtimes.ca_file = CA_FILES.iter().map(PathBuf::from).find(|file| file.exists());
        }
    }

    /// A key of Anthropic's alone is the model `default`; one that is configured
    /// without a key takes it.
    fn adopt_key(&mut self, key: Secret) {
        let default = self.models.entry(DEFAULT_MODEL.to_owned());
        default.or_insert_with(|| ModelEntry::anthropic(key.clone()));
        for entry in self.models.values_mut() {
            if entry.provider == ProviderName::Anthropic && entry.has_no_key() {
                entry.api_key = Some(key.clone());
            }
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.auth.mode == auth::Mode::Development && !self.listen.ip().is_loopback() {
            return Err(Invalid(format!(
                "auth.mode = \"development\" lets everybody be anybody, so it refuses to listen \
                 on {}; listen on 127.0.0.1, or set auth.mode = \"token\"",
                self.listen
            )));
        }
        self.agents.check().map_err(Invalid)?;
        self.exec.check().map_err(Invalid)?;
        self.reports.check().map_err(Invalid)?;
        self.reviews.check().map_err(Invalid)?;
        self.telemetry.check().map_err(Invalid)?;
        self.terminals.check().map_err(Invalid)?;
        self.previews.check().map_err(Invalid)
    }
}

/// Where systems keep the certificates that they trust.
const CA_FILES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// `$XDG_DATA_HOME/lockhouse`, or `~/.local/share/lockhouse`.
pub fn default_data() -> PathBuf {
    let home = || variable("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let data = variable("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    data.or_else(home).map_or_else(|| PathBuf::from("data"), |data| data.join("lockhouse"))
}

/// A variable of the environment that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables that the founding documents name.
fn documented_variables() -> Figment {
    let named = [
        ("DATABASE_URL", "database.url"),
        ("JOBS_BASE_PATH", "jobs.base_path"),
        ("JOB_EXPIRY_HOURS", "jobs.expiry_hours"),
        ("S3_BUCKET", "storage.s3.bucket"),
        ("AWS_ACCESS_KEY_ID", "storage.s3.access_key_id"),
        ("AWS_SECRET_ACCESS_KEY", "storage.s3.secret_access_key"),
    ];
    named.into_iter().fold(Figment::new(), |figment, (name, key)| match variable(name) {
        None => figment,
        Some(value) => match value.parse::<u64>() {
            Ok(number) if key.ends_with("_hours") => {
                figment.merge(Serialized::default(key, number))
            }
            _ => figment.merge(Serialized::default(key, value)),
        },
    })
}

/// What is wrong, where, and what was perhaps meant.
fn explain(error: figment::Error) -> String {
    let mut lines = Vec::new();
    for error in error {
        let place = error.path.join(".");
        let mut line = match &error.kind {
            Kind::UnknownField(found, known) => match nearest(found, known) {
                Some(meant) => format!("unknown key “{found}”; did you mean “{meant}”?"),
                None => format!("unknown key “{found}”; known are {}", known.join(", ")),
            },
            kind => kind.to_string(),
        };
        if !place.is_empty() {
            line = format!("{place}: {line}");
        }
        if let Some(source) = &error.metadata {
            line = format!("{line} (in {})", source.name);
        }
        lines.push(line);
    }
    lines.join("\n")
}

fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let close = |key: &&str| strsim::damerau_levenshtein(found, key);
    known.iter().copied().min_by_key(close).filter(|key| close(key) <= 3)
}

#[cfg(test)]
#[expect(clippy::result_large_err, reason = "figment's jail hands figment's errors on")]
mod tests {
    use figment::Jail;

    use super::*;

    #[test]
    fn a_misspelt_key_is_refused_with_the_one_that_was_meant() {
        Jail::expect_with(|jail| {
            jail.create_file(FILE, "[database]\nurrl = \"x\"\n")?;
            let refused = Config::load(None, Flags::default()).unwrap_err().to_string();
            assert!(refused.contains("did you mean “url”?"), "{refused}");
            Ok(())
        });
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        Jail::expect_with(|jail| {
            jail.create_file(FILE, "listen = \"127.0.0.1:1\"\n[log]\nfilter = \"warn\"\n")?;
            jail.set_env("LOCKHOUSE_LISTEN", "127.0.0.1:2");
            jail.set_env("LOCKHOUSE_LOG__FILTER", "debug");
            let listen = Some(SocketAddr::from(([127, 0, 0, 1], 3)));
            let config = Config::load(None, Flags { listen, ..Flags::default() }).unwrap();
            assert_eq!((config.listen.port(), config.log.filter.as_str()), (3, "debug"));
            Ok(())
        });
    }

    #[test]
    fn development_mode_refuses_an_address_that_others_can_reach() {
        Jail::expect_with(|jail| {
            jail.create_file(FILE, "listen = \"0.0.0.0:8000\"\n[auth]\nmode = \"development\"\n")?;
            assert!(Config::load(None, Flags::default()).is_err());
            Ok(())
        });
    }

    #[test]
    fn a_relative_data_directory_is_meant_from_where_the_server_starts() {
        Jail::expect_with(|jail| {
            jail.create_file(FILE, "data = \"kept/here\"\n")?;
            let data = Config::load(None, Flags::default()).unwrap().data;
            assert_eq!(data, std::env::current_dir().unwrap().join("kept/here"));
            Ok(())
        });
    }

    #[test]
    fn proxies_that_are_trusted_are_addresses_and_networks() {
        Jail::expect_with(|jail| {
            jail.create_file(FILE, "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n")?;
            let proxies = Config::load(None, Flags::default()).unwrap().server.trusted_proxies;
            assert_eq!(proxies, ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
            jail.create_file(FILE, "[server]\ntrusted_proxies = [\"proxy\"]\n")?;
            let refused = Config::load(None, Flags::default()).unwrap_err().to_string();
            assert!(refused.contains("write an address or a network"), "{refused}");
            Ok(())
        });
    }

    #[test]
    fn every_key_of_the_example_is_known() {
        let example =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/lockhouse.example.toml");
        let config = Config::load(Some(&example), Flags::default()).unwrap();
        assert_eq!(config.listen, Config::default().listen);
    }

    #[test]
    fn a_key_of_anthropics_alone_makes_the_default_model() {
        Jail::expect_with(|jail| {
            jail.set_env("ANTHROPIC_API_KEY", "hush");
            let config = Config::load(None, Flags::default()).unwrap();
            let model = &config.models["default"];
            assert_eq!(model.provider, ProviderName::Anthropic);
            assert_eq!(model.api_key.as_ref().map(Secret::reveal), Some("hush"));
            assert!(!format!("{config:?}").contains("hush"));
            Ok(())
        });
    }

    #[test]
    fn the_standard_variables_name_a_collector_where_nothing_is_configured() {
        Jail::expect_with(|jail| {
            jail.set_env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
            jail.set_env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=lab, rack = 7");
            jail.set_env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hush");
            let telemetry = Config::load(None, Flags::default()).unwrap().telemetry;
            assert_eq!(telemetry.otlp_endpoint.as_deref(), Some("http://127.0.0.1:4318"));
            assert_eq!(telemetry.resource["rack"], "7");
            assert!(!format!("{telemetry:?}").contains("hush"));
            jail.create_file(FILE, "[telemetry]\notlp_endpoint = \"collector\"\n")?;
            let refused = Config::load(None, Flags::default()).unwrap_err().to_string();
            assert!(refused.contains("telemetry.otlp_endpoint"), "{refused}");
            Ok(())
        });
    }

    #[test]
    fn a_key_of_anthropics_goes_to_no_other_provider() {
        Jail::expect_with(|jail| {
            let entry = "provider = \"openai\"\nmodel = \"m\"\nbase_url = \"http://127.0.0.1:1\"";
            jail.create_file(FILE, &format!("[models.default]\n{entry}\n"))?;
            jail.set_env("ANTHROPIC_API_KEY", "hush");
            let config = Config::load(None, Flags::default()).unwrap();
            assert!(config.models["default"].has_no_key());
            Ok(())
        });
    }

    #[test]
    fn a_misspelt_key_of_a_model_is_refused() {
        Jail::expect_with(|jail| {
            let entry = "provider = \"anthropic\"\nmodel = \"m\"\nbase_urll = \"x\"";
            jail.create_file(FILE, &format!("[models.small]\n{entry}\n"))?;
            let refused = Config::load(None, Flags::default()).unwrap_err().to_string();
            assert!(refused.contains("did you mean “base_url”?"), "{refused}");
            Ok(())
        });
    }

    #[test]
    fn the_documents_names_for_a_bucket_are_understood() {
        Jail::expect_with(|jail| {
            jail.set_env("S3_BUCKET", "jobs");
            jail.set_env("AWS_ACCESS_KEY_ID", "1234");
            jail.set_env("AWS_SECRET_ACCESS_KEY", "hush");
            let config = Config::load(None, Flags::default()).unwrap();
            let s3 = &config.storage.s3;
            assert_eq!(s3.bucket.as_deref(), Some("jobs"));
            assert_eq!(s3.access_key_id.as_deref(), Some("1234"));
            assert_eq!(s3.secret_access_key.as_ref().map(Secret::reveal), Some("hush"));
            assert!(!format!("{config:?}").contains("hush"));
            Ok(())
        });
    }

    #[test]
    fn the_documents_name_for_the_database_is_understood() {
        Jail::expect_with(|jail| {
            jail.set_env("DATABASE_URL", "postgres://somewhere/x");
            let config = Config::load(None, Flags::default()).unwrap();
            assert_eq!(config.database.url.as_deref(), Some("postgres://somewhere/x"));
            Ok(())
        });
    }
}
