//! The paths of the founding documents that are not below `/api/v1`: routes to the
//! same handlers, with nothing of their own.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::OpenApiRouter;

use super::routes::{admin, project_files};
use crate::app::App;

/// `/admin/*` and `/projects/{project}/files/*`.
pub(super) fn routes() -> OpenApiRouter<App> {
    let mut router = admin().merge(project_files());
    let items = router.get_openapi_mut().paths.paths.values_mut();
    items.flat_map(operations).for_each(rename);
    router
}

/// Each operation of the description has a name of its own.
fn rename(operation: &mut Operation) {
    operation.operation_id = operation.operation_id.take().map(|id| format!("documented_{id}"));
    operation.tags = Some(vec!["documented".to_owned()]);
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, head, patch, .. } = item;
    [get, put, post, delete, head, patch].into_iter().flatten()
}
