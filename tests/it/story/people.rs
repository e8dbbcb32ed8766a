//! People, their roles and their tokens: who may do what.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::host::{Answer, Host, answer, engine};

const USERS: &str = "/api/v1/admin/users";

async fn host() -> Result<Host, String> {
    Ok(Host::start(engine("local").await?).await)
}

impl Host {
    /// The secret of a new token, for a user who is made known if need be.
    pub(crate) async fn token(&self, user: &str, role: &str, scope: &str) -> String {
        let known = self.post(USERS, json!({ "id": user, "role": role })).await;
        assert!(known.status == 201 || known.json["code"] == "user_exists", "{}", known.text);
        let wish = json!({ "user": user, "name": "test", "scope": scope });
        let made = self.post("/api/v1/admin/tokens", wish).await;
        assert_eq!(made.headers["cache-control"], "no-store");
        made.json["secret"].as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned()
    }

    async fn with(&self, token: &str, method: Method, path: &str, body: Value) -> Answer {
        answer(self.as_nobody(method, path).bearer_auth(token).json(&body)).await
    }

    async fn status(&self, token: &str, method: Method, path: &str) -> StatusCode {
        self.with(token, method, path, json!({})).await.status
    }
}

#[tokio::test]
async fn a_token_lets_in_its_user_until_it_is_revoked() {
    let host = need!(local, host().await);
    let token = host.token("ada", "learner", "write").await;
    let who = host.with(&token, Method::GET, "/api/v1/session", json!({})).await;
    assert_eq!(who.json["user"], json!({ "id": "ada", "role": "learner" }));
    let mine = host.with(&token, Method::GET, "/api/v1/tokens", json!({})).await;
    assert!(!mine.text.contains(&token), "{}", mine.text);
    let id = mine.json["tokens"][0]["id"].as_str().unwrap();
    assert_eq!(host.status(&token, Method::DELETE, &format!("/api/v1/tokens/{id}")).await, 204);
    assert_eq!(host.status(&token, Method::GET, "/api/v1/session").await, 401);
}

#[tokio::test]
async fn a_token_for_reading_changes_nothing() {
    let host = need!(local, host().await);
    let token = host.token("ada", "learner", "read").await;
    let made = host.with(&token, Method::POST, "/api/v1/projects", json!({ "name": "x" })).await;
    assert_eq!(made.json["code"], "read_only", "{}", made.text);
    assert_eq!(host.status(&token, Method::GET, "/api/v1/projects").await, 200);
    let wish = json!({ "name": "more", "scope": "write" });
    let more = host.with(&token, Method::POST, "/api/v1/tokens", wish).await;
    assert_eq!(more.status, 403, "{}", more.text);
}

#[tokio::test]
async fn an_administrators_token_for_writing_is_no_administrators() {
    let host = need!(local, host().await);
    let token = host.token("root", "admin", "write").await;
    let refused = host.with(&token, Method::GET, USERS, json!({})).await;
    assert_eq!(refused.json["code"], "not_admin", "{}", refused.text);
    let wish = json!({ "name": "more", "scope": "admin" });
    let more = host.with(&token, Method::POST, "/api/v1/tokens", wish).await;
    assert_eq!(more.json["code"], "scope_exceeded", "{}", more.text);
    let whole = host.token("root", "admin", "admin").await;
    assert_eq!(host.status(&whole, Method::GET, USERS).await, 200);
}

#[tokio::test]
async fn who_is_removed_is_let_in_no_more_and_what_is_theirs_stays() {
    let host = need!(local, host().await);
    let token = host.token("ada", "learner", "write").await;
    host.with(&token, Method::POST, "/api/v1/projects", json!({ "name": "x" })).await;
    assert_eq!(host.delete(&format!("{USERS}/ada")).await.status, 204);
    assert_eq!(host.status(&token, Method::GET, "/api/v1/projects").await, 401);
    let left = host.rows("SELECT COUNT(*) FROM projects WHERE owner_id = 'ada'").await;
    assert_eq!(left, 1);
    let own = host.delete(&format!("{USERS}/admin")).await;
    assert_eq!(own.json["code"], "user_reserved", "{}", own.text);
}

/// Paths of a project and of the installation, and what each sort of caller is
/// answered: other people's things are not there, and the installation's are refused.
#[tokio::test]
async fn every_route_is_its_owners_or_the_administrators() {
    let host = need!(local, host().await);
    let lab = host.post("/api/v1/projects", json!({ "name": "lab" })).await;
    let id = lab.json["id"].as_str().unwrap().to_owned();
    let handed_in = host.post(&format!("/api/v1/projects/{id}/submissions"), json!({})).await;
    let submission = handed_in.json["id"].as_str().unwrap();
    let strangers =
        [host.token("ada", "learner", "admin").await, host.token("rex", "reviewer", "admin").await];
    let mut tried = 0;
    for (method, path) in host.routes().await {
        let reviewed = path.contains("{submission}");
        let about = path.contains("{project}") || reviewed;
        if !about && !path.contains("/admin/") {
            continue;
        }
        // Reviewers see what anybody handed in.
        let strangers = if reviewed { &strangers[..1] } else { &strangers[..] };
        let path = path.replace("{project}", &id).replace("{submission}", submission);
        let path = path.replace(['{', '}'], "");
        for token in strangers {
            let body = json!([]);
            let refused = host.with(token, method.clone(), &path, body).await;
            let status = refused.status.as_u16();
            // Deleting what is not there succeeds, as it does for who asks twice.
            let is_gone = method == Method::DELETE && status == 204;
            let is_hidden = is_gone || matches!(status, 400 | 403 | 404 | 415 | 422 | 426);
            assert!(is_hidden, "{method} {path}: {status} {}", refused.text);
            assert!(!refused.text.contains("\"lab\""), "{method} {path}: {}", refused.text);
        }
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
    assert_eq!(host.get(&format!("/api/v1/projects/{id}")).await.json["name"], "lab");
}

/// A token as Supabase makes them, for this server's secret.
fn vouched(sub: &str, role: &str) -> String {
    use base64::Engine as _;
    let part = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "sub": sub, "aud": "authenticated", "role": "authenticated",
        "iat": now, "exp": now + 600, "app_metadata": { "role": role },
    });
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let message =
        format!("{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SHARED.as_bytes());
    format!("{message}.{}", part(ring::hmac::sign(&key, message.as_bytes()).as_ref()))
}

const SHARED: &str = "shared between an issuer and this test";

#[tokio::test]
async fn whom_an_issuer_vouches_for_is_let_in_until_signed_out_here() {
    let engine = need!(local, engine("local").await);
    let host = Host::start_with(engine, &[("JWT_SECRET", SHARED)]).await;
    let ada = "0190b5d4-7f3e-7c56-8a3a-2f1f9c1b7a11";
    let token = vouched(ada, "nobody in particular");
    let made = host.with(&token, Method::POST, "/api/v1/projects", json!({ "name": "x" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(host.status(&vouched("rex", "admin"), Method::GET, USERS).await, 200);
    assert_eq!(host.status(&token, Method::GET, USERS).await, 403);
    host.post(&format!("{USERS}/{ada}/sign-out"), json!({})).await;
    assert_eq!(host.status(&token, Method::GET, "/api/v1/projects").await, 401);
    let own = host.with(&vouched("admin", ""), Method::GET, "/api/v1/projects", json!({})).await;
    assert_eq!(own.json["code"], "token_refused", "{}", own.text);
}

#[tokio::test]
async fn users_and_tokens_are_looked_after_from_the_command_line() {
    let host = need!(local, host().await);
    let says = async |words: &[&str]| {
        let output = host.says(words).output().await.unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    says(&["user", "add", "ada", "--role", "reviewer"]).await;
    assert!(says(&["user", "list"]).await.contains("ada                      reviewer"));
    let token = says(&["token", "create", "ada", "--name", "laptop", "--scope", "read"]).await;
    assert_eq!(host.status(token.trim(), Method::GET, "/api/v1/projects").await, 200);
    let listed = says(&["token", "list", "ada"]).await;
    assert!(listed.contains("laptop") && !listed.contains(token.trim()), "{listed}");
    says(&["token", "revoke", listed.split_whitespace().next().unwrap()]).await;
    assert_eq!(host.status(token.trim(), Method::GET, "/api/v1/projects").await, 401);
}
