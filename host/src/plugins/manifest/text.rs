//! Reads the keys of `plugin.toml`, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use toml::{Table, Value};

use super::{Error, Kind, Manifest, Role, Setting, Wanted};

const MAX_NAME_BYTES: usize = 64;
const MAX_IMPORT_BYTES: usize = 200;
const MAX_SENTENCE_BYTES: usize = 400;
/// How much of somebody's text an error repeats.
const MAX_SHOWN_CHARS: usize = 100;
/// How many entries each list and table may have.
const MAX_ENTRIES: usize = 100;
/// Names that are alike by this much may have been meant.
const ALIKE: f64 = 0.8;

const KEYS: &[&str] = &[
    "id",
    "version",
    "summary",
    "roles",
    "minimum-host",
    "imports",
    "grants",
    "limits",
    "settings",
];
const LIMIT_KEYS: &[&str] = &["memory-mib", "cpu-ms", "wall-ms", "output-kib"];
const SETTING_KEYS: &[&str] = &["type", "default", "description"];
const GRANTS: &[&str] = &["kv", "project-files", "secret/NAME", "model/ALIAS"];

pub(super) fn manifest(table: &Table) -> Result<Manifest, Error> {
    let top = Keys::of("", table, KEYS)?;
    Ok(Manifest {
        id: name("id", top.needed("id", "\"my-plugin\"")?)?,
        version: version("version", top.needed("version", "\"0.1.0\"")?)?,
        summary: sentence("summary", top.needed("summary", "\"One sentence.\"")?)?,
        roles: roles(top.needed("roles", "[\"command-policy\"]")?)?,
        minimum_host: top.get("minimum-host").map(|v| version("minimum-host", v)).transpose()?,
        imports: top.set("imports", import)?,
        grants: top.set("grants", grant)?,
        limits: top.get("limits").map(limits).transpose()?.unwrap_or_default(),
        settings: top.get("settings").map(settings).transpose()?.unwrap_or_default(),
    })
}

/// A table of which every key is known.
struct Keys<'a> {
    place: String,
    table: &'a Table,
}

impl<'a> Keys<'a> {
    fn of(place: &str, table: &'a Table, known: &[&str]) -> Result<Self, Error> {
        match table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(wrong(&path(place, &shown(key)), unknown("unknown key", key, known))),
            None => Ok(Self { place: place.to_owned(), table }),
        }
    }

    fn path(&self, key: &str) -> String {
        path(&self.place, key)
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.table.get(key)
    }

    fn needed(&self, key: &str, example: &str) -> Result<&'a Value, Error> {
        let why = || wrong(&self.path(key), format!("missing; write {key} = {example}"));
        self.get(key).ok_or_else(why)
    }

    /// A list of distinct texts; none is an empty one.
    fn set(
        &self,
        key: &str,
        check: fn(&str) -> Result<(), String>,
    ) -> Result<BTreeSet<String>, Error> {
        let Some(value) = self.get(key) else { return Ok(BTreeSet::new()) };
        let texts = texts(&self.path(key), value)?;
        for text in &texts {
            check(text).map_err(|why| wrong(&self.path(key), why))?;
        }
        Ok(texts.into_iter().map(str::to_owned).collect())
    }

    fn positive(&self, key: &str) -> Result<Option<u32>, Error> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.as_integer().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        let why =
            || wrong(&self.path(key), format!("must be a whole number from 1 to {}", u32::MAX));
        number.map(Some).ok_or_else(why)
    }
}

fn path(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

fn wrong(key: &str, why: impl Into<String>) -> Error {
    Error::Key { key: key.to_owned(), why: why.into() }
}

/// A word that nobody knows, with the one that was perhaps meant.
fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let alike = |other: &&str| strsim::jaro_winkler(word, other);
    let nearest = known.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match nearest.filter(|nearest| alike(nearest) >= ALIKE) {
        Some(nearest) => format!("{what} “{}”; did you mean “{nearest}”?", shown(word)),
        None => format!("{what} “{}”; known are {}", shown(word), known.join(", ")),
    }
}

/// Enough of a text to recognise it by, and nothing that moves a terminal.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let short: String = text.chars().take(MAX_SHOWN_CHARS).map(plain).collect();
    if text.chars().nth(MAX_SHOWN_CHARS).is_some() { format!("{short}…") } else { short }
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| wrong(key, format!("must be a text, not {}", value.type_str())))
}

fn texts<'a>(key: &str, value: &'a Value) -> Result<Vec<&'a str>, Error> {
    let list = value.as_array().ok_or_else(|| wrong(key, "must be a list of texts"))?;
    if list.len() > MAX_ENTRIES {
        return Err(wrong(key, format!("has {} entries, limit {MAX_ENTRIES}", list.len())));
    }
    let texts = list.iter().map(|entry| text(key, entry)).collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    match texts.iter().find(|text| !seen.insert(**text)) {
        Some(twice) => Err(wrong(key, format!("“{}” stands there twice", shown(twice)))),
        None => Ok(texts),
    }
}

fn is_name(text: &str, also: &[u8]) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b))
}

fn name(key: &str, value: &Value) -> Result<String, Error> {
    match text(key, value)? {
        text if is_name(text, b"-_") => Ok(text.to_owned()),
        _ => Err(wrong(key, "must be 1 to 64 letters, digits, “-” or “_”")),
    }
}

fn version(key: &str, value: &Value) -> Result<Version, Error> {
    let text = text(key, value)?;
    let why = |error| {
        let shown = shown(text);
        wrong(key, format!("“{shown}” is no semantic version such as 0.1.0: {error}"))
    };
    if text.len() > MAX_NAME_BYTES {
        return Err(wrong(key, format!("is longer than {MAX_NAME_BYTES} bytes")));
    }
    Version::parse(text).map_err(why)
}

fn sentence(key: &str, value: &Value) -> Result<String, Error> {
    match text(key, value)? {
        text if text.len() > MAX_SENTENCE_BYTES => {
            Err(wrong(key, format!("is {} bytes, limit {MAX_SENTENCE_BYTES}", text.len())))
        }
        text if text.chars().any(char::is_control) => {
            Err(wrong(key, "must be one line of plain text"))
        }
        text => Ok(text.to_owned()),
    }
}

fn roles(value: &Value) -> Result<BTreeSet<Role>, Error> {
    let known = Role::ALL.map(Role::as_str);
    let role = |text: &str| {
        let role = Role::ALL.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| wrong("roles", unknown("unknown role", text, &known)))
    };
    let roles = texts("roles", value)?.into_iter().map(role).collect::<Result<BTreeSet<_>, _>>()?;
    if roles.is_empty() {
        return Err(wrong("roles", format!("names none; known are {}", known.join(", "))));
    }
    Ok(roles)
}

/// `package:name/interface@1.2.3`.
fn import(text: &str) -> Result<(), String> {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let parts = text.split_once('@').and_then(|(interface, version)| {
        let (package, name) = interface.split_once('/')?;
        let (owner, package) = package.split_once(':')?;
        Some(([owner, package, name].into_iter().all(plain), Version::parse(version).is_ok()))
    });
    if text.len() <= MAX_IMPORT_BYTES && parts == Some((true, true)) {
        return Ok(());
    }
    Err(format!(
        "“{}” is no interface with a version, such as “lockhouse:host/log@0.1.0”",
        shown(text)
    ))
}

fn grant(text: &str) -> Result<(), String> {
    match text.split_once('/') {
        Some(("secret" | "model", name)) if is_name(name, b"-_.") => Ok(()),
        Some((kind @ ("secret" | "model"), _)) => {
            Err(format!("write “{kind}/” and 1 to 64 letters, digits, “-”, “_” or “.”"))
        }
        None if matches!(text, "kv" | "project-files") => Ok(()),
        _ => Err(unknown("unknown grant", text, GRANTS)),
    }
}

fn limits(value: &Value) -> Result<Wanted, Error> {
    let keys = Keys::of("limits", table("limits", value)?, LIMIT_KEYS)?;
    Ok(Wanted {
        memory_mib: keys.positive("memory-mib")?,
        cpu_ms: keys.positive("cpu-ms")?,
        wall_ms: keys.positive("wall-ms")?,
        output_kib: keys.positive("output-kib")?,
    })
}

fn table<'a>(key: &str, value: &'a Value) -> Result<&'a Table, Error> {
    value.as_table().ok_or_else(|| wrong(key, format!("must be a table: write [{key}]")))
}

fn settings(value: &Value) -> Result<BTreeMap<String, Setting>, Error> {
    let all = table("settings", value)?;
    if all.len() > MAX_ENTRIES {
        return Err(wrong("settings", format!("has {} entries, limit {MAX_ENTRIES}", all.len())));
    }
    let one = |(name, value): (&String, &Value)| {
        let key = path("settings", &shown(name));
        if !is_name(name, b"-_") {
            return Err(wrong(&key, "a setting's name is 1 to 64 letters, digits, “-” or “_”"));
        }
        Ok((name.clone(), setting(&key, table(&key, value)?)?))
    };
    all.iter().map(one).collect()
}

fn setting(key: &str, table: &Table) -> Result<Setting, Error> {
    let keys = Keys::of(key, table, SETTING_KEYS)?;
    let kind = kind(&keys.path("type"), keys.needed("type", "\"boolean\"")?)?;
    let default = keys.get("default").map(|value| {
        let key = keys.path("default");
        let value = json(value).map_err(|why| wrong(&key, why))?;
        if kind.fits(&value) {
            return Ok(value);
        }
        Err(wrong(
            &key,
            format!("{} is not of the type {}", shown(&value.to_string()), kind.as_str()),
        ))
    });
    let description = keys.get("description").map(|v| sentence(&keys.path("description"), v));
    Ok(Setting { kind, default: default.transpose()?, description: description.transpose()? })
}

fn kind(key: &str, value: &Value) -> Result<Kind, Error> {
    let text = text(key, value)?;
    let known = Kind::ALL.map(Kind::as_str);
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    kind.ok_or_else(|| wrong(key, unknown("unknown type", text, &known)))
}

/// Settings reach a plugin as JSON.
fn json(value: &Value) -> Result<serde_json::Value, String> {
    Ok(match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Boolean(is) => (*is).into(),
        Value::Float(number) => serde_json::Number::from_f64(*number)
            .map(serde_json::Value::Number)
            .ok_or_else(|| format!("{number} is no number that JSON has"))?,
        Value::Datetime(_) => return Err("JSON has no dates: write it as a text".to_owned()),
        Value::Array(list) => list.iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        Value::Table(table) => {
            let entry = |(key, value): (&String, &Value)| Ok((key.clone(), json(value)?));
            let entries =
                table.iter().map(entry).collect::<Result<serde_json::Map<_, _>, String>>()?;
            entries.into()
        }
    })
}
