//! The door to many changes of a project's files at once.

use axum::Json as JsonAnswer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Encoding, NewType, decode, parse_path};
use crate::app::App;
use crate::auth::Caller;
use crate::files::{Etag, MAX_OPERATIONS, Operation, Precondition, RelPath, Save};
use crate::gate::Action;
use crate::http::extract::{Json, Path};
use crate::http::problem::{Problem, ProblemView};

/// The largest body of a batch; what is larger comes as an archive.
pub(crate) const MAX_BATCH_BYTES: usize = 32 * 1024 * 1024;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Op {
    /// Makes a file or directory where nothing is.
    Create,
    /// Saves a file, whether it is there or not.
    #[default]
    Write,
    /// Deletes a file, link or directory; what is gone already is no error.
    Delete,
    /// Moves a file or directory from `from` to `to`.
    Rename,
}

/// One operation. Without `op` it is a write.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "op": "write", "path": "src/app.py", "content": "print(1)\n" }))]
pub(crate) struct BatchOperation {
    #[serde(default)]
    pub op: Op,
    pub path: Option<String>,
    pub content: Option<String>,
    pub encoding: Option<Encoding>,
    /// What `create` makes.
    pub r#type: Option<NewType>,
    /// The `etag` of the version that `write` replaces.
    pub if_match: Option<String>,
    /// Whether `write` sets or takes the right to execute; without it, it stays.
    pub executable: Option<bool>,
    /// Whether `delete` takes a directory with what is in it.
    pub recursive: Option<bool>,
    pub from: Option<String>,
    pub to: Option<String>,
    /// Whether `rename` replaces what is at `to`.
    pub overwrite: Option<bool>,
}

/// Operations, bare or within `operations` or `files`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({ "operations": [{ "op": "write", "path": "src/app.py", "content": "print(1)\n" }, { "op": "rename", "from": "old.txt", "to": "new.txt" }] }))]
pub(crate) enum Batch {
    Bare(Vec<BatchOperation>),
    Operations { operations: Vec<BatchOperation> },
    Files { files: Vec<BatchOperation> },
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchDone {
    pub success: bool,
    /// Files that were created or written.
    pub files_written: usize,
    /// Operations that were carried out.
    pub operations: usize,
}

/// Carries out all operations, in their order, or none of them.
#[utoipa::path(post, path = "/projects/{project}/files/batch", tag = "files", params(("project" = String, Path)),
    request_body = Batch,
    responses((status = 200, body = BatchDone), (status = "4XX", body = ProblemView), (status = "5XX", body = ProblemView)))]
pub(crate) async fn change_files(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<String>,
    Json(body): Json<Batch>,
) -> Result<JsonAnswer<BatchDone>, Problem> {
    let (Batch::Bare(asked)
    | Batch::Operations { operations: asked }
    | Batch::Files { files: asked }) = body;
    if asked.len() > MAX_OPERATIONS {
        let detail = format!("send at most {MAX_OPERATIONS} operations at once, or an archive");
        return Err(Problem::too_large(detail));
    }
    let read = asked
        .into_iter()
        .enumerate()
        .map(|(index, asked)| operation(asked).map_err(|problem| numbered(problem, index + 1)));
    let operations = read.collect::<Result<Vec<_>, Problem>>()?;
    let writes = |operation: &&Operation| {
        matches!(operation, Operation::CreateFile { .. } | Operation::Write { .. })
    };
    let done = BatchDone {
        success: true,
        files_written: operations.iter().filter(writes).count(),
        operations: operations.len(),
    };
    let project = app.projects.find(&caller, &project).await?;
    let permit = app.gate.admit(&caller, Action::write("file.batch", project.target())).await?;
    permit.note(format!("{} operations", operations.len()));
    let changed = app.files.batch(&permit, &project, operations).await;
    permit.seal(changed)?;
    Ok(JsonAnswer(done))
}

fn numbered(mut problem: Problem, number: usize) -> Problem {
    problem.detail = format!("operation {number}: {}; nothing was changed", problem.detail);
    problem.with("operation", number)
}

fn operation(asked: BatchOperation) -> Result<Operation, Problem> {
    check_members(&asked)?;
    let path = |text: Option<String>, name: &str| -> Result<RelPath, Problem> {
        parse_path(&text.ok_or_else(|| invalid(format!("say `{name}`")))?)
    };
    if asked.op == Op::Rename {
        let overwrite = asked.overwrite.unwrap_or_default();
        return Ok(Operation::Rename {
            from: path(asked.from, "from")?,
            to: path(asked.to, "to")?,
            overwrite,
        });
    }
    let path = path(asked.path, "path")?;
    let encoding = asked.encoding.unwrap_or_default();
    Ok(match asked.op {
        Op::Delete => Operation::Delete { path, recursive: asked.recursive.unwrap_or_default() },
        Op::Create if asked.r#type == Some(NewType::Directory) => {
            Operation::CreateDirectory { path }
        }
        Op::Create => {
            let bytes = decode(asked.content.unwrap_or_default(), encoding)?;
            Operation::CreateFile { path, bytes }
        }
        Op::Write | Op::Rename => {
            let content = asked.content.ok_or_else(|| invalid("say `content`".to_owned()))?;
            let bytes = decode(content, encoding)?;
            let precondition = match asked.if_match.as_deref() {
                None => Precondition::None,
                Some("*") => Precondition::Exists,
                Some(etag) => Precondition::OneOf(vec![Etag::from_caller(etag)]),
            };
            let save = Save { precondition, executable: asked.executable };
            Operation::Write { path, bytes, save }
        }
    })
}

/// A member that an operation does not know is a mistake, not to be passed over.
fn check_members(asked: &BatchOperation) -> Result<(), Problem> {
    let rename = asked.op == Op::Rename;
    let write = asked.op == Op::Write;
    let content = write || asked.op == Op::Create;
    let members = [
        ("path", asked.path.is_some(), !rename),
        ("content", asked.content.is_some(), content),
        ("encoding", asked.encoding.is_some(), content),
        ("type", asked.r#type.is_some(), asked.op == Op::Create),
        ("if_match", asked.if_match.is_some(), write),
        ("executable", asked.executable.is_some(), write),
        ("recursive", asked.recursive.is_some(), asked.op == Op::Delete),
        ("from", asked.from.is_some(), rename),
        ("to", asked.to.is_some(), rename),
        ("overwrite", asked.overwrite.is_some(), rename),
    ];
    match members.iter().find(|(_, given, known)| *given && !known) {
        Some((name, ..)) => Err(invalid(format!("`{name}` is no part of it; leave it away"))),
        None => Ok(()),
    }
}

fn invalid(detail: String) -> Problem {
    Problem::bad_request("invalid_operation", detail)
}
