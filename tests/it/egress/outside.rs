//! Servers on this machine that stand for the outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::soon;

/// A server that answers each connection in its own way.
pub(super) struct Server {
    pub(super) port: u16,
    seen: tokio::sync::mpsc::Receiver<Vec<u8>>,
}

impl Server {
    /// Sends back all it reads, then a goodbye once the other side has ended.
    pub(super) async fn echo() -> Self {
        Self::start(|mut stream, seen| async move {
            let mut all = Vec::new();
            let mut buffer = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                all.extend_from_slice(&buffer[..read]);
                stream.write_all(&buffer[..read]).await.unwrap();
            }
            stream.write_all(b"goodbye").await.unwrap();
            seen.send(all).await.unwrap();
        })
        .await
    }

    /// Answers one request with fixed bytes, and keeps what was asked.
    pub(super) async fn answering(answer: &'static str) -> Self {
        Self::start(move |mut stream, seen| async move {
            let request = read_request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            seen.send(request).await.unwrap();
        })
        .await
    }

    /// Takes connections and never says a word.
    pub(super) async fn silent() -> Self {
        Self::start(|mut stream, seen| async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            seen.send(all).await.unwrap();
        })
        .await
    }

    /// An HTTP server with a document at each path; others are not found. The
    /// text `{base}` in a document stands for the server's own URL.
    pub(super) async fn documents(
        name: &'static str,
        pages: HashMap<&'static str, &'static str>,
    ) -> Self {
        let base = Arc::new(Mutex::new(String::new()));
        let known = Arc::clone(&base);
        let server = Self::start(move |mut stream, seen| {
            let (pages, base) = (pages.clone(), Arc::clone(&known));
            async move {
                let request = read_request(&mut stream).await;
                let path = String::from_utf8_lossy(&request).split(' ').nth(1).unwrap().to_owned();
                let page = pages.get(path.as_str()).map(|page| page.to_string());
                let answer = answer(page, &base.lock().unwrap());
                let _ = seen.try_send(request);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        })
        .await;
        *base.lock().unwrap() = format!("http://{name}:{}", server.port);
        server
    }

    /// A proxy that carries `CONNECT` to itself as an echo, and answers plain
    /// requests; keeps the head of each.
    pub(super) async fn proxy() -> Self {
        Self::start(|mut stream, seen| async move {
            let head = read_request(&mut stream).await;
            let tunnel = head.starts_with(b"CONNECT ");
            seen.send(head).await.unwrap();
            if tunnel {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            } else {
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nby a proxy\n";
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        })
        .await
    }

    /// What the next connection sent.
    pub(super) async fn saw(&mut self) -> String {
        String::from_utf8_lossy(&soon(self.seen.recv()).await.unwrap()).into_owned()
    }

    async fn start<W, F>(work: W) -> Self
    where
        W: Fn(TcpStream, tokio::sync::mpsc::Sender<Vec<u8>>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, seen) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(work(stream, tell.clone()));
            }
        });
        Self { port, seen }
    }
}

/// A page that starts with `→` sends on to the URL behind it.
fn answer(page: Option<String>, base: &str) -> String {
    let Some(page) = page.map(|page| page.replace("{base}", base)) else {
        return "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into();
    };
    match page.strip_prefix('→') {
        Some(to) => format!(
            "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ),
        None => format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
            page.len()
        ),
    }
}

/// A head, and the body that its `content-length` or chunks announce.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    while !all.ends_with(b"\r\n\r\n") {
        all.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8_lossy(&all).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        while !all.ends_with(b"\r\n0\r\n\r\n") {
            all.push(stream.read_u8().await.unwrap());
        }
    }
    all
}
