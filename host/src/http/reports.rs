//! Doors to reports, for administrators: one document in four formats.

mod accept;
pub(super) mod schedules;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Path, Query};
use super::problem::{Problem, ProblemView};
use crate::app::App;
use crate::auth::Caller;
use crate::gate::{Action, Target};
use crate::reports::{
    Error, Format, Given, InvalidFormat, Report, ReportView, Written, report_view,
};

/// What a report's page may do: be looked at.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; \
    base-uri 'none'; form-action 'none'";

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReportList {
    pub reports: Vec<ReportAbout>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReportAbout {
    pub name: String,
    /// The plugin that writes it, with its version.
    pub plugin: String,
    pub title: String,
    pub summary: String,
    pub parameters: Vec<ParameterView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ParameterView {
    pub name: String,
    pub description: String,
    /// What counts where nothing is given.
    pub default: String,
}

/// Every report that can be asked for.
#[utoipa::path(get, path = "/admin/reports", tag = "reports",
    responses((status = 200, body = ReportList), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn list_reports(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<ReportList>, Problem> {
    app.gate.admit(&caller, Action::read("report.list", Target::Installation)).await?;
    let reports = app.reports.list().iter().map(|report| about(report.as_ref())).collect();
    Ok(axum::Json(ReportList { reports, next_cursor: None }))
}

/// Has a report written, in the format that `format` names or, without it, the
/// one that is accepted; JSON otherwise.
#[utoipa::path(get, path = "/admin/reports/{report}", tag = "reports",
    params(("report" = String, Path),
        ("format" = Option<String>, Query, description = "`json`, `html`, `csv` or `markdown`"),
        ("param" = Option<Vec<String>>, Query, description = "A parameter of the report, as `NAME=VALUE`; may be repeated")),
    responses((status = 200, content((ReportView = "application/json"), (String = "text/html"), (String = "text/csv"), (String = "text/markdown"))),
        (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(super) async fn find_report(
    State(app): State<App>,
    caller: Caller,
    Path(report): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let action = Action::read("report.find", Target::Installation);
    let permit = app.gate.admit(&caller, action).await?;
    let (format, given) = read_query(query)?;
    let format = format.unwrap_or_else(|| accept::accepted(&headers));
    let written = app.reports.write(&permit, &report, given).await?;
    answer(&report, format, written)
}

fn about(report: &dyn Report) -> ReportAbout {
    let about = report.description();
    let parameter = |parameter: &crate::reports::Parameter| ParameterView {
        name: parameter.name.clone(),
        description: parameter.description.clone(),
        default: parameter.default.clone(),
    };
    ReportAbout {
        name: report.id().to_owned(),
        plugin: report.name().to_owned(),
        title: about.title.clone(),
        summary: about.summary.clone(),
        parameters: about.parameters.iter().map(parameter).collect(),
    }
}

/// A format, and the report's own parameters.
fn read_query(query: Vec<(String, String)>) -> Result<(Option<Format>, Given), Problem> {
    let (mut format, mut given) = (None, Given::new());
    for (key, value) in query {
        match key.as_str() {
            "format" => format = Some(value.parse()?),
            "param" => {
                let (name, value) = value.split_once('=').ok_or_else(|| {
                    let detail = "param: write a parameter as NAME=VALUE, such as since=7d";
                    Problem::bad_request("invalid_parameter", detail)
                })?;
                given.insert(name.to_owned(), value.to_owned());
            }
            _ => {
                let key: String = key.chars().take(80).collect();
                let detail = format!(
                    "there is no `{key}` here; there are `format` and, for the report's own \
                     parameters, `param=NAME=VALUE`"
                );
                return Err(Problem::bad_request("invalid_query", detail));
            }
        }
    }
    Ok((format, given))
}

fn answer(name: &str, format: Format, written: Written) -> Result<Response, Problem> {
    if format == Format::Json {
        return Ok(axum::Json(report_view(written)).into_response());
    }
    let body = format.text(written).map_err(Problem::internal)?;
    // The name is a plugin's id, which needs no quoting.
    let shown = if format == Format::Csv { "attachment" } else { "inline" };
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("{shown}; filename=\"{name}.{}\"", format.extension()),
        ),
    ];
    Ok((headers, body).into_response())
}

impl From<InvalidFormat> for Problem {
    fn from(invalid: InvalidFormat) -> Self {
        Self::bad_request("invalid_format", invalid.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound { .. } => Self::not_found(text),
            Error::Invalid(_) => Self::bad_request("invalid_parameter", text),
            Error::Busy | Error::Fault(_) => Self::unavailable("report_unavailable", text),
            Error::Broken { .. } => Self::new(StatusCode::BAD_GATEWAY, "report_broken", text),
            Error::TooSlow => Self::new(StatusCode::GATEWAY_TIMEOUT, "report_too_slow", text),
            Error::Db(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Result<(Option<Format>, Given), Problem> {
        read_query(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn parameters_are_named_within_their_values() {
        let (format, given) =
            query(&[("format", "csv"), ("param", "since=7d"), ("param", "x=a=b")]).unwrap();
        assert_eq!(format, Some(Format::Csv));
        assert_eq!((given["since"].as_str(), given["x"].as_str()), ("7d", "a=b"));
    }

    #[test]
    fn what_is_no_parameter_is_told_how_to_be_one() {
        assert!(query(&[("param", "since")]).unwrap_err().detail.contains("NAME=VALUE"));
        assert!(query(&[("since", "7d")]).unwrap_err().detail.contains("`param=NAME=VALUE`"));
        assert!(query(&[("format", "pdf")]).unwrap_err().detail.contains("markdown"));
    }
}
