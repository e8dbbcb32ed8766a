//! Who gets a report, and in which format.

use reqwest::Method;
use serde_json::json;

use super::busy;
use crate::authors::workshop::bash;
use crate::host::{Host, answer, engine};

async fn host() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

#[tokio::test]
async fn the_reports_that_there_are_are_listed_with_their_parameters() {
    let host = need!(local, host().await);
    let list = host.get("/api/v1/admin/reports").await.json;
    let reports = list["reports"].as_array().unwrap();
    let names: Vec<_> = reports.iter().map(|report| report["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["audit", "decisions", "disk", "runtimes", "spend", "usage"]);
    assert_eq!(reports[5]["plugin"], "usage@0.1.0");
    let parameters = reports[5]["parameters"].as_array().unwrap().iter();
    let parameters: Vec<_> = parameters.map(|parameter| &parameter["name"]).collect();
    assert_eq!(parameters, ["since", "project"]);
}

#[tokio::test]
async fn a_learner_is_told_that_reports_are_for_administrators() {
    let mode = &[("LOCKHOUSE_AUTH__MODE", "development")];
    let host = Host::start_with(need!(local, engine("local").await), mode).await;
    for path in ["/api/v1/admin/reports", "/api/v1/admin/reports/usage"] {
        let asked = host.as_nobody(Method::GET, path).header("x-user-id", "ada");
        let refused = answer(asked).await;
        assert_eq!((refused.status.as_u16(), &refused.json["code"]), (403, &json!("not_admin")));
    }
}

#[tokio::test]
async fn a_browser_gets_a_page_that_may_do_nothing() {
    let host = need!(local, busy().await);
    let asked = host.request(Method::GET, "/api/v1/admin/reports/audit");
    let page = answer(asked.header("accept", "text/html,*/*;q=0.8")).await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"), "{policy}");
    assert!(page.text.contains("<svg") && !page.text.contains("<script"), "{}", page.text);
}

#[tokio::test]
async fn what_a_report_does_not_take_is_told_with_what_it_does() {
    let host = need!(local, host().await);
    let of = async |query: &str| {
        let refused = host.get(&format!("/api/v1/admin/reports/{query}")).await;
        (refused.status.as_u16(), refused.json["detail"].as_str().unwrap().to_owned())
    };
    let (status, detail) = of("nothing").await;
    assert_eq!(status, 404);
    assert!(
        detail.contains("there are audit, decisions, disk, runtimes, spend, usage"),
        "{detail}"
    );
    let (status, detail) = of("usage?param=sinse=7d").await;
    assert_eq!((status, detail.contains("it has since, project")), (400, true), "{detail}");
    assert_eq!(of("usage?format=pdf").await.0, 400);
    let (status, detail) = of("usage?param=since=soon").await;
    assert_eq!((status, detail.contains("since: use a time")), (400, true), "{detail}");
}

#[tokio::test]
async fn the_command_line_lists_and_writes_reports() {
    let host = need!(local, busy().await);
    let data = host.data().display();
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "lockhouse report --data {data}
         lockhouse report usage --data {data} --param since=1h --param project=lab
         lockhouse report usage --data {data} --format html --out usage.html
         head -c 15 usage.html"
    );
    let printed = bash(folder.path(), &script).await;
    assert!(printed.succeeded, "{}", printed.text);
    for expected in ["decisions        What the policies", "- Commands: 3\n", "<!doctype html>"] {
        assert!(printed.text.contains(expected), "“{expected}” is missing:\n{}", printed.text);
    }
}
