//! Pages of Lockhouse's own in place of a preview: nothing answers yet, or nobody
//! knows who asks.

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::problem::Problem;
use super::{host, wants_page};
use crate::app::App;
use crate::ids::{ProjectId, ProjectName};
use crate::previews::Error;
use crate::previews::origin::HostName;

/// The longest line of a log that is shown.
const MAX_LINE_CHARS: usize = 400;

/// Says what is happening, and looks again by itself.
pub(super) async fn waiting(
    app: &App,
    project: &ProjectId,
    error: &Error,
    policy: &str,
) -> Result<Response, Problem> {
    let project = app.projects.get(project).await?;
    let status = match app.runtimes.find(&project.id).await {
        Ok(Some(runtime)) => runtime.status.as_str(),
        Ok(None) => "absent",
        Err(_) => "unknown",
    };
    // Without a process there is no log, and without a log there is still a page.
    let log = app.previews.log_tail(&project).await.unwrap_or_default();
    let log = match plain(&log) {
        log if log.is_empty() => String::new(),
        log => format!("<h2>The end of its log</h2><pre>{}</pre>", escaped(&log)),
    };
    let reason = escaped(&error.to_string());
    let parts = [("project", project.name.as_str()), ("status", status), ("reason", &reason)];
    let page = filled(include_str!("waiting.html"), &parts, &log);
    Ok(answer(StatusCode::BAD_GATEWAY, policy, page))
}

/// Sends a person to Lockhouse's own origin, which knows who they are; tells a
/// program.
pub(super) fn sign_in(
    app: &App,
    host: &HostName,
    name: &ProjectName,
    parts: &Parts,
) -> Result<Response, Problem> {
    if !wants_page(&parts.method, &parts.headers) {
        let detail = "open the preview from Lockhouse, or send `Authorization: Bearer <token>`";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail));
    }
    let url = escaped(&host::open_url(app, name.as_str(), host.port, &parts.uri));
    let page = filled(include_str!("sign-in.html"), &[("url", &url)], "");
    Ok(answer(StatusCode::UNAUTHORIZED, &host::framed_by(app), page))
}

/// Puts the parts in their places at once, so that none is looked for in another.
fn filled(template: &str, parts: &[(&str, &str)], log: &str) -> String {
    let mut page = String::with_capacity(template.len() + log.len());
    for (at, piece) in template.split('{').enumerate() {
        let part = piece.split_once('}').and_then(|(name, rest)| {
            let found = parts.iter().find(|(known, _)| *known == name);
            let value = found.map(|(_, value)| *value).or((name == "log").then_some(log));
            value.map(|value| (value, rest))
        });
        match part {
            Some((value, rest)) => page.extend([value, rest]),
            None if at == 0 => page.push_str(piece),
            None => page.extend(["{", piece]),
        }
    }
    page
}

fn answer(status: StatusCode, policy: &str, page: String) -> Response {
    // The preview's own policy says who frames it; a page of ours needs no sandbox.
    let frames =
        if policy.starts_with("frame-ancestors") { policy } else { "frame-ancestors 'self'" };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (
            header::CONTENT_SECURITY_POLICY,
            format!("default-src 'none'; style-src 'unsafe-inline'; {frames}"),
        ),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (status, headers, page).into_response()
}

/// A log without what steers terminals.
fn plain(log: &str) -> String {
    let lines = log.lines().map(|line| {
        let mut shown = String::new();
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                    // Parameters, up to the letter that says what to do.
                    while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
                }
                c if c.is_control() && c != '\t' => {}
                c => shown.push(c),
            }
        }
        shown.chars().take(MAX_LINE_CHARS).collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_says_is_text() {
        assert_eq!(escaped("<script>\"&"), "&lt;script&gt;&quot;&amp;");
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\u{7}\nnext"), "red\nnext");
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(plain(&"x".repeat(1000)).len(), MAX_LINE_CHARS);
    }

    #[test]
    fn no_part_is_looked_for_in_another() {
        let page = filled("p { a } {project} {log}", &[("project", "{log}")], "{project}");
        assert_eq!(page, "p { a } {log} {project}");
    }
}
