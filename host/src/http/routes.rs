//! Every URL, on one screen. A handler's method and path stand in the
//! `utoipa::path` above it, so that the description can't differ from the
//! route.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use ipnet::IpNet;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use super::admin::{disk, drain, orphans, quotas};
use super::files::{archive, batch, container, content, search, watch};
use super::problem::Problem;
use super::{
    admin, agents, assets, audit, description, documented, events, exec, files, health, jobs,
    layers, networks, once, plugins, policies, previews,
};
use super::{
    processes, projects, rates, reports, reviews, runtimes, session, stats, terminals, tokens,
    users,
};
use crate::app::App;

#[derive(OpenApi)]
#[openapi(info(title = "Lockhouse"))]
struct Description;

/// The whole server, as one service.
pub(crate) fn router(app: App, trusted_proxies: &[IpNet]) -> Router {
    let once = from_fn_with_state(app.clone(), once::answer_once);
    let rates = from_fn_with_state(app.clone(), rates::limit);
    let (router, described) = OpenApiRouter::with_openapi(Description::openapi())
        .merge(system())
        .nest("/api/v1", api().layer(once.clone()).layer(rates.clone()))
        .merge(documented::routes().layer(once).layer(rates))
        .split_for_parts();
    let described = description::complete(&described).unwrap_or_else(|error| {
        tracing::error!(%error, "the API's description can't be written");
        Value::Null
    });
    let router = router
        .merge(SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", described))
        .route("/sign-in", get(session::sign_in_by_url))
        .route("/api/v1/preview/{project}", any(previews::preview))
        .route("/api/v1/preview/{project}/", any(previews::preview))
        .route("/api/v1/preview/{project}/{*path}", any(previews::preview))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(assets::serve)
        .with_state(app.clone())
        // Whatever is asked at a preview's host is the preview's.
        .layer(from_fn_with_state(app, previews::host::divert));
    layers::wrap(router, trusted_proxies)
}

fn system() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// Who calls.
fn people() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::sign_in, session::find_session, session::sign_out))
        .routes(routes!(tokens::create_token, tokens::list_tokens))
        .routes(routes!(tokens::revoke_token))
}

/// What is the administrators'.
pub(super) fn admin() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(users::create_user, users::list_users))
        .routes(routes!(users::change_user, users::remove_user))
        .routes(routes!(users::sign_out_everywhere))
        .routes(routes!(users::create_token, users::list_tokens))
        .routes(routes!(users::revoke_token))
        .routes(routes!(admin::list_runtimes))
        .routes(routes!(admin::stop_runtime))
        .routes(routes!(admin::remove_runtime))
        .routes(routes!(admin::health))
        .routes(routes!(disk::disk))
        .routes(routes!(drain::find_drain, drain::change_drain, drain::end_drain))
        .routes(routes!(quotas::list_quotas, quotas::set_quota))
        .routes(routes!(quotas::remove_quota))
        .routes(routes!(orphans::list_orphans))
        .routes(routes!(orphans::clean_up_orphans))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::verify_audit))
        .routes(routes!(audit::export_audit))
        .routes(routes!(plugins::list_plugins))
        .merge(unlimited_bodies())
        .routes(routes!(plugins::pull_plugin))
        .routes(routes!(plugins::roll_back_plugin))
        .routes(routes!(plugins::enable_plugin))
        .routes(routes!(plugins::disable_plugin))
        .routes(routes!(plugins::set_grants))
        .routes(routes!(plugins::list_bindings, plugins::create_binding))
        .routes(routes!(plugins::change_binding, plugins::delete_binding))
        .routes(routes!(policies::evaluate))
        .routes(routes!(policies::replay))
        .routes(routes!(reports::list_reports))
        .routes(routes!(reports::find_report))
        .routes(routes!(reports::schedules::list_schedules))
}

/// A project's files, as JSON.
pub(super) fn project_files() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(files::list_files))
        .routes(routes!(files::read_file))
        .routes(routes!(files::delete_file))
        .routes(routes!(files::rename_file))
        .merge(long_bodies_of_files())
}

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(people())
        .merge(admin())
        .routes(routes!(events::listen))
        .routes(routes!(projects::create_project, projects::list_projects))
        .routes(routes!(projects::find_project, projects::update_project, projects::delete_project))
        .routes(routes!(projects::deleted::list_deleted_projects))
        .routes(routes!(projects::deleted::restore_project))
        .routes(routes!(runtimes::create_runtime))
        .routes(routes!(runtimes::find_runtime, runtimes::update_runtime, runtimes::delete_runtime))
        .routes(routes!(runtimes::start_runtime))
        .routes(routes!(runtimes::stop_runtime))
        .routes(routes!(runtimes::restart_runtime))
        .routes(routes!(stats::runtime_stats))
        .routes(routes!(runtimes::runtime_activity))
        .routes(routes!(networks::find_network, networks::change_network))
        .routes(routes!(exec::run_command))
        .routes(routes!(exec::attach::find_exec, exec::attach::end_exec))
        .routes(routes!(exec::attach::signal_exec))
        .routes(routes!(exec::attach::write_stdin))
        .routes(routes!(exec::attach::list_history))
        .routes(routes!(processes::start_process, processes::find_process, processes::stop_process))
        .routes(routes!(processes::process_logs))
        .routes(routes!(terminals::open_terminal))
        .routes(routes!(terminals::list_terminals))
        .routes(routes!(terminals::create_ticket))
        .routes(routes!(terminals::close_terminal))
        .routes(routes!(terminals::resize_terminal))
        .routes(routes!(previews::look::find_preview))
        .routes(routes!(previews::look::preview_status))
        .routes(routes!(previews::look::open_preview))
        .routes(routes!(previews::look::list_ports))
        .routes(routes!(previews::links::create_link, previews::links::list_links))
        .routes(routes!(previews::links::revoke_link))
        .merge(project_files())
        .merge(long_bodies())
        .routes(routes!(container::read_file))
        .routes(routes!(search::search_files))
        .routes(routes!(watch::watch_files))
        .routes(routes!(archive::download_project, archive::upload_project))
        .routes(routes!(content::read_content, content::save_content, content::delete_content))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::create_job))
        .routes(routes!(jobs::find_job, jobs::delete_job))
        .routes(routes!(jobs::set_plan))
        .routes(routes!(jobs::read_file))
        .routes(routes!(jobs::complete_job))
        .routes(routes!(jobs::fail_job))
        .routes(routes!(jobs::download::download_job))
        .routes(routes!(jobs::job_stats))
        .routes(routes!(jobs::clean_up_jobs))
        .merge(reviews())
        .routes(routes!(policies::explain))
        .routes(routes!(agents::generate))
        .routes(routes!(agents::list_agents))
        .routes(routes!(agents::list_runs))
        .routes(routes!(agents::find_run))
        .routes(routes!(agents::run_events))
        .routes(routes!(agents::run_transcript))
        .routes(routes!(agents::cancel_run))
}

/// What is handed in, and what is said about it.
fn reviews() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(reviews::create_submission, reviews::list_project_submissions))
        .routes(routes!(reviews::list_submissions))
        .routes(routes!(reviews::find_submission, reviews::delete_submission))
        .routes(routes!(reviews::judge_submission))
        .routes(routes!(reviews::diff::diff_submission))
        .routes(routes!(reviews::files::list_submitted_files))
        .routes(routes!(reviews::files::read_submitted_file))
        .routes(routes!(reviews::comments::create_comment, reviews::comments::list_comments))
        .routes(routes!(reviews::comments::change_comment))
}

/// Many files within JSON.
fn long_bodies() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(container::list_files, container::write_file))
        .routes(routes!(container::change_files))
        .routes(routes!(jobs::write_file, jobs::list_files))
        .routes(routes!(jobs::write_files))
        .layer(DefaultBodyLimit::max(batch::MAX_BATCH_BYTES))
}

fn long_bodies_of_files() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(batch::change_files))
        .routes(routes!(files::create_file))
        .routes(routes!(files::write_file))
        .layer(DefaultBodyLimit::max(batch::MAX_BATCH_BYTES))
}

/// Uploads that have limits of their own.
fn unlimited_bodies() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(plugins::find_plugin, plugins::install_plugin, plugins::remove_plugin))
        .layer(DefaultBodyLimit::disable())
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this URL does not take this method; `/docs` says which it takes",
    )
}
