//! The door to searches.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Caller;
use crate::files::{Cut, Match, Query as Search};
use crate::http::extract::{Path, Query};
use crate::http::problem::{Problem, ProblemView};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// What to look for, in upper and lower case as it is written.
    pub q: String,
    /// Whether `q` is a regular expression.
    #[serde(default)]
    pub regex: bool,
    /// Only files whose path fits, such as `src/**/*.ts`; a pattern without `/`,
    /// such as `*.{js,ts}`, means names in any directory.
    pub glob: Option<String>,
    /// How many matches, at the most.
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatchView {
    pub path: String,
    /// From one on.
    pub line: u64,
    /// In characters, from one on.
    pub column: u64,
    /// The line, or as much of it around the match as can be shown.
    pub preview: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResult {
    pub matches: Vec<MatchView>,
    /// Whether there may be more than these.
    pub truncated: bool,
    /// Why: `limit`, `time`, or `size` of the project.
    pub reason: Option<&'static str>,
}

/// Lines that have what is looked for, in the order of their paths. What
/// `.gitignore` names, binary files, links and `.git` are passed over.
#[utoipa::path(get, path = "/projects/{project}/search", tag = "files", params(("project" = String, Path), SearchQuery),
    responses((status = 200, body = SearchResult), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn search_files(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<SearchQuery>,
) -> Result<JsonAnswer<SearchResult>, Problem> {
    let project = app.projects.find(&caller, &project).await?;
    let SearchQuery { q, regex, glob, limit } = query;
    let glob = glob.filter(|glob| !glob.is_empty());
    let found = app.files.search(&project, &Search { text: q, regex, glob, limit }).await?;
    Ok(JsonAnswer(SearchResult {
        truncated: found.cut.is_some(),
        reason: found.cut.map(Cut::as_str),
        matches: found.matches.into_iter().map(view).collect(),
    }))
}

fn view(found: Match) -> MatchView {
    let Match { path, line, column, preview } = found;
    MatchView { path, line, column, preview }
}
