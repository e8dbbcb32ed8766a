//! Speaks with a running server.

use std::path::Path;

use anyhow::{Context as _, bail};
use futures::StreamExt as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::Server;
use crate::auth::ADMIN_TOKEN_FILE;

/// The longest line of an event stream.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

/// The longest answer that is kept whole.
const MAX_DOWNLOAD_BYTES: usize = 64 * 1024 * 1024;

/// A server and a token for it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
}

#[derive(Deserialize)]
struct ServerFile {
    url: String,
}

/// A stream of server-sent events.
pub(super) struct Events {
    body: futures::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    waiting: Vec<u8>,
}

/// One event: its `id`, and its data as JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) id: Option<String>,
    pub(super) data: Value,
}

/// All of a list, page after page.
pub(super) async fn rows(
    client: &Client,
    path: &str,
    name: &str,
    filter: &str,
) -> anyhow::Result<Vec<Value>> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("{path}?{filter}{after}");
        let mut page = client.ask(Method::GET, &path, |request| request).await?;
        let rows = page[name].as_array_mut().context("the server listed nothing")?;
        found.append(rows);
        match page["next_cursor"].as_str() {
            Some(cursor) => after = format!("&cursor={cursor}"),
            None => return Ok(found),
        }
    }
}

impl Client {
    pub(super) fn connect(server: &Server) -> anyhow::Result<Self> {
        let base = match &server.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => running_server(&server.data)?,
        };
        let token = match &server.token {
            Some(token) => token.clone(),
            None => read(&server.data.join(ADMIN_TOKEN_FILE))
                .context("no token: give --token, or --data of the server on this machine")?,
        };
        // Another provider may have been chosen first; either will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.trim()))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        // The server is asked directly, whatever proxy the environment names.
        let http = reqwest::Client::builder().default_headers(headers).no_proxy().build()?;
        Ok(Self { http, base })
    }

    /// The server's own address, for links that a person opens.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, |request| request.json(body)).await
    }

    /// A request with the body that `with` gives it; answered by JSON, or by nothing.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Value> {
        let answer = self.send(with(self.request(method, path))).await?;
        let bytes = answer.bytes().await?;
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }

    /// What a server answers to a GET, as it is; within a bound.
    pub(super) async fn download(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        self.download_as(path, "*/*").await
    }

    /// The same in the media type that is asked for.
    pub(super) async fn download_as(&self, path: &str, accept: &str) -> anyhow::Result<Vec<u8>> {
        let request = self.request(Method::GET, path).header(ACCEPT, accept);
        let answer = self.send(request).await?;
        let (mut body, mut bytes) = (answer.bytes_stream(), Vec::new());
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() > MAX_DOWNLOAD_BYTES {
                bail!("the server sent more than {MAX_DOWNLOAD_BYTES} bytes");
            }
        }
        Ok(bytes)
    }

    /// The same, written down as it comes, whatever its length.
    pub(super) async fn copy(
        &self,
        path: &str,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> anyhow::Result<()> {
        let answer = self.send(self.request(Method::GET, path)).await?;
        let mut body = answer.bytes_stream();
        while let Some(chunk) = body.next().await {
            to.write_all(&chunk?).await?;
        }
        Ok(())
    }

    /// A request that is answered by a stream of events.
    pub(super) async fn events(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        last_event_id: Option<&str>,
    ) -> anyhow::Result<Events> {
        let mut request = self.request(method, path).header(ACCEPT, "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.send(request).await?;
        Ok(Events { body: answer.bytes_stream().boxed(), waiting: Vec::new() })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.base))
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request.send().await.with_context(|| {
            format!("{} does not answer; start it with `lockhouse serve`", self.base)
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap_or_default();
        match problem["detail"].as_str() {
            Some(detail) => bail!("{detail} ({})", problem["code"].as_str().unwrap_or("?")),
            None => bail!("the server answered {status}"),
        }
    }
}

impl Events {
    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        let mut id = None;
        while let Some(line) = self.line().await? {
            if let Some(value) = line.strip_prefix("id:") {
                id = Some(value.trim().to_owned());
            } else if let Some(data) = line.strip_prefix("data:") {
                let data = serde_json::from_str(data.trim())?;
                return Ok(Some(Event { id: id.or(self.id_behind().await?), data }));
            }
        }
        Ok(None)
    }

    /// An `id:` may stand behind the data, up to the empty line.
    async fn id_behind(&mut self) -> anyhow::Result<Option<String>> {
        let mut id = None;
        while let Some(line) = self.line().await? {
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("id:") {
                id = Some(value.trim().to_owned());
            }
        }
        Ok(id)
    }

    async fn line(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            if let Some(end) = self.waiting.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.waiting.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            if self.waiting.len() > MAX_LINE_BYTES {
                bail!("the server sent a line of over {MAX_LINE_BYTES} bytes");
            }
            match self.body.next().await {
                Some(bytes) => self.waiting.extend_from_slice(&bytes?),
                None => return Ok(None),
            }
        }
    }
}

fn running_server(data: &Path) -> anyhow::Result<String> {
    let file = read(&data.join("server.json")).with_context(|| {
        format!(
            "no server runs on {}: start one with `lockhouse serve`, or give --url",
            data.display()
        )
    })?;
    let ServerFile { url } = serde_json::from_str(&file)?;
    Ok(url)
}

fn read(path: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}
