//! The API's description, completed: what is the same for every operation is said here,
//! once, and not above each handler.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// Said to whoever reads nothing else.
const ABOUT: &str = "\
Builds and runs software projects on behalf of people and AI agents.

- **Who calls**: `Authorization: Bearer <token>`, or the browser's session.
- **Refusals and failures** are `application/problem+json` (RFC 9457) with a stable `code`, a `detail` \
that says what to do, and the `request_id` that every answer carries as `x-request-id`. What a caller \
may not see is a 404.
- **Once more**: creating what exists with the same settings, starting what runs and deleting what is \
gone succeed. A POST with an `Idempotency-Key` is answered as it was the first time.
- **Lists** have a `limit` and a `next_cursor`.
- **Limits**: 413 for what is too large, 429 with `Retry-After` for what comes too often, 507 where a \
project, or all that its owner may have of the disk, is full.
- **Units**: bytes, seconds, and times as RFC 3339 in UTC.";

/// What the tags mean.
const TAGS: [(&str, &str); 18] = [
    ("admin", "For administrators: all runtimes, users, quotas, orphans, drains."),
    ("agents", "Agents plan, write and repair projects."),
    ("documented", "The paths of the founding documents: the same handlers once more."),
    ("events", "What happens, as it happens."),
    ("exec", "Commands in a project's runtime."),
    ("files", "The files of a project."),
    ("jobs", "Files that are made, packed and forgotten."),
    ("plugins", "Components that judge, write and report."),
    ("policies", "What decides on commands."),
    ("previews", "What a project's servers show."),
    ("processes", "The one long-running program of a project."),
    ("projects", "Projects."),
    ("reports", "What the installation looks like."),
    ("reviews", "What is handed in, remarks on it, and verdicts."),
    ("runtimes", "Where a project runs."),
    ("session", "Who calls, and by which token."),
    ("system", "How the server is."),
    ("terminals", "Terminals in a project's runtime."),
];

/// Operations that anybody may ask for.
const OPEN: [&str; 4] = ["health", "ready", "metrics", "sign_in"];

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const PROBLEM: &str = "application/problem+json";

/// The whole description.
pub(super) fn complete(described: &OpenApi) -> serde_json::Result<Value> {
    let mut all = serde_json::to_value(described)?;
    all["info"]["description"] = ABOUT.into();
    all["tags"] =
        TAGS.map(|(name, description)| json!({ "name": name, "description": description })).into();
    all["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "A token of Lockhouse's own, or a JSON Web Token." },
        "session": { "type": "apiKey", "in": "cookie", "name": super::extract::SESSION_COOKIE, "description": "A browser's." },
    });
    all["security"] = json!([{ "token": [] }, { "session": [] }]);
    let paths = all["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
    // OpenAPI has no name for a parameter that takes the rest of the path.
    let named = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item));
    let mut paths: Map<String, Value> = named.collect();
    let items = paths.values_mut().filter_map(Value::as_object_mut);
    items.flat_map(|item| item.values_mut()).for_each(operation);
    all["paths"] = paths.into();
    names_are_texts(&mut all);
    Ok(all)
}

fn operation(operation: &mut Value) {
    if !operation.is_object() {
        return;
    }
    if operation["operationId"].as_str().is_some_and(|id| OPEN.contains(&id)) {
        operation["security"] = json!([]);
    }
    if let Some(content) = operation.pointer_mut("/requestBody/content") {
        bytes(content);
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses {
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = meaning(status).into();
        }
        let Some(content) = response.get_mut("content") else { continue };
        bytes(content);
        problem(content);
    }
}

/// Where a handler says no more of it.
fn meaning(status: &str) -> &'static str {
    match status {
        "101" => "The connection is a WebSocket from here on.",
        "200" => "As it is now.",
        "201" => "Made.",
        "202" => "Begun; it goes on without the caller.",
        "204" => "Done.",
        "206" => "The part that was asked for.",
        "303" => "It is elsewhere.",
        "304" => "As the caller has it.",
        "4XX" => "Refused; `detail` says what to do.",
        "503" | "5XX" => "Something that the server needs is away, or it failed.",
        _ => "Answered.",
    }
}

/// Members of a JSON object have names, also where the names are numbers to us.
fn names_are_texts(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut() {
        members.retain(|name, value| name != "propertyNames" || value["type"] != "integer");
        members.values_mut().for_each(names_are_texts);
    } else if let Some(items) = schema.as_array_mut() {
        items.iter_mut().for_each(names_are_texts);
    }
}

/// What is no JSON is bytes, and no list of numbers. Each event of a stream has JSON as its
/// data.
fn bytes(content: &mut Value) {
    for (kind, media) in content.as_object_mut().into_iter().flatten() {
        if kind == EVENTS {
            let event = media["schema"].take();
            media["schema"] = json!({ "type": "object", "properties": {
                "data": { "type": "string", "contentMediaType": JSON, "contentSchema": event },
                "event": { "type": "string" },
                "id": { "type": "string" },
            }});
            continue;
        }
        if kind != JSON && media["schema"]["type"] == "array" {
            media["schema"] = json!({ "type": "string", "format": "binary" });
        }
    }
}

fn problem(content: &mut Value) {
    let Some(kinds) = content.as_object_mut() else { return };
    let is_problem = |media: &Value| media["schema"]["$ref"] == "#/components/schemas/ProblemView";
    if kinds.get(JSON).is_some_and(is_problem)
        && let Some(media) = kinds.remove(JSON)
    {
        kinds.insert(PROBLEM.to_owned(), media);
    }
}
