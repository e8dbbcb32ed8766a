//! A component as it is uploaded: a form with the bytes and what goes with them.

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use utoipa::ToSchema;

use crate::http::problem::Problem;
use crate::plugins::{BindingChange, NewVersion, Source};

/// Settings, signatures and the like.
const MAX_TEXT_BYTES: usize = 256 * 1024;
const MAX_FIELDS: usize = 16;

/// The form's fields.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form; its fields are read one by one")]
pub(in crate::http) struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    component: Vec<u8>,
    /// One JSON object, for the plugin's binding for everybody.
    settings: Option<String>,
    /// `enforce` or `shadow`, for the same binding.
    mode: Option<String>,
    /// `sha256:…` that the component must have.
    digest: Option<String>,
    /// The component's signature, as `lockhouse plugin sign` writes it.
    signature: Option<String>,
    /// Grants that the plugin gets, with commas between them.
    grants: Option<String>,
}

/// Reads the form; a component of more than `limit` bytes is refused before it
/// is whole.
pub(super) async fn read(request: Request, limit: usize) -> Result<NewVersion, Problem> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        let detail = "send a form (multipart/form-data) with the field `component`";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_form", detail)
    })?;
    let mut new = NewVersion {
        bytes: Vec::new(),
        source: Source::Upload,
        digest: None,
        signature: None,
        binding: BindingChange::default(),
        grants: None,
    };
    let mut fields = 0;
    while let Some(mut field) = form.next_field().await.map_err(|error| malformed(&error))? {
        fields += 1;
        if fields > MAX_FIELDS {
            return Err(invalid(format!("the form has more than {MAX_FIELDS} fields")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name == "component" {
            new.bytes = bytes(&mut field, limit).await?;
            continue;
        }
        let text = text(&mut field, &name).await?;
        set(&mut new, &name, text)?;
    }
    if new.bytes.is_empty() {
        return Err(invalid("the form has no field `component` with the component's bytes"));
    }
    Ok(new)
}

fn set(new: &mut NewVersion, name: &str, text: String) -> Result<(), Problem> {
    match name {
        "settings" => {
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text)
                .map_err(|error| invalid(format!("settings must be one JSON object: {error}")))?;
            new.binding.settings = Some(text);
        }
        "mode" => new.binding.mode = Some(super::parse_mode(&text)?),
        "digest" => {
            let digest = text.trim().parse();
            new.digest = Some(digest.map_err(|error| invalid(format!("digest: {error}")))?);
        }
        "signature" => new.signature = Some(text),
        "grants" => {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            new.grants = Some(names.map(str::to_owned).collect());
        }
        _ => {
            let name: String = name.chars().take(80).collect();
            return Err(invalid(format!(
                "there is no field `{name}`; there are component, settings, mode, digest, signature and grants"
            )));
        }
    }
    Ok(())
}

async fn bytes(field: &mut Field<'_>, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| malformed(&error))? {
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::too_large(format!(
                "this part of the form is over {limit} bytes, which is the limit"
            )));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn text(field: &mut Field<'_>, name: &str) -> Result<String, Problem> {
    let bytes = bytes(field, MAX_TEXT_BYTES).await?;
    String::from_utf8(bytes).map_err(|_| invalid(format!("the field `{name}` must be a text")))
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_form", detail)
}

fn malformed(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the form is too large"),
        _ => Problem::bad_request("malformed_form", error.body_text()),
    }
}
